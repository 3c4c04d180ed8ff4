"""What a dead process began is ended: repeated where it may be, asked about where it can be, else said to be unknown.

A system of record that does not answer is tried again for a while before a person has to look; whoever waits for one
stands in nobody's way.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from msgspec.structs import replace

from autonomy.budget import Usage
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Busy, Overdue, Unavailable

from .effect import Effects, surely
from .endings import Endings
from .errand import End, Errand
from .leftovers import Leftover
from .lifeline import Lifeline
from .patience import Patience
from .permits import Permits
from .units import State

PATIENCE_SECONDS = 60.0  # how long a system of record that does not answer is tried again
TOGETHER = 64  # calls of one connector at once: a system that comes back is not run over by what waited for it

TAKEN_OVER = "action.taken_over"
CODE, MESSAGE = "action.interrupted", "the process that performed it died"


class Recovery:
    """Finds out what became of actions that nobody waits for any more, and has their endings recorded."""

    def __init__(
        self,
        effects: Effects,
        endings: Endings,
        permits: Permits,
        lifeline: Lifeline,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._effects = effects
        self._permits = permits
        self._lifeline = lifeline
        self._endings = endings
        self._patience = patience
        self._clock = clock
        self._rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, TOGETHER))

    async def end(self, leftover: Leftover) -> State:
        """End one action; returns how, which is written as soon as the store takes it. What is forgotten can be neither
        repeated nor asked.

        Cancelled while it waits, it leaves the action open, for another process to take up.
        """
        end = await surely(self._found_out(leftover))
        self._endings.later(leftover.errand, end)
        return end.state

    async def _found_out(self, leftover: Leftover) -> End:
        errand = leftover.errand
        if errand.tool.effect == "read":
            return End("failed", Usage(calls=1), code=CODE, message=MESSAGE, via="recovery")
        unknown = End("unknown", code=CODE, message=f"{MESSAGE}; a person has to look", via="recovery")
        untold = leftover.forgotten or errand.tool.effect == "write-neither"
        if untold or await self._permits.is_elsewhere(errand):
            return unknown
        again = self._patience.within(PATIENCE_SECONDS)
        find_out = self._repeat if errand.tool.effect == "write-keyed" else self._ask
        while (end := await find_out(leftover)) is None and await again():
            pass
        return end or unknown

    async def _repeat(self, leftover: Leftover) -> End | None:
        """How a keyed write ended, done again under its key; None where nobody answers. The first try may never have
        come there: where it may not be begun now, a person has to look whether it did."""
        errand = leftover.errand
        async with self._room(errand):
            with self._effects.out_again(errand):
                try:
                    refusal = await self._refusal(leftover)
                except (Unavailable, Busy, Overdue):
                    return None
                if refusal is None:
                    return await self._effects.repeat(errand, CODE, MESSAGE)
        why = f"{MESSAGE}, and it may not be done again now (`{refusal}`); a person has to look"
        return End("unknown", code=CODE, message=why, via="recovery")

    async def _ask(self, leftover: Leftover) -> End | None:
        """How a queryable write ended; None where nobody answers. "No" counts once it cannot be on its way any more."""
        errand = leftover.errand
        found = await self._reconciled(errand)
        if found is not None and found.state == "failed" and (left := self._on_its_way(errand)):
            await self._patience.pause(left)
            found = await self._reconciled(errand)
        if found is None or found.state != "failed" or not errand.approved:
            return found
        # People have allowed it and nobody is there to ask again: what did not happen is done now, if it still may be.
        async with self._room(errand):
            with self._effects.out_again(errand):
                try:
                    refusal = await self._refusal(leftover)
                except (Unavailable, Busy, Overdue):
                    return None
                return found if refusal else await self._effects.perform(replace(errand, began=self._clock()))

    async def _refusal(self, leftover: Leftover) -> str | None:
        """The code of what keeps it from being begun again now; None where it goes out. Looked at while it can be
        stopped already. The store is told that it goes out: whoever has to take it over from us must know until when it
        may be on its way. Raises Unavailable, Busy, Overdue."""
        refusal = await self._permits.refusal(leftover)
        if refusal is None and not await self._lifeline.begins_again(leftover.errand.action, self._clock):
            return TAKEN_OVER
        return refusal

    async def _reconciled(self, errand: Errand) -> End | None:
        async with self._room(errand):
            found = await self._effects.asked(errand)
        if found is None or found.state == "done":
            return found
        return replace(found, code=CODE, message=f"{MESSAGE}; it did not happen")

    def _on_its_way(self, errand: Errand) -> float:
        """For how many seconds the call of the dead process may still arrive; a clock set back says nothing of it."""
        passed = (self._clock() - errand.began) / 1000
        return errand.tool.deadline - passed if 0 <= passed < errand.tool.deadline else 0.0

    @asynccontextmanager
    async def _room(self, errand: Errand) -> AsyncIterator[None]:
        room = self._rooms[errand.tool.connector]
        await self._patience.wait(room.acquire)
        try:
            yield
        finally:
            room.release()
