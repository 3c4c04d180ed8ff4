"""What was before a held action: its agent's earlier uses of the tool, and how people decided about them."""

from __future__ import annotations

from typing import Annotated

from autonomy.approvals import Hold
from autonomy.approvals.model import State, Verdict
from autonomy.identity import Permission, PersonCaller
from autonomy.insight.precedents import precedents

from ..access import allowed
from ..answers import Answer, refusals
from ..here import Here
from ..route import api
from .actions import ActionAnswer, may_read
from .approvals import sits

router = api("approvals")

Reader = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_READ)]


class VoteAnswer(Answer):
    """What somebody said; `reason` is null where you may not see it."""

    person: str
    instead_of: str | None
    verdict: Verdict
    reason: str | None
    at: int


class PrecedentAnswer(Answer):
    """A hold of the same agent and tool that was decided."""

    action: str
    consequence: str
    state: State
    asked_at: int
    ended_at: int | None
    votes: list[VoteAnswer]


class PrecedentsAnswer(Answer):
    """`uses` of the same tool by the same agent for the same subject, and `decisions` about the same agent and tool;
    ten of each at most, the newest first."""

    uses: list[ActionAnswer]
    decisions: list[PrecedentAnswer]


@router.get("/approvals/{action}/precedents", summary="what was before a held action", responses=refusals(404))
def show_precedents(action: str, person: Reader, here: Here) -> PrecedentsAnswer:
    """How the agent used the tool for the same subject before, and how people decided about similar actions."""
    hold = here.system.approvals.get(action)
    found = precedents(here.system.database, hold)
    seen = may_read(person) or sits(hold, person, here)
    uses = [ActionAnswer.model_validate(one) for one in found.uses]
    return PrecedentsAnswer(uses=uses, decisions=[_precedent(one, seen) for one in found.holds])


def _precedent(hold: Hold, seen: bool) -> PrecedentAnswer:
    votes = [
        VoteAnswer(
            person=vote.person,
            instead_of=vote.instead_of,
            verdict=vote.verdict,
            reason=vote.reason if seen else None,
            at=vote.at,
        )
        for vote in hold.votes
    ]
    return PrecedentAnswer(
        action=hold.action,
        consequence=hold.consequence,
        state=hold.state,
        asked_at=hold.asked_at,
        ended_at=hold.ended_at,
        votes=votes,
    )
