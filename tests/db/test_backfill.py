"""What is committed comes out of SQLite's write-ahead log without a commit waiting for it."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autonomy.db import Database
from autonomy.db.backfill import COMMITS, MOST_PAGES, Backfill


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in WAL mode with an empty table."""
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER)")
    return path


def alone(path: Path) -> Path:
    """The database file without its write-ahead log."""
    return Path(shutil.copy(path, path.with_suffix(".alone")))


@pytest.mark.parametrize(("commits", "copied"), [(COMMITS - 1, 0), (COMMITS, COMMITS), (COMMITS + 1, COMMITS)])
def test_so_many_commits_are_copied_into_the_database(path: Path, commits: int, copied: int) -> None:
    backfill = Backfill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        for number in range(commits):
            writer.execute("INSERT INTO t VALUES (?)", (number,))
            backfill.note()
        backfill.close()
        found = rows(alone(path))
    assert copied <= found <= commits if copied else found == 0
    assert rows(path) == commits


def test_somebody_who_reads_keeps_nobody_from_writing(path: Path) -> None:
    backfill = Backfill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer, closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
        for number in range(3 * COMMITS):
            writer.execute("INSERT INTO t VALUES (?)", (number,))
            backfill.note()
        backfill.close()
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert rows(path) == 3 * COMMITS


def test_a_database_that_is_gone_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    backfill = Backfill(tmp_path / "none" / "d.sqlite")
    with caplog.at_level(logging.WARNING):
        for _ in range(COMMITS):
            backfill.note()
        backfill.close()
    assert "the write-ahead log is not copied back: OperationalError" in caplog.text


def test_whoever_writes_copies_by_itself_only_when_there_is_very_much(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/d.sqlite")
    with database.writer_engine().connect() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == MOST_PAGES
    database.close()
