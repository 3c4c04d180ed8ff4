"""The line before the door. So many are decided at once; whoever comes later stands in line, in order.

Were a thousand decided at once, they would share the processor until not one of them was decided in time. Standing in
line is not deciding: the two seconds of a decision begin behind the turnstile, and the line waits while it moves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from autonomy.kernel.deadline import within
from autonomy.kernel.errors import Busy, Unavailable

T = TypeVar("T")

DECIDE_SECONDS = 2.0  # invariant 3: an answer within two seconds, the upstream's own time not counted
PLACES = 64  # decided at once: few enough for two seconds on a machine that is busy with other things
LONGEST_LINE = 20_000  # ten thousand agents may wake at once; beyond twice that, waiting longer helps nobody
LINE_SECONDS = 30.0  # callers give up by then


class Turnstile:
    """One for each process. Used from its event loop only."""

    def __init__(self) -> None:
        self._inside = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._moved = time.monotonic()

    async def decide(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` decides, once its turn has come. Raises Unavailable (`gate.timeout`) where it does not decide in
        time, or nobody before it did: then nothing was done; Busy (`gate.busy`) where the line is too long."""
        try:
            await self._enter()
        except BaseException:
            work.close()
            raise
        decided = True
        try:
            with within(DECIDE_SECONDS):
                return await work
        except (TimeoutError, Unavailable) as error:
            decided = False
            raise _late() if isinstance(error, TimeoutError) else error from None
        finally:
            self._leave(decided)

    async def _enter(self) -> None:
        if self._inside < PLACES:
            self._inside += 1
            return
        if len(self._line) >= LONGEST_LINE:
            raise _busy()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        came = False
        try:
            with within(LINE_SECONDS):
                await turn
            came = True
        except TimeoutError:
            raise _busy() from None
        finally:
            if not came and turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave(decided=True)  # its turn came as it gave up: it is the next one's

    def _leave(self, decided: bool) -> None:
        now = time.monotonic()
        if decided:
            self._moved = now
        elif now - self._moved >= DECIDE_SECONDS:
            self._send_away()
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._inside -= 1

    def _send_away(self) -> None:
        """Nobody is decided any more: whoever stands in line hears so now, instead of after the same wait."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_exception(_late())


def _late() -> Unavailable:
    return Unavailable("no decision in time", code="gate.timeout", hint="nothing was done")


def _busy() -> Busy:
    return Busy("too many stand in line to be decided", code="gate.busy", retry_after=1.0)
