"""Whose turn it is to write to a SQLite file. Its own busy handler starves processes that share a file."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autonomy.kernel.errors import Unavailable

WITHIN_SECONDS = 1.0  # invariant 3: a refusal within two seconds, also behind a process that is frozen in its turn
FIRST_WAIT_SECONDS = 0.0001
LONGEST_WAIT_SECONDS = 0.002


class Turns:
    """Processes take turns by locks on two files beside the database: who is next holds one until the turn is theirs.

    A process that has just had its turn has to become next again first, and cannot pass by whoever waits.
    """

    def __init__(self, database: Path) -> None:
        self._next = _open(database.with_name(f"{database.name}.next"))
        self._turn = _open(database.with_name(f"{database.name}.turn"))

    @contextmanager
    def take(self, within: float | None = None) -> Iterator[None]:
        """Hold the turn. Raises Unavailable where it is not to be had `within` so many seconds (`WITHIN_SECONDS` where
        nothing is said)."""
        deadline = time.monotonic() + (WITHIN_SECONDS if within is None else within)
        _lock(self._next, deadline)
        try:
            _lock(self._turn, deadline)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._next)
        os.close(self._turn)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int, deadline: float) -> None:
    wait = FIRST_WAIT_SECONDS
    while not _try(descriptor):
        if time.monotonic() >= deadline:
            raise Unavailable(
                "another process does not let go of the store",
                code="store.held",
                hint="nothing was done; see which process has its file open and does not run",
            )
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
