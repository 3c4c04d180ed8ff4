"""Waiting for something that may be there a moment later: in growing pauses, not for ever, and not beyond this process.

What only waits is ended when the process ends; what is half done is never ended here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 8.0

Again = Callable[[], Awaitable[bool]]
"""Waits for a while; returns whether to try again, False when there was enough waiting."""


class Patience:
    """The waiting of everything a process has taken up."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[Any]] = set()
        self._closed = False

    def within(self, seconds: float) -> Again:
        """Pauses that grow, `seconds` in all from now on, whatever the tries between them take."""
        until = monotonic() + seconds
        lengths = pauses()

        async def again() -> bool:
            left = until - monotonic()
            if left <= 0:
                return False
            await self.pause(min(next(lengths), left))
            return True

        return again

    async def pause(self, seconds: float) -> None:
        await self.wait(lambda: asyncio.sleep(seconds))

    async def wait(self, what: Callable[[], Awaitable[T]]) -> T:
        """What `what` returns. The task that waits here is cancelled when the process ends."""
        task = asyncio.current_task()
        assert task is not None  # only tasks wait
        if self._closed:
            raise asyncio.CancelledError
        self._waiting.add(task)
        try:
            return await what()
        finally:
            self._waiting.discard(task)

    def close(self) -> None:
        """End whatever waits, now and from now on."""
        self._closed = True
        for task in self._waiting:
            task.cancel()


def pauses() -> Iterator[float]:
    """Seconds, doubling up to the longest."""
    length = FIRST_SECONDS
    while True:
        yield length
        length = min(2 * length, LONGEST_SECONDS)
