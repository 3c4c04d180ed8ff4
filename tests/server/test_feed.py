"""One look at the log serves everybody who listens; nobody who has gone is counted, or looked for."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from autonomy.audit import Log
from autonomy.db import CommitQueue, Database
from autonomy.kernel.errors import Unavailable
from autonomy.server.feed import MAX_LISTENERS, Feed


@pytest.fixture
def feed(database: Database) -> Feed:
    CommitQueue(database, Log()).close()  # which begins the log
    return Feed(database)


async def test_of_many_who_come_at_once_one_looks_and_nobody_once_all_have_gone(feed: Feed) -> None:
    before, over = asyncio.all_tasks(), asyncio.Event()
    inside = asyncio.Semaphore(0)

    async def listen() -> None:
        async with feed:
            inside.release()
            await over.wait()

    listeners = {asyncio.create_task(listen()) for _ in range(50)}
    for _ in listeners:
        await inside.acquire()
    assert len(asyncio.all_tasks() - before - listeners) == 1
    over.set()
    await asyncio.gather(*listeners)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_who_is_cut_off_while_coming_leaves_room_for_others(feed: Feed) -> None:
    for _ in range(MAX_LISTENERS + 1):
        coming = asyncio.create_task(feed.__aenter__())
        await asyncio.sleep(0)
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await coming
    async with feed:
        assert feed.size == 0


async def test_who_comes_while_the_store_does_not_answer_is_not_counted(tmp_path: Path) -> None:
    empty = Database.open(f"sqlite:///{tmp_path / 'empty.db'}")  # without tables
    feed = Feed(empty)
    for _ in range(MAX_LISTENERS + 1):
        with pytest.raises(Unavailable):
            await feed.__aenter__()
    empty.close()
