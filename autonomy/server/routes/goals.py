"""Goals: handed in by people, planned by agents, carried out as runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from autonomy.goals import Goal, Wanted
from autonomy.identity import Permission, PersonCaller

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import cut
from ..route import api
from .actions import may_read

router = api("goals")

Reader = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_READ)]
Starter = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_START)]
Steerer = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_STEER)]

StateWord = Literal[
    "planning", "proposed", "held", "working", "asking", "done", "refused", "failed", "cancelled", "stopped"
]


class GoalAsked(Asked):
    """A goal for whoever has the `role` of planning. Its plan may use what `unit` and the units below it have."""

    goal: Annotated[str, Field(min_length=1, max_length=4_000)] = Field(examples=["Keep a month's stock of lenses"])
    unit: Text | None = None
    role: Text = "planner"
    input: dict[str, Any] = Field({}, description="what the plan is to work with; its expressions see it as `input`")
    spend: Text | None = Field(None, examples=["500.00 EUR"], description="what everything for it may cost together")
    priority: Literal["low", "normal", "high", "urgent"] = "normal"


class EndAsked(Asked):
    """With `compensate` what was done is undone first."""

    reason: str = Field("", max_length=1_000)
    compensate: bool = False


class HandedInAnswer(Answer):
    goal: str = Field(examples=["run_01jd…"])


class GoalAnswer(Answer):
    """A goal in a list. `id` is that of its run; `run` the run that its plan became. `goal` is shown to who may read
    payloads and to who handed it in."""

    id: str
    state: StateWord
    goal: str | None
    unit: str
    role: str
    by: str
    created_at: int
    ended_at: int | None
    run: str | None


class GoalShown(GoalAnswer):
    """A goal with its plan; what was said is shown to who may read payloads and to who handed it in."""

    reason: str
    planner: str | None = Field(description="the agent that drew up the plan")
    plan: dict[str, Any] | None
    graph: str | None = Field(description="the plan as a Mermaid flowchart")
    output: Any = None


@router.post("/goals", summary="hand in a goal", status_code=201, responses=refusals(404))
async def hand_in_goal(asked: GoalAsked, person: Starter, here: Here) -> HandedInAnswer:
    """Durable when it answers; whoever plans hears of it a moment later."""
    wanted = Wanted(
        goal=asked.goal,
        unit=asked.unit,
        role=asked.role,
        given=asked.input,
        spend=asked.spend,
        priority=asked.priority,
    )
    return HandedInAnswer(goal=await here.system.workflows.goals.hand_in(wanted, person.actor))


@router.get("/goals", summary="goals", responses=refusals(404))
async def list_goals(person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[GoalAnswer]:
    """Newest first."""
    found = await here.system.workflows.goals.goals(limit + 1, after)
    items, following = cut(found, lambda one: one.id, limit)
    return Page(items=[GoalAnswer.model_validate(_listed(one, person)) for one in items], next=following)


@router.get("/goals/{goal}", summary="one goal with its plan", responses=refusals(404))
async def describe_goal(goal: str, person: Reader, here: Here) -> GoalShown:
    """Where it is, what was proposed, and the run that it became."""
    return _shown(await here.system.workflows.goals.show(goal), person)


@router.post("/goals/{goal}/cancel", summary="end a goal", responses=refusals(404, 409))
async def cancel_goal(goal: str, asked: EndAsked, person: Steerer, here: Here) -> GoalShown:
    """With it ends the run that it became: what waits is withdrawn, what is under way ends by itself."""
    goals = here.system.workflows.goals
    return _shown(await goals.cancel(goal, person.actor, asked.reason, asked.compensate), person)


def _listed(found: Goal, person: PersonCaller) -> dict[str, Any]:
    said = found._asdict()
    return {name: said[name] for name in GoalAnswer.model_fields} | {
        "goal": found.goal if _may_see(found, person) else None
    }


def _shown(found: Goal, person: PersonCaller) -> GoalShown:
    seen = _may_see(found, person)
    return GoalShown(
        **_listed(found, person),
        reason=found.reason if seen or found.reason.startswith("cap.") else "",
        planner=found.planner,
        plan=found.plan if seen else None,
        graph=found.graph if seen else None,
        output=found.output if seen else None,
    )


def _may_see(found: Goal, person: PersonCaller) -> bool:
    return may_read(person) or found.by == person.actor
