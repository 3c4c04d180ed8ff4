"""Agents that write into memory, in a process of its own, to be killed at any moment.

`python -m tests.memory.driver FOLDER DATABASE KEY FAILPOINT PASSES`: each line it says is the text of an item whose
writing was acknowledged.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from autonomy.gate import Request
from autonomy.kernel.errors import Unavailable
from autonomy.kernel.failpoint import arm
from autonomy.kernel.ids import new_id
from autonomy.wiring import Settings, System, open_system
from tests.gate.works import Plant
from tests.house import declare
from tests.memory.team import organisation

WORKERS = 4


def opened(folder: Path, database: str) -> System:
    """The system on its store, with the organisation in force."""
    system = open_system(Settings(data=folder, database=database), functions={"plant": Plant()})
    if system.catalog.organisation().epoch == 0:
        declare(system, organisation())
    return system


async def drive(folder: Path, database: str, key: str) -> None:
    """Write until killed."""
    system = opened(folder, database)
    await system.start()
    await asyncio.gather(*(_write(system, key) for _ in range(WORKERS)))


async def _write(system: System, key: str) -> None:
    while True:
        text = f"remembered {new_id('n')}"
        try:
            reply = await system.gate.perform(key, Request("memory.write", {"space": "customers", "text": text}))
        except Unavailable:
            continue  # the machine is busy: nothing was done, and whoever wants it asks again
        if reply.status == "done":
            print(text, flush=True)


if __name__ == "__main__":
    arm(sys.argv[4], int(sys.argv[5]))
    asyncio.run(drive(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
