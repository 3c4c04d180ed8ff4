"""Several equal held actions decided in one request."""

from __future__ import annotations

from typing import Literal

from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.approvals.model import State
from autonomy.identity import PersonCaller
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.errors import AutonomyError, Conflict
from autonomy.tools import Registry

from ..answers import Answer, Asked, Text, refusals
from ..here import Here
from ..parts import Parts
from ..route import api
from .approvals import Decider, risk_of

router = api("approvals")

MOST_TOGETHER = 50  # each of them was shown to the person before


class TogetherItem(Asked):
    action: Text
    shown: Text
    looked_ms: int | None = Field(None, ge=0, le=MAX_SAFE_INTEGER)


class TogetherDecision(Asked):
    """One vote about several held actions, each as it was shown."""

    verdict: Literal["approve", "reject"]
    reason: str = Field("", max_length=2_000)
    items: list[TogetherItem] = Field(min_length=2, max_length=MOST_TOGETHER)


class TogetherItemAnswer(Answer):
    """How one of them stands after the vote; with a `code` and a `message` where the vote did not count."""

    action: str
    state: State | None = None
    code: str | None = None
    message: str | None = None


class TogetherAnswer(Answer):
    items: list[TogetherItemAnswer]


@router.post("/approvals/decisions", summary="decide held actions together", responses=refusals(404, 409))
async def decide_together(asked: TogetherDecision, person: Decider, here: Here) -> TogetherAnswer:
    """Only equal ones of low risk: of one agent and one tool. Each counts by itself, in their order."""
    registry = (await here.system.watch.house()).registry
    answer = await run_in_threadpool(_decide_together, asked, person, here, registry)
    here.system.taking_up.wake()
    return answer


def _decide_together(asked: TogetherDecision, person: PersonCaller, here: Parts, registry: Registry) -> TogetherAnswer:
    approvals = here.system.approvals
    holds = [approvals.get(one.action) for one in asked.items]
    if len({(hold.agent, hold.tool) for hold in holds}) > 1 or any(risk_of(hold, registry) != "low" for hold in holds):
        hint = "together go actions of one agent with one tool whose risk is `low`"
        raise Conflict("these are decided one by one", code="approval.not_together", hint=hint)
    found = list[TogetherItemAnswer]()
    for one in asked.items:
        try:
            hold = approvals.decide(
                one.action, person.name, asked.verdict, one.shown, asked.reason, looked_ms=one.looked_ms
            )
        except AutonomyError as error:
            found.append(TogetherItemAnswer(action=one.action, code=error.code, message=error.message))
        else:
            found.append(TogetherItemAnswer(action=one.action, state=hold.state))
    return TogetherAnswer(items=found)
