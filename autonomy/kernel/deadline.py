"""A time limit for what a task awaits, for the paths that every action takes.

The same promise as `asyncio.timeout`, without a timer of the event loop for each use: one sweep every 50 ms looks at
all limits of a loop. Arming a timer that never fires was a tenth of what an action costs. A limit may therefore be
overrun by one sweep, which nobody notices on limits of half a second and more.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

SWEEP_SECONDS = 0.05


class within:
    """`with within(seconds):` around awaits; raises TimeoutError where they take longer."""

    __slots__ = ("_cancelled_before", "_due", "_expired", "_seconds", "_sweep", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit needs a task to stop")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._due = loop.time() + self._seconds
        self._sweep = sweep = _SWEEPS.get(loop) or _sweep_of(loop)
        sweep.limits[self] = None
        if not sweep.armed:
            sweep.arm()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._sweep.limits.pop(self, None)
        if self._expired and self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self, now: float) -> bool:
        """Stop the task if its time is over at `now`; whether it was."""
        if now < self._due:
            return False
        self._expired = True
        self._task.cancel()
        return True


class _Sweep:
    """The `limits` of one event loop that have not passed yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.limits: dict[within, None] = {}
        self.armed = False

    def arm(self) -> None:
        self.armed = True
        self.loop.call_later(SWEEP_SECONDS, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        for limit in [limit for limit in self.limits if limit.expire(now)]:
            del self.limits[limit]
        self.armed = False
        if self.limits:
            self.arm()


_SWEEPS: dict[asyncio.AbstractEventLoop, _Sweep] = {}
"""By loop; those of closed loops go when another loop is met."""


def _sweep_of(loop: asyncio.AbstractEventLoop) -> _Sweep:
    for other in list(_SWEEPS):
        if other.is_closed():
            _SWEEPS.pop(other, None)
    sweep = _SWEEPS[loop] = _Sweep(loop)
    return sweep
