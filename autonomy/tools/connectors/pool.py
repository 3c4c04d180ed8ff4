"""Idle connections of one business database, kept apart by what they may do and by the credential behind them."""

from __future__ import annotations

import threading
from typing import NamedTuple

from .sessions import Session


class Mode(NamedTuple):
    """Whether a connection may write, and the version of the credential it was opened with (0: none)."""

    write: bool
    version: int


class Pool:
    """Thread-safe. What is given back after `close`, or under a credential that has been replaced, is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Mode, list[Session]] = {}
        self._version: int | None = None  # seen last; versions of other stores than ours do not grow
        self._closed = False

    def take(self, mode: Mode) -> Session | None:
        """An idle connection, the one used last; none where there is none."""
        with self._lock:
            outdated = self._outdate(mode.version)
            idle = self._idle.get(mode)
            found = idle.pop() if idle else None
        for session in outdated:
            session.close()
        return found

    def give_back(self, mode: Mode, session: Session) -> None:
        """Keep a connection without an open transaction for the next call."""
        with self._lock:
            keep = not self._closed and self._version in (None, mode.version)
            if keep:
                self._idle.setdefault(mode, []).append(session)
        if not keep:
            session.close()

    def close(self) -> None:
        """Close what is idle now, and what comes back later."""
        with self._lock:
            self._closed = True
            idle = [session for sessions in self._idle.values() for session in sessions]
            self._idle.clear()
        for session in idle:
            session.close()

    def _outdate(self, version: int) -> list[Session]:
        if version == self._version:
            return []
        self._version = version
        old = [mode for mode in self._idle if mode.version != version]
        return [session for mode in old for session in self._idle.pop(mode)]
