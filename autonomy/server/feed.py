"""Tells those who listen that the log has grown. One look at the store serves everybody."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from autonomy.audit.store import read_head
from autonomy.db import Database
from autonomy.kernel.errors import AutonomyError, Busy

log = logging.getLogger("autonomy.server")

LOOK_SECONDS = 0.1
MAX_LISTENERS = 256  # a stream costs a connection and a query for each group of leaves


class Feed:
    """The size of the log as last seen. Used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._grown = asyncio.Event()
        self._listeners = 0
        self._coming = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False
        self.size = 0

    @property
    def closed(self) -> bool:
        """Whether the server stops: every stream ends."""
        return self._closed

    async def __aenter__(self) -> Feed:
        """Listen; raises Busy where too many do."""
        if self._listeners >= MAX_LISTENERS:
            raise Busy("too many streams are open", code="events.busy", retry_after=30)
        self._listeners += 1
        try:
            async with self._coming:  # of several who come at once the first begins to look
                if self._looking is None or self._looking.done():
                    self.size = await self.measured()
                    self._looking = asyncio.create_task(self._look())
        except BaseException:  # who is cut off while coming, or is not let in, listens no more
            self._leave()
            raise
        return self

    async def __aexit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._leave()

    async def measured(self) -> int:
        """The size of the log as it is now."""
        return (await self._database.read(read_head))[0]

    async def wait(self, beyond: int, seconds: float) -> None:
        """Return when the log holds more than `beyond` leaves, when `seconds` are over, or when the server stops."""
        try:
            async with asyncio.timeout(seconds):
                while self.size <= beyond and not self._closed:
                    await self._grown.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let every stream end."""
        self._closed = True
        self._announce()

    def _leave(self) -> None:
        self._listeners -= 1
        if not self._listeners and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                size = await self.measured()
            except AutonomyError as error:
                log.warning("the log could not be looked at: %s", error.code)
                continue
            if size > self.size:
                self.size = size
                self._announce()

    def _announce(self) -> None:
        """Wake everybody who waits now; who waits next waits for the next time."""
        self._grown.set()
        if not self._closed:
            self._grown = asyncio.Event()
