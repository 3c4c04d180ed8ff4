"""Workflows and runs as they are drawn: the steps, where each is, and where the time goes."""

from __future__ import annotations

from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.insight.whereabouts import stays
from autonomy.workflow.drawing import Drawing, drawing
from autonomy.workflow.graph import mermaid
from autonomy.workflow.service import MAX_DRAWN

from ..answers import Answer, refusals
from ..here import Here
from ..route import api
from .cases import SpanAnswer
from .runs import Reader

router = api("runs")


class NodeAnswer(Answer):
    """A step. `inside` is the step it is a part of, `way` the branch. `counts` says how often it is in which state, and
    `state` which of these shows; empty where it has not begun."""

    id: str = Field(examples=["order"])
    kind: str = Field(examples=["tool"])
    what: str = Field(examples=["create_purchase_order"])
    inside: str
    way: str
    state: str
    counts: dict[str, int]


class EdgeAnswer(Answer):
    """`after` comes after `before`: always, when the condition `when` is true, or when the `first` of several is
    done."""

    before: str
    after: str
    when: str
    first: bool


class GraphAnswer(Answer):
    nodes: list[NodeAnswer]
    edges: list[EdgeAnswer]
    mermaid: str = Field(description="a Mermaid flowchart; each step in the colour of where it is")


class LiveGraphAnswer(Answer):
    """A workflow as it is declared, with where its live runs are; where not `whole`, of the newest of them."""

    nodes: list[NodeAnswer]
    edges: list[EdgeAnswer]
    live: int
    whole: bool


class StayAnswer(Answer):
    """The time of a run at one step, in milliseconds: `working` while a tool performed or somebody had its task,
    `waiting` all the rest. Without `ended_at` it is still there; `tries` are the actions and tasks that it took."""

    path: str
    step: str
    at: int
    ended_at: int | None
    working: int
    waiting: int
    tries: int


class TimelineAnswer(Answer):
    """What happened in a run, in order; where not `whole`, only the newest of it. `stays` says where its time went."""

    whole: bool
    spans: list[SpanAnswer]
    stays: list[StayAnswer]


@router.get("/runs/{run}/graph", summary="a run as a picture", responses=refusals(404))
async def draw_run(run: str, _person: Reader, here: Here) -> GraphAnswer:
    """The workflow in the wording that the run is pinned to."""
    definition, state = await here.system.workflows.runs.drawn(run)
    return GraphAnswer(**_parts(drawing(definition, [state])), mermaid=mermaid(definition, state))


@router.get("/runs/{run}/timeline", summary="where the time of a run went", responses=refusals(404))
async def time_run(run: str, _person: Reader, here: Here) -> TimelineAnswer:
    """Every action with its tries, approvals, handoffs, exceptions and what people did, and each step's time."""
    definition, state = await here.system.workflows.runs.drawn(run)
    await here.taken_in()
    spans, whole = await run_in_threadpool(here.telling.run, run)
    found = stays(definition, state, spans, here.clock())
    return TimelineAnswer(
        whole=whole,
        spans=[SpanAnswer.model_validate(one) for one in spans],
        stays=[StayAnswer.model_validate(one) for one in found],
    )


@router.get("/workflows/{workflow}/graph", summary="a workflow and its live runs", responses=refusals(404))
async def draw_workflow(workflow: str, _person: Reader, here: Here) -> LiveGraphAnswer:
    """The steps as they are declared now, each with how many live runs are where in it."""
    definition, states = await here.system.workflows.runs.live(workflow)
    return LiveGraphAnswer(**_parts(drawing(definition, states)), live=len(states), whole=len(states) < MAX_DRAWN)


def _parts(found: Drawing) -> dict[str, Any]:
    return {
        "nodes": [NodeAnswer.model_validate(one) for one in found.nodes],
        "edges": [EdgeAnswer.model_validate(one) for one in found.edges],
    }
