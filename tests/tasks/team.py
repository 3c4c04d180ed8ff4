"""A small organisation that gives work out: agents of two units, people, and workflows whose steps are tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonomy.identity import Caller, PersonCaller
from autonomy.identity.permissions import permissions_of
from autonomy.kernel.clock import Clock, now
from autonomy.tasks import Held, Tasks, Wanted, Word
from autonomy.wiring.tasks import Workplace
from tests.gate.works import agent, organisation, works
from tests.workflow.office import Office, workflow

ROLES = {"bea": ("boss",), "carl": ("chief",), "dora": ("boss",), "ada": ()}


def worker(name: str, unit: str = "works", roles: str = "[worker]", more: str = "") -> str:
    """The manifest of an agent that takes tasks."""
    return agent(name, unit).replace("roles: [worker]", f"roles: {roles}") + more


AGENTS = "---".join(
    (
        worker("w1", more="  capabilities: [count]\n  tasksAtOnce: 2\n"),
        worker("w2"),
        worker("clerk", "office"),
        worker("checker", roles="[checker]"),
    )
)
CHECKER = """
apiVersion: autonomy/v1
kind: Role
metadata: { name: checker }
spec:
  scope: { tools: [look] }
  responsibilities: [looks again]
  decisionBoundaries: [nothing else]
  escalationTargets: [boss]
  expectations: [{ measure: errors, target: none }]
"""


@dataclass(slots=True)
class Team(Office):
    """A running system with tasks, and who takes them."""

    @property
    def place(self) -> Workplace:
        return self.flows.workplace

    @property
    def tasks(self) -> Tasks:
        return self.place.tasks

    async def caller(self, name: str) -> Caller:
        key = await asyncio.to_thread(self.works.house.key, name)
        return await self.works.system.gate.admission.admit(key)

    async def next(self, name: str, wait: int = 10, lease: int | None = None) -> Held:
        """The next task of an agent; the test fails where there is none."""
        found = await self.tasks.next(await self.caller(name), wait, lease)
        assert found is not None
        return found

    async def given(self, name: str, lease: int | None = None) -> Held:
        """The next task of an agent, where nothing lives that would give it out by itself."""
        asking = asyncio.create_task(self.next(name, lease=lease))

        async def look() -> bool:
            await self.place.waiting.look()
            return asking.done()

        await self.eventually(look)
        return await asking

    async def none_for(self, name: str) -> bool:
        return await self.tasks.next(await self.caller(name), 0) is None

    async def open(self, role: str = "worker", goal: str = "count the nails", **more: Any) -> str:
        return await self.tasks.open(Wanted(role=role, goal=goal, **{"unit": "works"} | more), "person:bea")

    async def state(self, task: str) -> str:
        return (await self.tasks.show(task)).task.state

    async def moved(self, task: str, *states: str) -> Held:
        """The task once it is in one of these states."""

        async def look() -> bool:
            return await self.state(task) in states

        await self.eventually(look)
        return await self.tasks.show(task)

    async def task_of(self, run: str, *states: str) -> Held:
        """The task of a run, once there is one in one of these states."""
        found: list[Held] = []

        async def look() -> bool:
            listed = [one for one in await self.place.inbox.tasks(run=run) if not states or one.state in states]
            found[:] = [await self.tasks.show(one.id) for one in listed]
            return bool(found)

        await self.eventually(look)
        return found[0]

    def events(self, task: str) -> list[str]:
        """What the log says of a task, in order."""
        return [leaf["event"] for leaf in self.works.leaves("task") if leaf["action"] == task]


def word(held: Held) -> Word:
    """How its holder names it."""
    return Word(held.task.id, held.task.holder or "", held.task.claim)


def person(name: str, access: str = "approver") -> PersonCaller:
    """A signed-in person."""
    return PersonCaller(name, name, ROLES[name], (access,), permissions_of([access]))


@asynccontextmanager
async def team(
    folder: Path, database: str, living: bool = True, clock: Clock = now, **workflows: str
) -> AsyncIterator[Team]:
    """The small organisation with these workflows; a second one on the same database is a second process."""
    texts = [workflow(name, said) for name, said in workflows.items()]
    files = organisation(agents=AGENTS, checker=CHECKER, **({"workflows": "---\n".join(texts)} if texts else {}))
    async with works(folder, database, files=files, living=living, clock=clock) as found:
        yield Team(found)
