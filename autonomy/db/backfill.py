"""Copies what commits add to SQLite's write-ahead log back into the database, in a thread of its own.

SQLite would do it within a commit, once for every thousand pages, and everybody waiting for that commit would wait for
it too. (SQLite calls it a checkpoint; here that word means a signed head of the log.) Source: sqlite.org/wal.html,
"Application-Initiated Checkpoints".
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

log = logging.getLogger("autonomy.db")

COMMITS = 64  # between two copies: by the size of their groups 500 to 7,000 pages, of which most are the same few
MOST_PAGES = 16_384  # 64 MB of write-ahead log, at which a commit copies after all


class Backfill:
    """One for each writing connection, used from its thread only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._commits = 0
        self._orders: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def note(self) -> None:
        """A transaction was committed."""
        self._commits += 1
        if self._commits >= COMMITS and self._orders.empty():
            self._commits = 0
            self._begin()
            self._orders.put(True)

    def close(self) -> None:
        """End it, a copy that was begun first; the rest is copied by whoever closes the database last."""
        if self._thread is not None:
            self._orders.put(False)
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="backfill", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._orders.get():
            self._copy()

    def _copy(self) -> None:
        """As far as it goes without making anybody wait."""
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            log.warning("the write-ahead log is not copied back: %s", type(error).__name__)
