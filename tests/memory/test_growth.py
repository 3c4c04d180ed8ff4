"""What is remembered grows; what it takes to find something in it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.pool import Pool

from autonomy.memory import Author, Question, Work, store
from tests.memory.team import Team, team

EACH = 10  # instructions of SQLite's virtual machine between two counts
SELLER = Author("seller", "")
WORK = Work("customers", "rate", {"customer": 1}, claim=False)


@contextmanager
def counted() -> Iterator[list[int]]:
    """How much SQLite works for what is read here: a measure that no machine changes."""
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    def watch(connection: Any, *_: object) -> None:
        connection.set_progress_handler(count, EACH)

    event.listen(Pool, "checkout", watch)
    try:
        yield steps
    finally:
        event.remove(Pool, "checkout", watch)


async def remember(it: Team, count: int) -> None:
    """So many more items beside the first one, of its shelf, as results of other work."""
    with it.system.database.reading() as connection:
        [first] = connection.execute(select(store.item).order_by(store.item.c.seq).limit(1)).mappings()
    rows = [
        {**first, "seq": 1_000 + number, "id": f"mem_{number:026}", "work": number.to_bytes(32, "big")}
        for number in range(count)
    ]
    await it.system.queue.perform(lambda tx: tx.execute(insert(store.item), rows))


@pytest.mark.parametrize("asked", ["recall", "search"])
async def test_finding_takes_no_longer_among_thousands(tmp_path: Path, asked: str) -> None:
    async with team(tmp_path) as it:
        await it.write("seller", "customers", "rated A", task=WORK.task, inputs=WORK.inputs)

        async def find() -> int:
            with counted() as steps:
                if asked == "recall":
                    assert (await it.system.own.reuse.recall(SELLER, WORK)).answer == "found"
                else:
                    assert len((await it.system.own.memory.search(SELLER, Question("rated"))).items) == 1
            return steps[0]

        await find()
        before = await find()
        await remember(it, 5_000)
        assert await find() <= 1.5 * before
