"""How long a decision may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from autonomy.kernel.errors import Unavailable

T = TypeVar("T")

DECIDE_SECONDS = 2.0  # invariant 3: an answer within two seconds, the upstream's own time not counted


async def in_time(work: Awaitable[T]) -> T:
    """What is decided within two seconds; nothing that is not decided by then is done. Raises Unavailable."""
    try:
        async with asyncio.timeout(DECIDE_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable("no decision in time", code="gate.timeout", hint="nothing was done") from None
