"""Cases: what belongs together, told in the order it happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from fastapi.concurrency import run_in_threadpool

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.cases import SpanKind

from ..access import allowed
from ..answers import Answer, refusals
from ..here import Here
from ..route import api

router = api("cases")

Reader = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_READ)]

CaseName = Annotated[str, Path(min_length=1, max_length=400)]


Around = Annotated[str | None, Query(max_length=400, description="an action of the case: what lies around it is told")]


class SpanAnswer(Answer):
    """A part of a case. `parent` is the span it belongs to, `leaves` are indices in the log; without `ended_at` it is
    under way, and where it ended when it began it is an instant. `step` is the step of a run that it belongs to."""

    id: str
    kind: SpanKind
    parent: str | None
    who: str
    what: str
    state: str
    at: int
    ended_at: int | None
    leaves: list[int]
    policies: list[str]
    code: str | None
    money: int | None
    step: str | None


class CaseLabelAnswer(Answer):
    label: str
    at: int


class CaseAnswer(Answer):
    """A case in the order it happened. Where not `whole`, only its newest actions are told, or those around the one
    that was named, and only the newest that is known of its runs and tasks. `money` is what the actions came to."""

    case: str
    whole: bool
    spans: list[SpanAnswer]
    labels: list[CaseLabelAnswer]
    agents: list[str]
    money: int
    at: int
    ended_at: int | None


@router.get("/cases/{case:path}", summary="one case", responses=refusals(404))
async def describe_case(case: CaseName, _person: Reader, here: Here, around: Around = None) -> CaseAnswer:
    """Its waterfall: runs, tasks and their handoffs, actions with their decisions, approvals and waits."""
    await here.taken_in()
    return CaseAnswer.model_validate(await run_in_threadpool(here.telling.case, case, around))
