"""A database comes to be whole or not at all, whoever starts beside whom and whoever is killed at it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from autonomy.db import Database
from autonomy.db.migrate import upgrade
from autonomy.wiring import Settings, open_system

START = """
import sys
from dataclasses import replace
from pathlib import Path
from autonomy.wiring import Settings, open_system
open_system(replace(Settings(), data=Path(sys.argv[1]), database=sys.argv[2])).close()
"""

KILLED = """
import os, signal
from sqlalchemy import Engine, event
made = []
@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *_):
    if "CREATE TABLE" in statement or "INSERT INTO log_head" in statement:
        made.append(statement)
        if len(made) == {tables} or "log_head (" in statement and "INSERT" in statement:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def start(program: str, folder: Path, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program, str(folder), url], stderr=subprocess.PIPE)


def works_now(folder: Path, url: str) -> None:
    system = open_system(Settings(data=folder, database=url))
    assert system.queue.run(lambda tx: tx.size) == 0
    system.close()


def test_processes_that_start_at_once_on_nothing_all_succeed(tmp_path: Path, empty_database_url: str) -> None:
    started = [start(START, tmp_path, empty_database_url) for _ in range(3)]
    told = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    works_now(tmp_path, empty_database_url)


@pytest.mark.parametrize("tables", [1, 4, 10_000])
def test_a_start_that_was_killed_at_the_tables_leaves_none_of_them(
    tmp_path: Path, empty_database_url: str, tables: int
) -> None:
    process = start(KILLED.format(tables=tables) + START, tmp_path, empty_database_url)
    told = process.communicate(timeout=60)[1].decode()
    assert process.returncode == -9, told
    works_now(tmp_path, empty_database_url)


def test_a_failed_beginning_takes_the_tables_back(tmp_path: Path, empty_database_url: str) -> None:
    def fail(_connection: object) -> None:
        raise RuntimeError("no")

    database = Database.open(empty_database_url)
    with pytest.raises(RuntimeError):
        upgrade(database, fail)
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()
