"""A worker: claims what waits for its site, performs it with what the site has, and says how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from autonomy.kernel.errors import AutonomyError, Conflict
from autonomy.kernel.failpoint import failpoint
from autonomy.kernel.ids import new_id

from ..errors import Unreachable, Unsure
from ..model import Result
from .model import Assignment, Desk, Ending, Order

log = logging.getLogger("autonomy.work")

ROOM = 32  # assignments performed at once
BEAT_S = 1.0
WAIT_S = 20.0  # of one look for work
AGAIN_S = 1.0  # before a desk that did not answer is asked again
TELL_S = 60.0  # how long an ending is offered to a desk that does not take it

Perform = Callable[[Order, float], Awaitable[Result]]
"""Does what an order says within so many seconds; raises Refused, Stale, Unreachable or Unsure."""


class Worker:
    """One process of a site. It begins nothing whose time is over and nothing while it could not beat."""

    def __init__(self, desk: Desk, perform: Perform) -> None:
        self._desk = desk
        self._perform = perform
        self.name = new_id("wrk")
        self._held: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until cancelled; then what is under way is cancelled, and how that ended is told."""
        beating = asyncio.create_task(self._beat())
        try:
            while True:
                try:
                    await self._take()
                except AutonomyError as error:
                    log.warning("no work could be taken: %s", error.code)
                    await asyncio.sleep(AGAIN_S)
        finally:
            tasks = list(self._held.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            beating.cancel()

    async def _take(self) -> None:
        room = ROOM - len(self._held)
        if room <= 0:
            await asyncio.wait(self._held.values(), return_when=asyncio.FIRST_COMPLETED)
            return
        if not await self._desk.waiting(WAIT_S):
            return
        # The time that is left counts from before the claim was sent: a slow answer makes it shorter, never longer.
        began = time.monotonic()
        for one in await self._desk.claim(self.name, room):
            task = asyncio.create_task(self._carry_out(one, began + one.seconds_left))
            self._held[one.id] = task
            task.add_done_callback(lambda _, id=one.id: self._held.pop(id, None))  # type: ignore[misc]

    async def _carry_out(self, one: Assignment, until: float) -> None:
        failpoint("site.claimed")
        ending = Ending.of(await self._outcome(one.order, until))
        failpoint("site.performed")
        await asyncio.shield(asyncio.ensure_future(self._tell(one.id, ending)))

    async def _outcome(self, order: Order, until: float) -> Result | AutonomyError:
        left = until - time.monotonic()
        if left <= 0:
            return Unreachable("its time was over before it began", code="upstream.overdue")
        try:
            return await self._perform(order, left)
        except AutonomyError as error:
            return error
        except asyncio.CancelledError:
            return Unsure("it was stopped while it was under way", code="action.stopped")
        except Exception as error:
            log.exception("an assignment met a defect")
            return Unsure(f"the worker failed with {type(error).__name__}")

    async def _tell(self, id: str, ending: Ending) -> None:
        """Say how it ended, again and again while the desk does not answer."""
        end = time.monotonic() + TELL_S
        while time.monotonic() < end:
            try:
                return await self._desk.end(self.name, id, ending)
            except Conflict:
                return log.warning("nobody waits for %s any more; it ended as %s", id, ending.said)
            except AutonomyError as error:
                log.warning("the ending of %s is not told yet: %s", id, error.code)
            await asyncio.sleep(AGAIN_S)

    async def _beat(self) -> None:
        while True:
            try:
                for id in await self._desk.beat(self.name, list(self._held)) if self._held else ():
                    if task := self._held.get(id):
                        task.cancel()
            except AutonomyError as error:
                log.warning("the desk does not hear that we live: %s", error.code)
            await asyncio.sleep(BEAT_S)
