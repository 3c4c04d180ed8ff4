"""Nobody has a history of their own signed: what does not go on from what was signed before stays unsigned, aloud."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from autonomy.audit import Log, continuity, note, record
from autonomy.audit.checkpoints import Checkpoints, copy_name
from autonomy.audit.log import SIGN_AFTER
from autonomy.audit.merkle import Frontier, leaf_hash
from autonomy.audit.store import checkpoint, head, leaf, node
from autonomy.db import CommitQueue, Database
from autonomy.kernel.errors import Corrupt, Unavailable
from tests.audit.test_checkpoints import SIGNER
from tests.house import house

PER_UNIT = 250


class Process:
    """One process that writes and signs."""

    def __init__(self, database: Database, witness: Path | None) -> None:
        row, grew = lambda *trees: self.checkpoints.row(*trees), lambda *trees: self.checkpoints.grew(*trees)
        self.queue = CommitQueue(database, Log(row, grew))
        self.checkpoints = Checkpoints(database, self.queue, SIGNER, witness)

    def grow(self, leaves: int = 1) -> None:
        def write(tx: object) -> None:
            for _ in range(leaves):
                record(tx, "identity", at=1, actor="system")  # type: ignore[arg-type]

        self.queue.run(write)

    def sign(self) -> note.Checkpoint:
        async def signed() -> str:
            return await self.checkpoints.sign()

        return note.parse(asyncio.run(signed()), [SIGNER.verifier])

    def refuses(self) -> bool:
        with pytest.raises(Corrupt) as refused:
            self.sign()
        return refused.value.code == "log.rewritten"


@pytest.fixture
def process(database: Database, tmp_path: Path) -> Iterator[Process]:
    found = Process(database, tmp_path / "witness")
    yield found
    found.queue.close()


def rewrite(database: Database, keep: int | None = None, first: int = 0) -> None:
    """What somebody does who may write every table and has no key: other leaves, under a tree of their own."""
    engine = database.writer_engine()
    with engine.begin() as connection:
        bodies = [bytes(one) for (one,) in connection.execute(select(leaf.c.body).order_by(leaf.c.idx))][:keep]
        bodies = [body.replace(b"system", b"sombra") if at >= first else body for at, body in enumerate(bodies)]
        frontier = Frontier()
        nodes = frontier.extend(map(leaf_hash, bodies))
        connection.execute(delete(leaf).where(leaf.c.idx >= len(bodies)))
        for index, body in enumerate(bodies):
            connection.execute(update(leaf).where(leaf.c.idx == index).values(body=body, hash=leaf_hash(body)))
        connection.execute(delete(node))
        for level, index, hashed in nodes:
            connection.execute(insert(node).values(level=level, idx=index, hash=hashed))
        connection.execute(delete(checkpoint))
        connection.execute(update(head).values(size=len(bodies), frontier=frontier.encode(), signed=0))
    engine.dispose()


def signed_in(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(checkpoint)).scalar_one()


@pytest.mark.parametrize(("keep", "first"), [(None, 0), (None, 5), (3, 9)])
def test_a_rewritten_or_shortened_history_is_never_signed(
    database: Database, process: Process, caplog: pytest.LogCaptureFixture, keep: int | None, first: int
) -> None:
    process.grow(6)
    process.sign()
    rewrite(database, keep, first)
    process.grow(1 if keep else 4)
    with caplog.at_level(logging.ERROR, "autonomy.audit"):
        assert process.refuses() and process.refuses()
    assert [one.message for one in caplog.records if "nothing is signed any more" in one.message], "it is said aloud"
    assert signed_in(database) == 0
    with pytest.raises(Corrupt):
        process.checkpoints.check()


def test_what_a_process_appended_itself_is_not_read_again_and_yet_not_signed_where_it_was_rewritten(
    database: Database, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.grow(6)
    process.sign()
    with monkeypatch.context() as patched:
        patched.setattr(continuity, "leaf_hashes", unread)
        process.grow(SIGN_AFTER)
        process.grow(SIGN_AFTER)
        assert process.sign().size == 6 + 2 * SIGN_AFTER
    process.grow(10)
    rewrite(database, first=5 + 2 * SIGN_AFTER)
    assert process.refuses()


def unread(*_asked: object) -> list[bytes]:
    raise AssertionError("leaves are read")


def test_a_group_that_failed_is_no_part_of_what_is_signed(process: Process) -> None:
    process.grow(6)
    process.sign()
    process.checkpoints.grew(tree(6), tree(9))
    process.grow(1)
    assert process.sign().size == 7
    process.grow(1)
    assert process.sign().size == 8


def tree(leaves: int) -> bytes:
    frontier = Frontier()
    frontier.extend(bytes([at]) * 32 for at in range(leaves))
    return frontier.encode()


def test_a_log_that_grows_fast_is_not_signed_either(database: Database, process: Process) -> None:
    process.grow(6)
    process.sign()
    rewrite(database)
    for _ in range(SIGN_AFTER // PER_UNIT + 2):
        process.grow(PER_UNIT)
    assert signed_in(database) == 0


def test_a_process_that_starts_knows_it_from_the_witness(database: Database, process: Process, tmp_path: Path) -> None:
    process.grow(300)
    process.sign()
    rewrite(database, first=299)
    late = Process(database, tmp_path / "witness")
    assert late.refuses()
    late.queue.close()


def test_a_process_that_ran_before_finds_what_another_one_was_made_to_sign(
    database: Database, process: Process, tmp_path: Path
) -> None:
    process.grow(6)
    process.sign()
    rewrite(database)
    fooled = Process(database, tmp_path / "new")
    fooled.grow()
    assert fooled.sign().size == 7, "it has nothing to compare with: its witness's folder is new"
    fooled.queue.close()
    process.grow()
    assert process.refuses()


def test_an_honest_log_goes_on_over_processes_and_over_gaps_of_every_size(
    database: Database, process: Process, tmp_path: Path
) -> None:
    other = Process(database, tmp_path / "other")
    for count in (1, 699, 1, 320, 3):
        for one in (process, other):
            one.grow(count)
        assert process.sign() == other.sign()
    unsigning = CommitQueue(database, Log())
    unsigning.run(lambda tx: [record(tx, "identity", at=1, actor="system") for _ in range(2_500)])
    unsigning.close()
    new = Process(database, tmp_path / "other")
    assert process.sign() == other.sign() == new.sign()
    assert new.sign().size == 2 * 1024 + 2_500
    for one in (other, new):
        one.queue.close()


def test_a_checkpoint_that_the_key_did_not_sign_is_not_passed_on(
    database: Database, process: Process, tmp_path: Path
) -> None:
    process.grow()
    process.sign()
    engine = database.writer_engine()
    with engine.begin() as connection:
        connection.execute(insert(checkpoint).values(size=10**15, at=1, note="of my own"))
    engine.dispose()
    with pytest.raises(Corrupt):
        process.checkpoints.copy()
    assert not (tmp_path / "witness" / copy_name(10**15)).exists()


def test_a_copy_of_the_witness_that_differs_is_not_passed_over(process: Process, tmp_path: Path) -> None:
    process.grow()
    (tmp_path / "witness").mkdir()
    (tmp_path / "witness" / copy_name(1)).write_text("another one")
    assert process.refuses()


async def test_no_process_begins_whose_log_could_not_be_signed(tmp_path: Path, database_url: str) -> None:
    async with house(tmp_path, database_url) as it:
        unreadable = it.system.settings.witness_folder / copy_name(1)
        unreadable.mkdir(parents=True)
        with pytest.raises(Unavailable) as refused:
            await it.system.start()
        assert refused.value.code == "witness.unavailable"
        unreadable.rmdir()
        await it.system.checkpoints.begin()
