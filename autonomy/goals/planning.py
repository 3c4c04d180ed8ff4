"""What a goal asks of whoever plans, what becomes of their answer, and how a plan that was admitted becomes a run's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from autonomy.catalog.organisation import Organisation
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.tasks import Held
from autonomy.workflow.definitions import Definitions
from autonomy.workflow.desk import Desk, Known
from autonomy.workflow.graph import mermaid
from autonomy.workflow.model import OpenTask

from .model import GOAL, PLAN, Aim, plan_name
from .plan import Planned, read_plan
from .scope import vocabulary


class Planning:
    """Plans of one house. `work_with` hands in where runs move; that is built later."""

    def __init__(self, organisation: Callable[[], Organisation]) -> None:
        self._organisation = organisation
        self._runs: tuple[Desk, Definitions] | None = None

    def work_with(self, desk: Desk, definitions: Definitions) -> None:
        """Hand in where runs move, and where their definitions lie."""
        self._runs = desk, definitions

    def furnish(self, known: Known, command: OpenTask) -> Json:
        """What goes with a task as its input: with that of a goal, everything that its plan may name."""
        if known.state.workflow != GOAL or not isinstance(command.input, Mapping):
            return command.input
        return {**command.input, "vocabulary": vocabulary(self._organisation(), known.unit)}

    async def examine(self, held: Held, output: Json) -> str:
        """What is wrong with the result of a task; empty where it is right, and where it is no plan."""
        task = held.task
        if (task.workflow, task.path) != (GOAL, PLAN) or task.run is None or not isinstance(output, Mapping):
            return ""  # what is no object breaks the contract
        try:
            await self.read(task.run, output.get("plan"))
        except Invalid as error:
            if error.code != "goal.plan":
                raise
            return error.message
        return ""

    async def read(self, goal: str, plan: Json) -> Planned:
        """A plan for a goal as it would be carried out. Raises NotFound (`goal.unknown`), Invalid (`goal.plan`)."""
        aim = await self._aim(goal)
        return await asyncio.to_thread(read_plan, self._organisation(), aim, plan)

    async def facts(self, goal: str, plan: Json) -> dict[str, Json]:
        """What rules may ask about a plan, and people are shown. Raises as `read`."""
        planned = await self.read(goal, plan)
        return {
            "steps": planned.steps,
            "changes": planned.changes,
            "tools": _words(planned.tools),
            "agents": _words(planned.agents),
            "unit": (await self._look(goal)).unit,
            "graph": mermaid(planned.definition),
        }

    async def adopt(self, goal: str, plan: Json) -> dict[str, Json]:
        """Keep the plan as what the goal's run carries out next. Raises as `read`, Conflict (`goal.over`)."""
        if (await self._look(goal)).state.ended:
            raise Conflict("the goal has ended", code="goal.over")
        definition = (await self.read(goal, plan)).definition
        _, definitions = self._parts
        await definitions.keep(definition)
        return {"workflow": definition.workflow, "definition": definition.digest, "steps": len(definition.steps)}

    async def _aim(self, goal: str) -> Aim:
        known = await self._look(goal)
        _, definitions = self._parts
        pinned = await definitions.pinned(known.state.digest)
        given = known.state.input["given"] if isinstance(known.state.input, dict) else {}
        cap = pinned.caps.spend
        spend = None if cap is None else max(0, cap - known.state.spent)
        return Aim(plan_name(goal), known.unit, pinned.escalation, msgspec.to_builtins(given), spend)

    async def _look(self, goal: str) -> Known:
        desk, _ = self._parts
        try:
            known = await desk.look(goal)
        except NotFound:
            raise unknown(goal) from None
        if known.state.workflow != GOAL:
            raise unknown(goal)
        return known

    @property
    def _parts(self) -> tuple[Desk, Definitions]:
        assert self._runs is not None  # wired before anything is asked
        return self._runs


def unknown(goal: str) -> NotFound:
    """Nobody has handed in such a goal."""
    return NotFound(f"there is no goal `{goal[:80]}`", code="goal.unknown")


def _words(names: tuple[str, ...]) -> str:
    """Names as one text in which a rule finds each as `* NAME *`."""
    return " " + " ".join(names) + " "
