"""The use cases of goals: hand in, list, show, cancel. Each is durable when it returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from autonomy.db import Database
from autonomy.kernel import canonical, money
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from autonomy.kernel.ids import new_id
from autonomy.tasks import Task
from autonomy.tasks.routing import could_ever
from autonomy.tasks.workforce import Workforce
from autonomy.workflow import paths
from autonomy.workflow.damage import FOR_EVER
from autonomy.workflow.definition import Priority
from autonomy.workflow.definitions import Definitions
from autonomy.workflow.desk import Desk, Known, Origin
from autonomy.workflow.events import Started
from autonomy.workflow.graph import mermaid
from autonomy.workflow.model import State as RunState
from autonomy.workflow.service import PAGE, Listed, Runs

from .course import course
from .model import CARRY_OUT, GOAL, PLAN, PROPOSE, Goal, State
from .planning import Planning, unknown

MAX_GOAL = 4_000  # characters
MAX_GIVEN = 65_536  # bytes as JSON; it goes with every event of the run
ROLE = "planner"  # who plans unless somebody else is named

_ENDS: Mapping[str, State] = {"done": "done", "failed": "failed", "cancelled": "cancelled", "compensated": "cancelled"}


class Wanted(Struct, frozen=True, kw_only=True):
    """A goal that somebody hands in. `spend` is the most that everything for it may cost, such as `500.00 EUR`."""

    goal: str
    unit: str | None = None
    role: str = ROLE
    given: dict[str, Any] = {}
    spend: str | None = None
    priority: Priority = "normal"


class Goals:
    """Goals of one house, for whoever may ask: who that is, the faces say."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        definitions: Definitions,
        runs: Runs,
        planning: Planning,
        workforce: Workforce,
        clock: Clock,
    ) -> None:
        self._database = database
        self._desk = desk
        self._definitions = definitions
        self._runs = runs
        self._planning = planning
        self._workforce = workforce
        self._clock = clock

    async def hand_in(self, wanted: Wanted, by: str) -> str:
        """Hand a goal to whoever plans; returns its id. `by` is `person:NAME`.

        Raises NotFound (`task.unknown_role`, `task.unknown_unit`), Invalid (`goal.field`, `goal.nobody`).
        """
        organisation = self._workforce.organisation
        unit = wanted.unit or organisation.root.name
        self._check(wanted, unit)
        planner = await self._database.read(lambda connection: self._planner(connection, wanted.role, unit))
        escalation = self._workforce.above(wanted.role)
        if escalation is None:
            hint = f"name one in `spec.escalationTargets` of `{wanted.role}`"
            raise Invalid("no role decides when planning fails", code="goal.nobody", hint=hint)
        id, at = new_id("run"), self._clock()
        definition = course(id, wanted.role, planner, escalation, self._spend(wanted.spend), wanted.priority)
        await self._definitions.keep(definition)
        input: dict[str, Json] = {"goal": wanted.goal, "unit": unit, "given": dict(wanted.given)}
        started = Started(at, input, {"by": by}, priority=wanted.priority)
        await self._desk.begin(definition, id, started, Origin(by, id, unit))
        return id

    async def goals(self, count: int = PAGE, after: str | None = None) -> list[Goal]:
        """Goals, newest first; `after` is the id of the last one of the page before. Plans and graphs are left out."""
        listed = await self._runs.runs(GOAL, (), count, after)
        found = await self._desk.look_all([one.id for one in listed])
        became = await self._begun(found[one.id].state for one in listed if one.id in found)
        return [await self._goal(one, found[one.id], became) for one in listed if one.id in found]

    async def show(self, goal: str) -> Goal:
        """One goal with its plan, as it was proposed and as it is being carried out. Raises NotFound."""
        listed, known = await self._look(goal)
        found = await self._goal(listed, known, await self._begun([known.state]))
        plan = _plan(known.state)
        graph = None if plan is None else await self._graph(goal, found.run, plan)
        planner = None if plan is None else await self._runs.doer(goal, PLAN)
        return found._replace(plan=plan, graph=graph, planner=planner)

    async def cancel(self, goal: str, by: str, reason: str = "", compensate: bool = False) -> Goal:
        """End it, and the run that its plan became. Raises NotFound, Conflict (`goal.over`)."""
        _, known = await self._look(goal)
        if known.state.ended:
            raise Conflict("the goal has ended", code="goal.over")
        await self._runs.cancel(goal, by, reason, compensate)
        return await self.show(goal)

    def _check(self, wanted: Wanted, unit: str) -> None:
        organisation = self._workforce.organisation
        if organisation.get("Role", wanted.role) is None:
            hint = "name the role that plans, or declare `planner`"
            raise NotFound(f"there is no role `{wanted.role[:80]}`", code="task.unknown_role", hint=hint)
        if organisation.get("Unit", unit) is None:
            raise NotFound(f"there is no unit `{unit[:80]}`", code="task.unknown_unit")
        if not wanted.goal.strip() or len(wanted.goal) > MAX_GOAL:
            raise Invalid(f"a goal has 1 to {MAX_GOAL} characters", code="goal.field")
        if len(canonical.encode(wanted.given)) > MAX_GIVEN:
            raise Invalid(f"the input has more than {MAX_GIVEN} bytes", code="goal.field", hint="send a reference")

    def _planner(self, connection: Connection, role: str, unit: str) -> str:
        """An agent that could plan, in whose name a plan is proposed that no agent drew up."""
        at = self._clock()
        task = Task("", unit, role, role, "agent", "agent", "open", 0, "", at, at, 0)
        able = [one.name for one in self._workforce.holders_of(connection, role) if could_ever(task, one)]
        if not able:
            hint = "give the role to an agent of this unit or of one below it"
            raise Invalid(f"no agent of `{role}` plans for `{unit}`", code="goal.nobody", hint=hint)
        return min(able)

    def _spend(self, said: str | None) -> int | None:
        if said is None:
            return None
        currency = self._workforce.organisation.currency
        return currency.minor(*money.parse(said, currency.base))

    async def _look(self, goal: str) -> tuple[Listed, Known]:
        try:
            shown, known = await self._runs.show(goal), await self._desk.look(goal)
        except NotFound:
            raise unknown(goal) from None
        if shown.listed.workflow != GOAL:
            raise unknown(goal)
        return shown.listed, known

    async def _begun(self, goals: Iterable[RunState]) -> frozenset[str]:
        """The runs that the plans of these goals have become: a goal says that one is to begin before it is there."""
        runs = [run for goal in goals if (run := _run(goal)) is not None]
        return frozenset(await self._desk.look_all(runs)) if runs else frozenset()

    async def _goal(self, listed: Listed, known: Known, became: frozenset[str]) -> Goal:
        state, run = known.state, _run(known.state)
        said = state.input if isinstance(state.input, dict) else {}  # of a state that is damaged nobody knows it
        if run not in became:
            run = None
        return Goal(
            id=listed.id,
            state=_state(state, run),
            goal=str(said.get("goal", "")),
            unit=listed.unit,
            role=await self._role(state.digest),
            by=listed.started_by,
            created_at=listed.created_at,
            ended_at=listed.ended_at,
            reason=state.reason,
            planner=None,
            plan=None,
            graph=None,
            run=run,
            output=state.output,
        )

    async def _role(self, digest: str) -> str:
        """The role that plans, by the wording of the goal's run; empty where that is damaged."""
        try:
            definition = await self._definitions.pinned(digest)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return ""
        return definition.steps[PLAN].work.role  # type: ignore[union-attr]  # planning is a task

    async def _graph(self, goal: str, run: str | None, plan: Json) -> str | None:
        """The plan as a picture: on the run that it became, where it did; none where it may no longer be proposed, or
        the wording of the run is damaged."""
        try:
            if run is not None:
                return mermaid(*await self._runs.drawn(run))
            return mermaid((await self._planning.read(goal, plan)).definition)
        except Invalid:
            return None  # what it names has changed since
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return None


def _plan(state: RunState) -> dict[str, Json] | None:
    """The plan as it was handed in and found right."""
    step = state.steps.get(PLAN)
    found = step.output.get("plan") if step is not None and isinstance(step.output, dict) else None
    return found if isinstance(found, dict) else None


def _run(state: RunState) -> str | None:
    """The run that the plan becomes once it is admitted."""
    step = state.steps.get(CARRY_OUT)
    return None if step is None else paths.derived("run", paths.command(state.run, CARRY_OUT, step.attempt))


def _state(run: RunState, became: str | None) -> State:
    """Where a goal is, by where its run is, and by whether its plan has become one."""
    proposed = run.steps.get(PROPOSE)
    if run.status == "failed" and CARRY_OUT not in run.steps:
        return "refused"  # a run fails by what its definition says of it alone: of a plan that is denied
    if run.ended:
        return _ENDS.get(run.status, "stopped")
    if any(step.state == "blocked" for step in run.steps.values()):
        return "asking"
    if became is not None:
        return "working"
    if proposed is None:
        return "planning"
    return "held" if proposed.state == "held" else "proposed"
