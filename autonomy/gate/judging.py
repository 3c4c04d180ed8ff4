"""A decision until it is final: the writer decides again where what was taken for granted is not so."""

from __future__ import annotations

from msgspec import Struct

from autonomy.audit import Leaf
from autonomy.budget import Warned
from autonomy.policy import Verdict

from .errand import Errand
from .leaves import intent_leaf
from .model import Action
from .results import budget_notices
from .units import Drift


class Cleared(Struct, frozen=True):
    """An action whose intent is durable; `warned` are the budgets of which its agent is warned."""

    action: Action
    verdict: Verdict
    warned: tuple[Warned, ...] = ()


def errand_of(cleared: Cleared, began: int) -> Errand:
    """A cleared action on its way: everything that is needed to carry it out and to end it."""
    action, attempt = cleared.action, cleared.action.attempt
    return Errand(
        action=action.id,
        agent=attempt.caller.agent_id,
        agent_name=attempt.caller.name,
        chain=tuple([view.id for view in attempt.caller.chain]),
        delegations=attempt.caller.delegations,
        credential=attempt.caller.credential,
        approved=attempt.hold is not None,
        epoch=attempt.house.epoch,
        connector=action.tool.destination,
        case=attempt.case,
        tool=action.tool,
        arguments=attempt.request.arguments,
        charges=action.charges,
        windows=action.windows,
        record=action.record.key if action.record else None,
        money=action.money,
        tokens=action.tokens,
        verdict=cleared.verdict,
        papers=action.papers,
        began=began,
        warnings=budget_notices(cleared.warned, attempt.house.organisation.currency.base),
        labels=action.labels,
        behind=tuple(view.name for view in attempt.caller.chain[1:]),
    )


class Judged:
    """The decision as it finally stands: the writer decides again where windows or labels were not as guessed."""

    def __init__(self, action: Action, verdict: Verdict) -> None:
        self.action = action
        self.verdict = verdict

    def again(self, drift: Drift) -> Leaf | None:
        action = self.action.with_drift(drift)
        verdict = action.attempt.house.bundle.decide(action.question())
        if verdict.effect != "allow":
            return None
        self.action, self.verdict = action, verdict
        return intent_leaf(action, verdict)
