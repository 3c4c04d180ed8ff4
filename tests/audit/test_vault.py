"""Keys of subjects: what was erased is in no memory and in no file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from autonomy.audit import Vault
from autonomy.audit.store import payload, subject_key
from autonomy.db import CommitQueue, Database
from autonomy.db.tx import Tx
from autonomy.kernel.errors import Conflict, Unavailable

MASTER = bytes(range(32))
ERIKA = "erika"


class Between(Database):
    """A database with which something happens between reading and the reader's hearing of it."""

    then: Callable[[], Any] | None = None

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        found = await super().read(work)
        if self.then is not None:
            then, self.then = self.then, None
            await then()
        return found


def wrapped(database: Database) -> list[bytes]:
    with database.reading() as connection:
        found = connection.execute(select(subject_key.c.wrapped).order_by(subject_key.c.generation)).scalars()
        return [bytes(one or b"") for one in found]


def test_a_key_erased_while_it_was_read_is_not_kept_nor_used(database: Database, queue: CommitQueue) -> None:
    between = Between.open(database.url.render_as_string(hide_password=False))
    assert isinstance(between, Between)
    vault, other = Vault(between, queue, MASTER), Vault(database, queue, MASTER)

    async def erased_meanwhile() -> None:
        await other.erase(ERIKA, "person:ada", "asked for it")
        await vault.key("john", 1)  # somebody else of this process has seen the epoch move

    async def story() -> None:
        await other.key(ERIKA, 0)
        between.then = erased_meanwhile
        assert (await vault.key(ERIKA, 0)).generation == 2
        assert (await vault.key(ERIKA, 1)).generation == 2

    asyncio.run(story())
    between.close()


def test_what_is_kept_of_a_subject_does_not_name_it(database: Database, queue: CommitQueue) -> None:
    vault = Vault(database, queue, MASTER)

    async def sealed() -> None:
        key = await vault.key(ERIKA, 0)
        row, _ = key.seal("act_1", "arguments", b"{}", 1)
        await queue.perform(lambda tx: tx.execute(payload.insert().values(row)))

    asyncio.run(sealed())
    with database.reading() as connection:
        told = repr(connection.execute(select(subject_key)).all() + connection.execute(select(payload)).all())
    assert ERIKA not in told


def test_an_erasure_that_a_reader_keeps_from_the_files_has_to_be_repeated(
    database: Database, queue: CommitQueue, tmp_path: Path
) -> None:
    vault = Vault(database, queue, MASTER)
    asyncio.run(vault.key(ERIKA, 0))
    (key,) = wrapped(database)
    assert kept(database, tmp_path, key)
    with standing_still(database):
        with pytest.raises(Unavailable) as refused:
            asyncio.run(vault.erase(ERIKA, "person:ada", "asked for it"))
        assert refused.value.code == "store.unwiped"
        assert queue.run(_size) == 1, "others write meanwhile and after"
        assert kept(database, tmp_path, key)
    with pytest.raises(Conflict) as told:
        asyncio.run(vault.erase(ERIKA, "person:ada", "asked for it"))
    assert told.value.code == "erase.nothing"
    assert not kept(database, tmp_path, key)


def _size(tx: Tx) -> int:
    return tx.size


@contextmanager
def standing_still(database: Database) -> Iterator[None]:
    """A reader that stays at this moment."""
    begin = "BEGIN" if database.path else "BEGIN ISOLATION LEVEL REPEATABLE READ"
    with database.writer_engine().connect() as connection:
        connection.exec_driver_sql(begin)
        connection.execute(select(subject_key)).all()
        yield
        connection.exec_driver_sql("ROLLBACK")


def test_erasing_leaves_no_byte_of_a_key_beside_the_keys_of_others(
    database: Database, queue: CommitQueue, tmp_path: Path
) -> None:
    vault = Vault(database, queue, MASTER)
    for number in range(50):
        asyncio.run(vault.key(f"subject {number}", 0))
    keys = wrapped(database)
    for number in range(0, 50, 7):
        asyncio.run(vault.erase(f"subject {number}", "person:ada", "asked for it"))
    left = [key for key in wrapped(database) if key]
    assert len(left) == 42
    assert {kept(database, tmp_path, key) for key in left} == {True}
    assert {kept(database, tmp_path, key) for key in keys if key not in left} == {False}


def kept(database: Database, folder: Path, key: bytes) -> bool:
    """Whether the bytes stand in any file of the store. PostgreSQL's log is recycled by itself."""
    return any(key in file.read_bytes() for file in files(database, folder).rglob("*") if file.is_file())


def files(database: Database, folder: Path) -> Path:
    """Where the store has its files, with everything written to them."""
    if database.path:
        return folder
    with database.writer_engine().connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar_one()
        return Path(connection.exec_driver_sql("SHOW data_directory").scalar_one()) / "base" / str(oid)
