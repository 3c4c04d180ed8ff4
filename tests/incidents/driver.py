"""A process that contains because of an incident, and is killed between the parts of it.

`python -m tests.incidents.driver FOLDER DATABASE PASSES` begins a run and a task of the agent `w1`, opens an incident
about it, says the ids of run, task and incident, and contains; it dies after so many groups of commits of that.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from autonomy.incidents import About
from autonomy.kernel import failpoint
from autonomy.tasks import Wanted
from tests.workflow.office import Office, office

WAITING = """
steps:
  hear: { wait: { events: { it: { event: go, key: string(input.n) } } } }
  press: { needs: [hear], tool: press, arguments: { n: input.n } }
"""


async def work(folder: Path, database: str, passes: int) -> None:
    async with office(folder, database, living=False, waiting=WAITING) as it:
        run, task = await begin(it)
        incidents = it.works.system.trouble.incidents
        told = await asyncio.to_thread(incidents.open, About("agent", "w1"), "high", "person:sam")
        print(run, task, told.incident.id, flush=True)
        failpoint.arm("group.committed", passes)
        await it.works.system.trouble.stopping.contain(told.incident.id, "person:sam", "odd")


async def begin(it: Office) -> tuple[str, str]:
    """A run that waits, and a task that the agent has in hand."""
    run = await it.start("waiting", n=1)
    place = it.flows.workplace
    task = await place.tasks.open(Wanted(role="worker", goal="count", unit="works"), "person:sam")
    waiting = asyncio.create_task(place.waiting.run())
    key = await asyncio.to_thread(it.works.house.key, "w1")
    held = await place.of_agents.next(key, {"wait": 20})
    waiting.cancel()
    assert held["task"] is not None
    return run, task


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
