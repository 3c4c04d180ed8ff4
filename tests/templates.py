"""Databases that many tests begin with: made once, then copied. What the migrations do is a test of its own."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from autonomy.db import Database
from autonomy.db.migrate import upgrade
from demo import business


def migrate(url: str) -> None:
    """Bring an empty database to the present schema, and leave no connection to it."""
    database = Database.open(url)
    upgrade(database)
    database.close()


def put_migrated(path: Path) -> None:
    """A SQLite file with every table and nothing in them, unless there is one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated())


def put_business(path: Path) -> None:
    """The business database of the starter organisation as a SQLite file, unless there is one."""
    if not path.exists():
        path.write_bytes(_business())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "autonomy.sqlite"
        migrate(f"sqlite:///{path}")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.read_bytes()


@cache
def _business() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "business.sqlite"
        business.create(f"sqlite:///{path}")
        return path.read_bytes()
