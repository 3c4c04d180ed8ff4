"""Databases: a file, and a server behind a proxy that can lose what it says."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from autonomy.tools.conformance import CANARY, Behaviour, Candidate
from tests.gate.proxy import Proxy
from tests.postgres import REACHED

from .place import INPUT, NOTE, Place

TABLE = "CREATE TABLE note (ref TEXT NOT NULL, text TEXT NOT NULL, CHECK (length(text) > 0))"
SHELF = "CREATE TABLE shelf (id INTEGER NOT NULL, version INTEGER NOT NULL)"
FILL = "INSERT INTO shelf VALUES (1, 1)"

MANY = 50  # rows admitted


def tools() -> dict[str, Any]:
    """The tools of both: the write claims the shelf at the version it knows, then adds a note."""
    asking = {"statements": [{"sql": "SELECT ref FROM note WHERE ref = :action_id"}]}
    writing = {
        "statements": [
            {
                "sql": "UPDATE shelf SET version = version WHERE id = 1 AND version = 1 AND id < length(:note)",
                "expectRows": 1,
            },
            {"sql": "INSERT INTO note (ref, text) VALUES (:action_id, :note)", "expectRows": 1},
        ]
    }
    return {
        "read": {"call": {"statements": [{"sql": "SELECT id, version FROM shelf"}]}, "input": INPUT},
        "write": {"call": writing, "input": INPUT, "effect": "write-queryable", "reconcile": asking},
        "arguments": NOTE,
    }


class File:
    """A SQLite file. A call hangs where somebody else holds its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (TABLE, SHELF, FILL):
            self._own.execute(statement)

    async def behave(self, how: Behaviour) -> None:
        if self._own.in_transaction:
            self._own.execute("ROLLBACK")
        if how == "hang":
            self._own.execute("BEGIN EXCLUSIVE")
        elif how == "gone":
            self.path.rename(self.path.with_suffix(".away"))
        elif how != "well":
            self._own.executescript(HOW[how])

    def effects(self, action: str) -> int:
        found = self._own.execute("SELECT count(*) FROM note WHERE ref = ?", (action,)).fetchone()
        return int(found[0])

    def calls(self) -> int:
        """How many descriptors of this process are open on the file: each connection has one."""
        links = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        return sum(link.exists() and os.path.realpath(link) == str(self.path) for link in links)

    async def close(self) -> None:
        self._own.close()


HOW: dict[str, str] = {
    "refuse": "CREATE TRIGGER no BEFORE INSERT ON note BEGIN SELECT RAISE(ABORT, 'no'); END",
    "stale": "UPDATE shelf SET version = 2",
    "flood": f"""WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {MANY})
                 INSERT INTO shelf SELECT i, 1 FROM n""",
}


class Server:
    """A PostgreSQL database behind a proxy."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = psycopg.connect(url, autocommit=True)
        for statement in ("DROP TABLE IF EXISTS note, shelf", TABLE, SHELF, FILL):
            self._own.execute(statement.encode())
        self.proxy = Proxy(url)

    async def behave(self, how: Behaviour) -> None:
        modes = {"hang": "hung", "gone": "gone", "break": "lose commit"}
        await asyncio.to_thread(self.proxy.set, modes.get(how, "open"))  # type: ignore[arg-type]
        if how in PG:
            self._own.execute(PG[how].encode())

    def effects(self, action: str) -> int:
        found = self._own.execute("SELECT count(*) FROM note WHERE ref = %s", (action,)).fetchone()
        assert found is not None
        return int(found[0])

    def calls(self) -> int:
        return len(self.proxy._writers)

    async def close(self) -> None:
        self._own.close()
        await asyncio.to_thread(self.proxy.close)


PG = {
    "refuse": "ALTER TABLE note ADD CONSTRAINT no CHECK (text = '')",
    "stale": "UPDATE shelf SET version = 2",
    "flood": f"INSERT INTO shelf SELECT i, 1 FROM generate_series(2, {MANY + 2}) AS i",
    "leak": f"ALTER TABLE note ADD CONSTRAINT no CHECK (text = '{CANARY}')",
}


async def make_sqlite(place: Place) -> Candidate:
    path = (place.folder / "notes.sqlite").resolve()
    path.unlink(missing_ok=True)
    return Candidate(
        name="sql on SQLite",
        use={"type": "sql", "url": "sqlite:///notes.sqlite", "maxRows": MANY},
        system=File(path),
        folder=place.folder,
        cannot={"break": "a file's commit is heard where it is made", "leak": "a file has no credential"},
        **tools(),
    )


async def make_postgres(place: Place) -> Candidate:
    server = await asyncio.to_thread(Server, place.postgres)
    parts = urlsplit(server.proxy.url)
    url = f"postgresql://{parts.username}@127.0.0.1:{parts.port}{parts.path}"
    return Candidate(
        name="sql on PostgreSQL",
        use={"type": "sql", "url": url, "credential": "password", "maxRows": MANY, **REACHED},
        system=server,
        **tools(),
    )
