"""Whether this process can carry out an action now, one check after another, so that it can be said which one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from autonomy.kernel.errors import AutonomyError
from autonomy.wiring import System

READY_SECONDS = 2.0  # whoever asks again and again must not wait
OK = "ok"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found: `ok` or what is wrong, for each check. `epoch` is -1 where nothing is loaded."""

    checks: dict[str, str]
    epoch: int

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return all(said == OK for said in self.checks.values())


async def readiness(system: System) -> Readiness:
    """Look at the process itself, its lifeline and the store's willingness to write, the store's willingness to be
    read, the organisation in force, that the log is the one that was signed, and that runs are looked after."""
    looks: dict[str, Callable[[], Awaitable[object]]] = {
        "store": system.lifeline.fresh,  # a beat younger than 1.5 s is a write that was taken; else it writes one now
        "log": partial(_log, system),
        "organisation": system.watch.house,
        "runs": system.workflows.engine.alive,
    }
    told = await asyncio.gather(*(_looked(look) for look in looks.values()))
    process = "it is stopping" if system.stopping else OK
    return Readiness({"process": process, **dict(zip(looks, told, strict=True))}, system.watch.catalog)


async def _log(system: System) -> None:
    await system.watch.refresh()
    system.checkpoints.check()


async def _looked(look: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await look()
    except TimeoutError:
        return "no answer in time"
    except AutonomyError as error:
        return error.message
    return OK
