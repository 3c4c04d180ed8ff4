"""A backup holds everything, comes back on either kind of database, and never brings back a log that was shortened."""

from __future__ import annotations

import asyncio
import json
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from autonomy.audit.store import leaf
from autonomy.cli.up import prepare
from autonomy.db import Database, metadata
from autonomy.memory import Author, Question, Writing
from autonomy.wiring import Settings, System, open_system

from .shell import Ran, autonomy

URL = "https://autonomy.example"


@contextmanager
def opened(data: Path, database: str, witness: str = "witness") -> Iterator[System]:
    """The system over a data folder and a database, as servers would open it."""
    settings = replace(Settings(), data=data, database=database, url=URL, witness=data.parent / witness)
    system = open_system(settings)
    try:
        yield system
    finally:
        system.close()


def record(system: System, times: int = 1) -> None:
    """Let something happen, and be signed and witnessed."""
    for _ in range(times):
        system.identity.invite("ada")
    system.queue.run(system.checkpoints._sign)
    system.checkpoints.copy()


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of every table, as plain values."""
    database = Database.open(url)
    try:
        with database.reading() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in metadata.sorted_tables
            }
    finally:
        database.close()


@pytest.fixture
def kept(tmp_path: Path, database_url: str) -> Path:
    """A data folder with a history; its database is `database_url`."""
    with opened(tmp_path / "data", database_url) as system:
        prepare(system, None)
        system.secrets.set("erp-password", "canary-secret", "person:ada")
        record(system)
    return tmp_path / "data"


def save(kept: Path, url: str, file: str = "b.zip", *more: str) -> Ran:
    return autonomy("backup", file, "--data", str(kept), "--database", url, *more)


def bring_back(file: str, *more: str) -> Ran:
    return autonomy("restore", file, "--data", "restored", *more)


def test_what_agents_remember_is_found_again_and_goes_on(kept: Path, database_url: str) -> None:
    with opened(kept, database_url) as system:
        assert asyncio.run(remember(system, "act_1", "lumen is early")) == ["lumen is early"]
    assert save(kept, database_url, "b.zip", "--with-keys").code == 0
    assert bring_back("b.zip", "--witness", "witness").code == 0
    with opened(Path("restored").resolve(), "") as system:
        found = asyncio.run(remember(system, "act_2", "lumen is late"))
    assert sorted(found) == ["lumen is early", "lumen is late"]


async def remember(system: System, action: str, text: str) -> list[object]:
    """Write an item as an agent of the starter would; returns what is found of it and those before."""
    await system.watch.refresh()
    await system.own.memory.write(Author("buyer-1", action), Writing("purchasing-notes", text))
    found = await system.own.memory.search(Author("buyer-1", action), Question("lumen"))
    return [each.content["text"] for each in found.items]


def test_everything_comes_back_on_sqlite(kept: Path, database_url: str) -> None:
    said = save(kept, database_url, "b.zip", "--with-keys", "--json")
    assert (said.code, said.json["size"] > 3) == (0, True), said.err
    assert bring_back("b.zip", "--witness", "witness").code == 0
    assert contents("sqlite:///restored/autonomy.sqlite") == contents(database_url)
    with opened(Path("restored"), "") as system:
        assert system.secrets.reveal("erp-password").reveal() == "canary-secret"
        record(system)


def test_what_was_sqlite_comes_back_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    url = f"sqlite:///{tmp_path}/one.sqlite"
    with opened(tmp_path / "data", url) as system:
        prepare(system, None)
        record(system)
    assert save(tmp_path / "data", url, "b.zip", "--with-keys").code == 0
    said = bring_back("b.zip", "--witness", "witness", "--database", postgres_url)
    assert said.code == 0, said.err
    assert contents(postgres_url) == contents(url)
    with opened(tmp_path / "restored", postgres_url) as system:
        record(system)


def test_a_backup_is_its_owners_alone_and_holds_no_key_unless_asked(kept: Path, database_url: str) -> None:
    assert save(kept, database_url).code == 0
    assert Path("b.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile("b.zip") as archive:
        assert "master.key" not in archive.namelist()
        everything = b"".join(archive.read(name) for name in archive.namelist())
    master = (kept / "master.key").read_bytes().strip()
    assert b"canary-secret" not in everything
    assert master not in everything
    assert b64decode(master) not in everything


def test_without_the_key_nothing_comes_back(kept: Path, database_url: str) -> None:
    save(kept, database_url)
    said = bring_back("b.zip")
    assert (said.code, said.error) == (1, "restore.no_key")
    assert not Path("restored/autonomy.sqlite").exists()
    assert not Path("restored/master.key").exists()


def test_with_the_key_put_back_it_comes_back(kept: Path, database_url: str) -> None:
    save(kept, database_url)
    Path("restored").mkdir(mode=0o700)
    (kept / "master.key").rename("restored/master.key")
    assert bring_back("b.zip", "--witness", "witness").code == 0


def test_another_key_does_not_fit(kept: Path, database_url: str, tmp_path: Path) -> None:
    save(kept, database_url, "without.zip")
    save(kept, database_url, "with.zip", "--with-keys")
    with opened(tmp_path / "restored", "sqlite:///elsewhere.sqlite"):
        pass
    assert bring_back("with.zip").error == "restore.other_key"
    assert bring_back("without.zip").error == "restore.log"


def test_a_log_behind_its_witness_is_refused_and_nothing_is_written(kept: Path, database_url: str) -> None:
    save(kept, database_url, "old.zip", "--with-keys")
    with opened(kept, database_url) as system:
        record(system, 3)
    said = bring_back("old.zip", "--witness", "witness")
    assert (said.code, said.error) == (1, "restore.behind_witness")
    assert "the witness saw" in said.err
    assert not Path("restored").exists()
    assert bring_back("old.zip", "--witness", "another-witness").error == "restore.no_witness"
    assert not Path("restored").exists()
    assert bring_back("old.zip", "--witness", "another-witness", "--without-witness").code == 0, (
        "the loss accepted, the old kept as evidence"
    )


def test_a_log_that_was_forked_is_refused(kept: Path, database_url: str, tmp_path: Path) -> None:
    save(kept, database_url, "old.zip", "--with-keys")
    with opened(kept, database_url) as system:
        record(system, 2)
    assert bring_back("old.zip", "--without-witness").code == 0
    with opened(tmp_path / "restored", "", "nowhere") as system:
        record(system, 5)
    save(tmp_path / "restored", f"sqlite:///{tmp_path}/restored/autonomy.sqlite", "forked.zip", "--with-keys")
    said = autonomy("restore", "forked.zip", "--data", "third", "--witness", "witness")
    assert (said.code, said.error) == (1, "restore.log")
    assert "witness.fork" in said.err


def test_a_log_whose_leaves_are_hidden_in_the_tables_is_refused(kept: Path, database_url: str) -> None:
    with opened(kept, database_url) as system, system.database.writer_engine().begin() as connection:
        connection.execute(update(leaf).where(leaf.c.idx == 0).values(kind="label"))
    save(kept, database_url, "hidden.zip", "--with-keys")
    said = bring_back("hidden.zip", "--without-witness")
    assert (said.code, said.error) == (1, "restore.log")
    assert "leaf.column" in said.err


def test_nothing_is_restored_over_something(kept: Path, database_url: str) -> None:
    save(kept, database_url)
    said = autonomy("restore", "b.zip", "--data", str(kept), "--database", database_url, "--without-witness")
    assert (said.code, said.error) == (1, "restore.not_empty")


def test_a_backup_does_not_go_over_a_file(kept: Path, database_url: str) -> None:
    Path("b.zip").write_text("mine")
    assert save(kept, database_url).error == "backup.exists"
    assert Path("b.zip").read_text() == "mine"


def rewritten(change: Callable[[str, list[Any]], list[Any]]) -> None:
    """Rewrite `b.zip`: `change` is handed each table's rows."""
    with zipfile.ZipFile("b.zip") as before, zipfile.ZipFile("changed.zip", "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name.startswith("rows/"):
                rows = change(name[5:-6], [json.loads(line) for line in content.splitlines()])
                content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
            after.writestr(name, content)


def drop_last(table: str, rows: list[Any]) -> list[Any]:
    return rows[:-1] if table in ("leaf", "checkpoint") else rows


def change_body(table: str, rows: list[Any]) -> list[Any]:
    return [[*rows[0][:4], rows[1][4], *rows[0][5:]], *rows[1:]] if table == "leaf" else rows


def change_hash(table: str, rows: list[Any]) -> list[Any]:
    return [[*rows[0][:5], rows[1][5]], *rows[1:]] if table == "leaf" else rows


def change_head(table: str, rows: list[Any]) -> list[Any]:
    return [[*row[:1], row[1] - 1, *row[2:]] for row in rows] if table == "log_head" else rows


def rename(table: str, rows: list[Any]) -> list[Any]:
    return [[*row[:-1], "another.example/log"] for row in rows] if table == "log_head" else rows


def swap(table: str, rows: list[Any]) -> list[Any]:
    return [rows[1], rows[0], *rows[2:]] if table == "leaf" else rows


@pytest.mark.parametrize("change", [drop_last, change_body, change_hash, change_head, rename, swap])
def test_a_backup_whose_log_was_touched_is_refused(
    change: Callable[[str, list[Any]], list[Any]], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/one.sqlite"
    with opened(tmp_path / "data", url) as system:
        prepare(system, None)
        record(system)
    save(tmp_path / "data", url, "b.zip", "--with-keys")
    rewritten(change)
    said = bring_back("changed.zip")
    assert said.code == 1
    assert said.error in ("restore.log", "backup.damaged")
    assert not Path("restored").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_said_to_be_none(content: bytes) -> None:
    Path("b.zip").write_bytes(content)
    said = bring_back("b.zip")
    assert (said.code, said.error) == (1, "backup.damaged")


def test_a_backup_is_of_one_moment_while_servers_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.sqlite"
    with opened(tmp_path / "data", url) as system:
        prepare(system, None)
        record(system)
        assert save(tmp_path / "data", url, "b.zip", "--with-keys").code == 0
        record(system, 2)
    assert bring_back("b.zip", "--without-witness").code == 0
