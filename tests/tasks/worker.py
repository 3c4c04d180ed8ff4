"""A process whose agents do tasks, to be killed.

`python -m tests.tasks.worker FOLDER DATABASE COUNT` opens COUNT tasks and starts as many runs with a task, says the id
of each when it is durable, and has its agents work until everything it can see has come to its end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from autonomy.kernel import failpoint
from autonomy.kernel.errors import Conflict
from autonomy.workflow.model import ENDED
from tests.tasks.team import Team, team, word

STEPS = """
steps:
  count: { task: { role: worker, goal: count, input: { n: input.n } } }
result: { counted: steps.count.output.n }
"""
LEASE_S = 1


async def work(folder: Path, database: str, count: int) -> None:
    async with team(folder, database, counting=STEPS) as it:
        opened = [it.open(input={"n": number}) for number in range(count)]
        started = [it.start("counting", n=number) for number in range(count)]
        for number, one in enumerate(asyncio.as_completed([*opened, *started])):
            print(await one, flush=True)
            if number == 0:  # from here on there is something to be lost
                failpoint.arm(*_armed())
        agents = [asyncio.create_task(_agent(it, name)) for name in ("w1", "w1", "w2")]
        await it.eventually(lambda: _all_over(it))
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)


async def _agent(it: Team, name: str) -> None:
    """Takes a task, notes how far it is, and does it."""
    caller = await it.caller(name)
    while True:
        held = await it.tasks.next(caller, 1, LEASE_S)
        if held is None:
            continue
        try:
            await it.tasks.beat(word(held), "half done", {"n": held.body.input["n"]})
            await it.tasks.complete(word(held), held.body.input)
        except Conflict:
            continue  # it took too long, and somebody else has it


async def _all_over(it: Team) -> bool:
    tasks = await it.place.inbox.tasks(count=1_000)
    runs = await it.flows.runs.runs(count=1_000)
    return bool(tasks) and all(one.is_over for one in tasks) and all(run.status in ENDED for run in runs)


def _armed() -> tuple[str, int]:
    name, _, passes = os.environ.get("WORKER_FAILPOINT", "").partition(":")
    return name, int(passes or 1)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
