"""A time limit for what a task awaits, for the paths that every action takes.

The same promise as `asyncio.timeout`, without a timer of the event loop for each use: one sweep every 50 ms looks at
all limits of a loop. Arming a timer that never fires was a tenth of what an action costs. A limit may therefore be
overrun by one sweep, which nobody notices on limits of half a second and more.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from weakref import WeakKeyDictionary

SWEEP_SECONDS = 0.05


class within:
    """`with within(seconds):` around awaits; raises TimeoutError where they take longer."""

    __slots__ = ("_cancelled_before", "_due", "_expired", "_seconds", "_sweep", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task to stop")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._sweep = _sweep_of(asyncio.get_running_loop())
        self._due = self._sweep.loop.time() + self._seconds
        self._sweep.watch(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._sweep.forget(self)
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
    """The limits of one event loop that have not passed yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._limits: dict[within, None] = {}
        self._armed = False

    def watch(self, limit: within) -> None:
        self._limits[limit] = None
        if not self._armed:
            self._armed = True
            self.loop.call_later(SWEEP_SECONDS, self._look)

    def forget(self, limit: within) -> None:
        self._limits.pop(limit, None)

    def _look(self) -> None:
        now = self.loop.time()
        for limit in [limit for limit in self._limits if limit.expire(now)]:
            del self._limits[limit]
        self._armed = bool(self._limits)
        if self._armed:
            self.loop.call_later(SWEEP_SECONDS, self._look)


_SWEEPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sweep] = WeakKeyDictionary()


def _sweep_of(loop: asyncio.AbstractEventLoop) -> _Sweep:
    sweep = _SWEEPS.get(loop)
    if sweep is None:
        sweep = _SWEEPS[loop] = _Sweep(loop)
    return sweep
