"""A decision until it is final: the writer decides again where what was taken for granted is not so."""

from __future__ import annotations

from msgspec import Struct

from autonomy.audit import Leaf
from autonomy.policy import Verdict

from .leaves import intent_leaf
from .model import Action
from .units import Drift


class Cleared(Struct, frozen=True):
    """An action whose intent is durable."""

    action: Action
    verdict: Verdict


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
