"""One try at a call, shared by the event loop that waits for it and the thread that works on it."""

from __future__ import annotations

import threading
import time


class Abandoned(Exception):
    """The caller gave up before anything was done; the work must be undone."""


class Attempt:
    """One try at a call. It knows whether the point was passed after which nobody can say that nothing happened.

    Worker threads call `commit` right before that point; the event loop calls `abandon` when time is up. Exactly one
    of the two wins, so that "nothing happened" is never said of a write that is on its way.
    """

    __slots__ = ("_abandoned", "_committed", "_lock", "deadline", "write")

    def __init__(self, write: bool, seconds: float) -> None:
        self.write = write
        self.deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._committed = False
        self._abandoned = False

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; zero or less when it has passed."""
        return self.deadline - time.monotonic()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned

    @property
    def is_committed(self) -> bool:
        return self._committed

    def commit(self) -> None:
        """Pass the point of no return. Raises Abandoned where the caller has given up."""
        with self._lock:
            if self._abandoned:
                raise Abandoned
            self._committed = True

    def take_back(self) -> None:
        """The system said that it did nothing (a 401, say): until the next `commit`, nothing has happened."""
        with self._lock:
            self._committed = False

    def abandon(self) -> bool:
        """Give up. True when the point of no return was not passed and never will be."""
        with self._lock:
            self._abandoned = not self._committed
            return self._abandoned
