"""The commit queue: durable answers, all or nothing, one bad unit harms no other."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table, Text, insert, select

from autonomy.audit import Log, make_leaf, record
from autonomy.audit.merkle import Frontier
from autonomy.audit.store import leaves, nodes, read_head
from autonomy.db import CommitQueue, Database, Plan, Tx
from autonomy.db import queue as queues
from tests.tables import own

note = Table("test_note", own, Column("id", Integer, primary_key=True), Column("text", Text, nullable=False))


def write(number: int):
    def work(tx: Tx) -> int:
        tx.execute(insert(note).values(id=number, text=f"note {number}"))
        return record(tx, "identity", at=number, actor="system", number=number)

    return work


def rows(database: Database) -> list[int]:
    with database.reading() as connection:
        return [number for (number,) in connection.execute(select(note.c.id).order_by(note.c.id))]


def test_a_write_is_there_for_every_reader_once_it_is_answered(database: Database, queue: CommitQueue) -> None:
    assert queue.run(write(1)) == 0
    assert rows(database) == [1]


def test_a_unit_that_fails_undoes_only_itself_and_its_leaf(database: Database, queue: CommitQueue) -> None:
    def broken(tx: Tx) -> None:
        write(2)(tx)
        raise ValueError("no")

    async def together() -> list[object]:
        return await asyncio.gather(
            *(queue.perform(work) for work in (write(1), broken, write(3))), return_exceptions=True
        )

    answers = asyncio.run(together())
    assert answers[0] == 0 and isinstance(answers[1], ValueError) and answers[2] == 1
    assert rows(database) == [1, 3]
    with database.reading() as connection:
        assert [index for index, _ in leaves(connection)] == [0, 1]


def test_a_constraint_broken_by_one_unit_is_not_felt_by_its_neighbours(database: Database, queue: CommitQueue) -> None:
    async def together() -> list[object]:
        return await asyncio.gather(*(queue.perform(write(n)) for n in (1, 1, 2)), return_exceptions=True)

    answers = asyncio.run(together())
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    assert rows(database) == [1, 2]


def test_the_log_stays_contiguous_and_its_frontier_true_over_many_groups(
    database: Database, queue: CommitQueue
) -> None:
    async def many() -> None:
        for start in range(0, 900, 100):
            await asyncio.gather(
                *(
                    queue.perform(lambda tx, n=n: record(tx, "identity", at=n, actor="system"))
                    for n in range(start, start + 100)
                )
            )

    asyncio.run(many())
    with database.reading() as connection:
        bodies = [body for _, body in leaves(connection)]
        size, frontier, _, _ = read_head(connection)
        expected = Frontier()
        expected.extend(make_leaf_hash(body) for body in bodies)
        assert size == len(bodies) == 900
        assert Frontier.decode(frontier).root() == expected.root()
        assert nodes(connection)(8, 2) is not None


def make_leaf_hash(body: bytes) -> bytes:
    from autonomy.audit.merkle import leaf_hash

    return leaf_hash(body)


def test_an_epoch_moved_by_a_unit_that_fails_is_not_moved(database: Database, queue: CommitQueue) -> None:
    def broken(tx: Tx) -> None:
        tx.bump("catalog")
        raise ValueError("no")

    assert queue.run(lambda tx: tx.bump("catalog")) == 1
    with pytest.raises(ValueError):
        queue.run(broken)
    assert queue.run(lambda tx: tx.epochs.catalog) == 1


class Notes:
    """Hot units that are notes to write down; each hears which notes its group wrote."""

    def __init__(self, units: Sequence[int]) -> None:
        self.units = units

    def reads(self) -> list[tuple[str, tuple[object, ...]]]:
        return []

    def judge(self, _rows: object, _page: object) -> Plan:
        rows = [(number, f"note {number}") for number in self.units]
        return Plan([list(self.units)] * len(rows), [("INSERT INTO test_note (id, text) VALUES (?, ?)", rows)])


@pytest.fixture
def noting(tmp_path: Path, sqlite_template: Path) -> Iterator[CommitQueue]:
    path = tmp_path / "notes.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database.open(f"sqlite:///{path}")
    own.create_all(database.writer_engine())
    queue = CommitQueue(database, Log(), Notes)
    yield queue
    queue.close()
    database.close()


def trailed(queue: CommitQueue, number: int) -> asyncio.Future[list[int]]:
    heard: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
    queue.trail(number, lambda answer, awaited: heard.set_result([*answer, awaited]))
    return heard


async def test_what_nobody_waits_for_goes_before_what_is_written_next(
    noting: CommitQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "TRAIL_SECONDS", 3600.0)
    heard = [trailed(noting, number) for number in (1, 2)]
    assert noting.waiting == 2 and not any(each.done() for each in heard)
    assert await noting.submit(3) == [1, 2, 3]
    assert [await each for each in heard] == [[1, 2, 3, False]] * 2
    assert noting.waiting == 0


async def test_what_nobody_waits_for_goes_alone_where_nothing_else_is_written(noting: CommitQueue) -> None:
    assert await trailed(noting, 1) == [1, False]


async def test_what_nobody_waits_for_is_written_before_the_end(
    noting: CommitQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "TRAIL_SECONDS", 3600.0)
    heard = trailed(noting, 1)
    await asyncio.to_thread(noting.close)
    assert await heard == [1, False]


def test_what_nobody_waits_for_is_written_though_its_loop_has_ended(noting: CommitQueue) -> None:
    heard: list[object] = []

    async def ends_at_once() -> None:
        noting.trail(1, lambda answer, awaited: heard.append(answer))

    asyncio.run(ends_at_once())
    assert noting.waiting == 1
    noting.run(lambda tx: None)
    assert (noting.waiting, heard) == (0, []), "there is nobody left to hear it"


def test_after_close_a_write_is_refused(database: Database) -> None:
    from autonomy.audit import Log
    from autonomy.kernel.errors import Unavailable

    queue = CommitQueue(database, Log())
    queue.close()
    with pytest.raises(Unavailable):
        queue.run(write(1))


def test_leaves_say_what_was_given() -> None:
    leaf = make_leaf("identity", 5, actor="system", nothing=None)
    assert leaf.body == b'{"actor":"system","at":5,"kind":"identity","v":1}'
