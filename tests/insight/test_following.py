"""The log is taken in whole and once, in whatever pieces, by whichever process; what is kept no longer is let go of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from autonomy.audit.store import leaf, read_head
from autonomy.db import Tx
from autonomy.insight import Following, Marks, Search, Wanted, found, postings
from autonomy.insight.pace import rests
from autonomy.kernel.clock import DAY, now
from tests.gate.works import Works, works

TABLES = (found.action, found.mark, found.census)


def following(it: Works, marks: Marks, batch: int, heard: list[int] | None = None, clock: Any = now) -> Following:
    """What takes in the log of this house, in pieces of this size."""
    system = it.system

    def hear(tx: Tx, leaves: Sequence[tuple[int, dict[str, Any]]]) -> None:
        assert tx.size >= len(leaves)
        if heard is not None:
            heard.extend(index for index, _ in leaves)

    return Following(
        system.database, system.queue, system.vault, marks, 30, system.lifeline, clock, hear=hear, batch=batch
    )


def taken(it: Works) -> list[list[tuple[Any, ...]]]:
    """Everything that was taken in, in order."""
    with it.system.database.reading() as connection:
        keys = [list(table.primary_key) for table in TABLES]
        rows = [connection.execute(select(table).order_by(*key)) for table, key in zip(TABLES, keys, strict=True)]
        actions, marks, census = ([tuple(row) for row in each] for each in rows)
        led = [(mark, seq) for mark, block, places in marks for seq in postings.unpack(block, bytes(places))]
        assert len(set(led)) == len(led)
        return [actions, sorted(led), census]


async def follow(one: Following) -> None:
    while await one.follow():
        pass


def forget(tx: Tx) -> None:
    for table in (*TABLES, found.place):
        tx.execute(delete(table))


async def live(it: Works, count: int) -> None:
    """Some life: allowed, refused, held and failed."""
    chance = random.Random(7)
    for number in range(count):
        tool = chance.choice(("look", "press", "pay", "nothing"))
        said: dict[str, Any] = {"n": number}
        if tool == "pay":
            said = {"payee": f"payee-{number % 3}", "amount": chance.choice(("12.00", "250.00", "2000000.00"))}
        await it.ask(tool, chance.choice(("w1", "w2")), **said)
    await it.settle()


@pytest.mark.parametrize("batch", [1, 7])
async def test_in_whatever_pieces_the_same_is_taken_in(tmp_path: Path, database_url: str, batch: int) -> None:
    async with works(tmp_path, database_url) as it:
        marks, heard, again = Marks(b"k" * 32), list[int](), list[int]()
        one = following(it, marks, batch, heard)
        for count in (5, 1, 9):
            await live(it, count)
            await follow(one)
        pieces = taken(it)
        await it.system.queue.perform(forget)
        await follow(following(it, marks, 10_000, again))
        assert taken(it) == pieces
        with it.system.database.reading() as connection:
            size = read_head(connection)[0]
            counted = sum(connection.execute(select(found.census.c.leaves)).scalars())
            kinds = set(connection.execute(select(leaf.c.kind)).scalars())
        assert counted == size and kinds == {row[1] for row in pieces[2]}
        assert heard == again == list(range(size))


async def test_of_two_processes_one_follows_and_the_other_takes_over_when_it_is_gone(
    tmp_path: Path, database_url: str
) -> None:
    marks, heard = Marks(b"k" * 32), list[int]()
    async with works(tmp_path, database_url) as second:
        async with works(tmp_path, database_url) as first:
            await live(first, 3)
            one, other = following(first, marks, 2, heard), following(second, marks, 2, heard)
            await follow(one)
            await follow(other)
            place = one.place
            assert other.place == 0 and heard == list(range(place))
            await live(first, 2)
            await first.system.lifeline.leave()
        other = following(second, marks, 2, heard)
        await follow(other)
        assert other.place > place and heard == list(range(other.place))


async def test_words_of_old_actions_are_let_go_of(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        marks, clock = Marks(b"k" * 32), [now()]
        one = following(it, marks, 100, clock=lambda: clock[0])
        await it.ask("pay", payee="zanzibar", amount="12.00")
        await it.settle()
        await follow(one)
        search = Search(it.system.database, marks)

        def found_by(text: str) -> int:
            return len(search.actions(Wanted(text=text), None, 10, may_read=True).actions)

        assert await asyncio.to_thread(found_by, "zanzibar") == 1
        assert await it.system.queue.perform(one.tidy) == 0
        clock[0] += 32 * DAY
        assert await it.system.queue.perform(one.tidy) == 1
        assert await asyncio.to_thread(found_by, "zanzibar") == 0
        assert await asyncio.to_thread(found_by, "pay") == 1
        assert await it.system.queue.perform(one.tidy) == 0


async def test_whoever_lets_go_of_words_looks_no_further_than_what_is_kept(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        clock = [now()]
        one = following(it, Marks(b"k" * 32), 100, clock=lambda: clock[0])
        for _ in range(3):
            await it.ask("look", n=1)
        await it.settle()
        await follow(one)
        first, second, _ = await it.system.database.read(
            lambda reader: reader.execute(select(found.action.c.seq).order_by(found.action.c.seq)).scalars().all()
        )
        old = update(found.action).values(at=0)
        await it.system.queue.perform(lambda tx: tx.execute(old.where(found.action.c.seq != second)).rowcount)
        assert [await it.system.queue.perform(one.tidy) for _ in range(2)] == [1, 0]
        await it.system.queue.perform(lambda tx: tx.execute(old).rowcount)
        assert [await it.system.queue.perform(one.tidy) for _ in range(2)] == [2, 0]
        assert first < second


@pytest.mark.parametrize(("waiting", "part"), [(0, 8), (8, 8), (9, 32), (64, 32)])
def test_whoever_follows_has_a_small_part_of_the_time_while_there_is_a_crowd(waiting: int, part: int) -> None:
    worked = 0.012
    assert (worked + sum(rests(worked, 32, lambda: waiting))) / worked == pytest.approx(part)


def test_a_crowd_of_a_moment_holds_up_nobody_for_longer() -> None:
    crowd = iter([64, 64, 3])
    assert sum(rests(0.01, 64, lambda: next(crowd))) == pytest.approx(0.01 * (7 + 8 + 8))
