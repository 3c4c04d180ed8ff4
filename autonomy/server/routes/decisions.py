"""Decision tables, and asking one without leaving a trace."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from autonomy.catalog.decision import DecisionSpec, Hit
from autonomy.catalog.organisation import Revision, spec
from autonomy.identity import Permission, PersonCaller

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("decisions")

Reader = Annotated[PersonCaller, allowed(Permission.CATALOG_OBJECT_READ)]


class DecisionAnswer(Answer):
    """One decision table; agents ask it by the tool `decision.NAME`."""

    name: str
    unit: str
    description: str
    revision: str
    hit: Hit
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    rows: int
    tests: int


class CaseAsked(Asked):
    inputs: dict[str, Any] = Field(description="a value for each input of the table")


class DecisionOutputsAnswer(Answer):
    """What comes of a case: the outputs (a list of them for `collect`), by which rows, of which revision."""

    decision: str
    revision: str
    outputs: Any
    rows: list[int]


@router.get("/decisions", summary="decision tables")
async def list_decisions(_person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[DecisionAnswer]:
    """By name."""
    declared = (await here.system.watch.house()).organisation.all("Decision")
    items, following = page(declared.values(), lambda each: each.name, after, limit)
    return Page(items=[_shown(each) for each in items], next=following)


@router.post("/decisions/{name}/try", summary="ask a decision table", responses=refusals(404))
async def try_decision(name: str, asked: CaseAsked, _person: Reader, here: Here) -> DecisionOutputsAnswer:
    """What an agent would hear. Nothing is done and nothing is recorded."""
    await here.system.watch.house()
    return DecisionOutputsAnswer.model_validate(here.system.own.decisions().decide(name, asked.inputs).as_dict())


def _shown(revision: Revision) -> DecisionAnswer:
    said = spec(revision, DecisionSpec)
    return DecisionAnswer(
        name=revision.name,
        unit=revision.unit,
        description=revision.description,
        revision=revision.digest,
        hit=said.hit,
        inputs=dict(said.inputs),
        outputs=dict(said.outputs),
        rows=len(said.rows),
        tests=len(said.tests),
    )
