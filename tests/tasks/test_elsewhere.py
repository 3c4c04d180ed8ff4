"""Agents that wait at several processes on one database: what is free goes to the best of all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import insert, select

from autonomy.db import Tx, upsert
from autonomy.gate.store import process
from autonomy.kernel.clock import now
from autonomy.tasks.elsewhere import Elsewhere
from autonomy.tasks.store import waiter
from autonomy.tasks.waiting import LEFT_SECONDS
from tests.tasks.team import Team, team


async def asks(it: Team, name: str, wait: int = 10) -> asyncio.Task[str | None]:
    """An agent that waits at this process, once the other processes know; what comes of it is the task it gets."""

    async def ask() -> str | None:
        held = await it.tasks.next(await it.caller(name), wait)
        return None if held is None else held.task.id

    async def known() -> bool:
        rows = await it.works.system.database.read(lambda connection: connection.execute(select(waiter)).all())
        return (it.works.system.lifeline.owner, name) in {(row.process, row.agent) for row in rows}

    waiting = asyncio.create_task(ask())
    await it.eventually(known)
    return waiting


async def test_what_is_free_goes_to_whom_the_task_prefers_wherever_they_wait(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it, team(tmp_path, database_url) as other:
        here, there = await asks(it, "w1"), await asks(other, "w2")
        task = await it.open(prefer=("w2",))
        assert await there == task
        second = await other.open(prefer=("w1",))
        assert await here == second


async def test_what_is_free_goes_to_whom_has_less_to_do_wherever_they_wait(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it, team(tmp_path, database_url) as other:
        await it.open()
        await it.next("w1")  # may have two at once, and is half busy now
        here, there = await asks(it, "w1"), await asks(other, "w2")
        task = await it.open()
        assert await there == task
        another = await it.open()
        assert await here == another


async def test_a_task_is_left_to_another_process_for_a_moment_only(tmp_path: Path, database_url: str) -> None:
    """The other one beats and says that an agent waits there, and never gives it anything."""
    async with team(tmp_path, database_url) as it, team(tmp_path, database_url, living=False) as mute:
        await mute.works.system.lifeline.beat()
        row = {"process": mute.works.system.lifeline.owner, "agent": "w2"}
        await mute.works.system.queue.perform(lambda tx: tx.execute(insert(waiter), row))
        here = await asks(it, "w1")
        loop = asyncio.get_running_loop()
        opened = loop.time()
        task = await it.open(prefer=("w2",))
        beating = asyncio.create_task(_beats(mute))
        assert await here == task
        assert loop.time() - opened > LEFT_SECONDS
        beating.cancel()


async def test_who_waited_at_a_process_that_died_counts_no_more(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        system = it.works.system
        me = Elsewhere(system.database, system.queue, "proc_me")

        async def waiting(beat: int) -> list[str]:
            row = {"id": "proc_other", "host": "h", "pid": 1, "beat": beat}

            def write(tx: Tx) -> None:
                tx.execute(upsert(process, row, ["id"], tx.dialect))
                tx.execute(upsert(waiter, {"process": "proc_other", "agent": "w2"}, ["process", "agent"], tx.dialect))

            await system.queue.perform(write)
            organisation = it.place.workforce.organisation
            return await system.database.read(lambda connection: me.names(connection, organisation, {"worker"}))

        assert await waiting(now() + 60_000) == ["w2"]
        assert await waiting(0) == []


async def test_where_there_is_one_process_nobody_writes_down_who_waits(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        assert await it.tasks.next(await it.caller("w1"), 1) is None
        assert await it.works.system.database.read(lambda connection: connection.execute(select(waiter)).all()) == []


async def _beats(it: Team) -> None:
    while True:
        await it.works.system.lifeline.beat()
        await asyncio.sleep(0.5)
