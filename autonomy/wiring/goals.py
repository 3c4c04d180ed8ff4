"""The tool `goal.propose`: a plan for a goal, once the gate admits it, becomes what the goal's run carries out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from sqlalchemy import Connection, select

from autonomy.db import Database
from autonomy.gate.store import action
from autonomy.goals import GOAL, Planning
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.tools import Invocation, Refused, Result

Arguments = Mapping[str, Json]


class GoalTools:
    """The connector of the tool by which plans are proposed."""

    def __init__(self, planning: Planning, database: Database) -> None:
        self._planning = planning
        self._database = database
        self._functions: Mapping[str, Callable[[str, Json, Invocation], Awaitable[Json]]] = {
            "propose": self._propose,
            "about": self._about,
        }

    async def __call__(self, function: str, arguments: Arguments, invocation: Invocation) -> Result:
        """Adopt the plan, or say what rules may ask about it. Raises Refused with its code."""
        try:
            return Result(await self._functions[function](str(arguments["goal"]), arguments["plan"], invocation))
        except (Conflict, Invalid, NotFound) as error:
            raise Refused(error.message, code=error.code, hint=error.hint) from None

    async def _propose(self, goal: str, plan: Json, invocation: Invocation) -> Json:
        asked = await self._database.read(lambda connection: _asked_by(connection, invocation.action_id))
        if asked != (GOAL, goal):
            hint = "hand the plan in as the result of the goal's task"
            raise Refused("a plan is proposed by its goal", code="goal.not_asked", hint=hint)
        return await self._planning.adopt(goal, plan)

    async def _about(self, goal: str, plan: Json, invocation: Invocation) -> Json:  # noqa: ARG002 - one form for all
        """Looked up before anybody is asked: nobody approves what cannot be."""
        return await self._planning.facts(goal, plan)


def _asked_by(connection: Connection, id: str) -> tuple[str | None, str | None]:
    """The workflow and the run that an action was asked by; only what runs workflows can say the first."""
    context = connection.execute(select(action.c.context).where(action.c.id == id)).scalar_one()
    lineage = msgspec.json.decode(context)["lineage"]
    return lineage.get("workflow"), lineage.get("run")
