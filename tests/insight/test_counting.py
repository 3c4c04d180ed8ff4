"""The figures equal what the log says, however it was cut into batches and whoever counted."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from autonomy.db import CommitQueue, Database
from autonomy.insight.cells import TABLES, figure_place
from autonomy.insight.reckoning import Reckoning
from tests.insight.leaves import Leaf, logs, write


def _begin_at(queue: CommitQueue, place: int) -> None:
    """No figures; what is counted next is the leaf of this index."""

    def work(tx: Any) -> None:
        for table in (*TABLES, figure_place):
            tx.execute(delete(table))
        if place:
            tx.execute(insert(figure_place).values(name="log", next=place, holder="", until=0))

    queue.run(work)


def _rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.reading() as connection:
        return {table.name: sorted(tuple(row) for row in connection.execute(select(table))) for table in (*TABLES,)}


async def _all(following: Reckoning) -> None:
    while await following.count():
        pass


@given(log=logs, sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_figures_are_the_same_however_the_log_is_cut(
    database: Database, queue: CommitQueue, log: list[Leaf], sizes: list[int]
) -> None:
    start = queue.run(lambda tx: tx.size)
    write(queue, log)
    found = []
    for batches in (sizes, [10_000]):
        _begin_at(queue, start)
        following = [Reckoning(database, queue, f"p{size}", lambda: 0, size) for size in batches]

        async def in_turns(following: list[Reckoning] = following) -> None:
            while True:
                moved = 0
                for one in following:
                    moved += await one.count()
                if not moved:
                    return

        asyncio.run(in_turns())
        found.append(_rows(database))
    assert found[0] == found[1]
