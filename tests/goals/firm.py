"""A small organisation that has goals: planners of two units, people who decide, workflows and tools to plan with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonomy.goals import Goal, Wanted
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock, now
from autonomy.tasks import Held
from tests.gate.works import POLICY, Plant, agent, organisation, tool, works
from tests.tasks.team import Team, word, worker
from tests.workflow.office import workflow

PLANNERS = """
apiVersion: autonomy/v1
kind: Role
metadata: { name: planner }
spec:
  scope: { tools: [goal.propose] }
  responsibilities: [draws up plans]
  decisionBoundaries: [carries nothing out]
  escalationTargets: [boss]
  expectations: [{ measure: errors, target: none }]
"""
AGENTS = "---".join(
    (
        worker("planner-1", roles="[planner]"),
        worker("planner-2", "acme", roles="[planner]"),
        worker("w1", more="  capabilities: [count]\n  tasksAtOnce: 2\n"),
        worker("w2"),
        worker("clerk", "office"),
    )
)
RULES = (
    POLICY
    + """
@id("planners-plan")
permit (principal in Role::"planner", action == Action::"goal.propose", resource);

@id("plans-that-press")
@reason("what changes twice or more is decided by the boss")
@outcome("require_approval")
@escalate("boss")
@expires("1d")
forbid (principal, action == Action::"goal.propose", resource)
when { context.facts.changes >= 2 }
unless { context.approvals.contains("boss") };

@id("no-shouting")
@reason("no plan shouts")
@needs("a person")
forbid (principal, action == Action::"goal.propose", resource)
when { context.facts.tools like "* shout *" };
"""
)
CHECK = """
steps:
  look: { tool: look, arguments: { n: input.n } }
result: { seen: steps.look.output }
"""
TABLE = """
apiVersion: autonomy/v1
kind: Decision
metadata: { name: size, unit: works }
spec:
  inputs: { n: { type: integer, minimum: 0 } }
  outputs: { size: { type: string } }
  hit: unique
  rows:
    - { when: n < 10, then: { size: small } }
    - { when: n >= 10, then: { size: large } }
"""

GOOD: dict[str, Any] = {
    "agent": "w1",
    "steps": {
        "look": {"tool": "look", "arguments": {"n": "input.n"}},
        "count": {"needs": ["look"], "task": {"role": "worker", "goal": "count the nails", "by": "agent"}},
        "press": {"needs": ["count"], "tool": "press", "arguments": {"n": "input.n"}},
    },
    "result": {"counted": "steps.count.output"},
}
TWICE: dict[str, Any] = {
    "agent": "w1",
    "steps": {
        "press": {"tool": "press", "arguments": {"n": "1"}},
        "again": {"needs": ["press"], "tool": "press", "arguments": {"n": "2"}},
    },
}


@dataclass(slots=True)
class Firm(Team):
    """A running system with goals."""

    async def hand_in(self, goal: str = "the shelf is full of nails", **more: Any) -> str:
        wanted = Wanted(goal=goal, **{"unit": "works", "given": {"n": 3}} | more)
        return await self.flows.goals.hand_in(wanted, "person:sam")

    async def goal(self, id: str) -> Goal:
        return await self.flows.goals.show(id)

    async def in_state(self, id: str, *states: str) -> Goal:
        """The goal once it is in one of these states."""
        found: list[Goal] = []

        async def look() -> bool:
            found[:] = [await self.goal(id)]
            return found[0].state in states

        await self.eventually(look)
        return found[0]

    async def answer(self, held: Held, plan: Json) -> str:
        """Hand a plan in; what is wrong with it."""
        _, breach = await self.tasks.complete(word(held), {"plan": plan})
        return breach

    async def planned(self, plan: Json, **more: Any) -> str:
        """A goal for which `planner-1` has handed in this plan."""
        id = await self.hand_in(**more)
        assert await self.answer(await self.next("planner-1"), plan) == ""
        return id


@asynccontextmanager
async def firm(
    folder: Path, database: str, plant: Plant | None = None, clock: Clock = now, **changed: str
) -> AsyncIterator[Firm]:
    """The small organisation; `changed` are other files of it."""
    texts = {"agents": AGENTS, "planners": PLANNERS, "table": TABLE, "workflows": workflow("check", CHECK)}
    texts["policy"] = RULES
    async with works(folder, database, plant, files=organisation(**texts | changed), living=True, clock=clock) as found:
        yield Firm(found)


__all__ = ["Firm", "agent", "firm", "tool"]
