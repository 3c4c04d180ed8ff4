"""A small organisation with workflows, living: its gate, its dispatcher, its plant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from autonomy.approvals import Hold
from autonomy.kernel.clock import Clock, now
from autonomy.wiring.workflows import Workflows
from autonomy.workflow import State
from autonomy.workflow.model import ENDED
from autonomy.workflow.service import Listed, OpenException
from tests.gate.works import Plant, Works, organisation, works

INPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def workflow(name: str, text: str) -> str:
    """The manifest of a workflow from its steps and what differs."""
    said = {"agent": "w1", "escalation": "boss", "input": INPUT, **yaml.safe_load(text)}
    manifest = {
        "apiVersion": "autonomy/v1",
        "kind": "Workflow",
        "metadata": {"name": name, "unit": "works"},
        "spec": said,
    }
    return yaml.safe_dump(manifest, sort_keys=False)


@dataclass(slots=True)
class Office:
    """A running system with workflows."""

    works: Works

    @property
    def flows(self) -> Workflows:
        return self.works.system.workflows

    @property
    def plant(self) -> Plant:
        return self.works.plant

    async def start(self, name: str, by: str = "person:sam", **input: Any) -> str:
        return (await self.flows.runs.start(name, input, by)).run

    async def ended(self, run: str) -> State:
        """The run at its end."""
        return await self.until(run, lambda state: state.status in ENDED)

    async def until(self, run: str, holds: Callable[[State], bool]) -> State:
        """The run once this holds of it."""
        found: list[State] = []

        async def look() -> bool:
            found[:] = [(await self.flows.desk.look(run)).state]
            return holds(found[0])

        await self.eventually(look)
        return found[0]

    async def asked(self, run: str) -> Hold:
        """The hold that people are asked about for this run."""
        found: list[Hold] = []

        async def look() -> bool:
            shown = await self.flows.runs.show(run)
            actions = [one.action for one in shown.open if one.action]
            found[:] = [await asyncio.to_thread(self.works.system.approvals.get, action) for action in actions]
            return bool(found)

        await self.eventually(look)
        return found[0]

    async def excepted(self, run: str) -> list[OpenException]:
        """The open exceptions of a run, once there are any."""
        found: list[OpenException] = []

        async def look() -> bool:
            found[:] = [one for one in await self.flows.runs.exceptions() if one.run == run]
            return bool(found)

        await self.eventually(look)
        return found

    async def some_excepted(self) -> list[OpenException]:
        """The open exceptions of all runs, once there are any."""
        found: list[OpenException] = []

        async def look() -> bool:
            found[:] = await self.flows.runs.exceptions()
            return bool(found)

        await self.eventually(look)
        return found

    async def some(self, pick: Callable[[list[Listed]], list[Listed]]) -> list[Listed]:
        """The runs that are wanted, once there are any."""
        found: list[Listed] = []

        async def look() -> bool:
            found[:] = pick(await self.flows.runs.runs())
            return bool(found)

        await self.eventually(look)
        return found

    async def eventually(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Look until it is so; the test's own time limit ends it."""
        while not await look():
            await asyncio.sleep(0.01)

    def told(self, run: str) -> list[str]:
        """What the log says of a run, in order."""
        return self.all_told().get(run, [])

    def all_told(self) -> dict[str, list[str]]:
        """What the log says of each run, in order."""
        found: dict[str, list[str]] = {}
        for leaf in self.works.leaves("run"):
            said = f"{leaf['event']} {leaf['status']}" if "status" in leaf else leaf["event"]
            found.setdefault(leaf.get("run", ""), []).append(said)
        return found


@asynccontextmanager
async def office(
    folder: Path,
    database: str,
    plant: Plant | None = None,
    living: bool = True,
    clock: Clock = now,
    more: Mapping[str, str] | None = None,
    engine: str = "embedded",
    runs: str = "here",
    **workflows: str,
) -> AsyncIterator[Office]:
    """The small organisation with these workflows and `more` files; a second one on the same database is a second
    process. `engine` and `runs` are the settings."""
    text = "---\n".join(workflow(name, said) for name, said in workflows.items())
    files = organisation(workflows=text, **(more or {})) if workflows else None
    said = {"files": files, "living": living, "clock": clock, "engine": engine, "runs": runs}
    async with works(folder, database, plant, **said) as found:
        yield Office(found)
