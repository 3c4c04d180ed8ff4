"""Idle connections and worker threads: bounded, kept apart, and let go of."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from autonomy.tools.connectors.pool import Mode, Pool
from autonomy.tools.workers import Workers


class Idle:
    """A connection that only knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def idle() -> Any:
    return Idle()


READ, WRITE = Mode(False, 1), Mode(True, 1)


def test_a_connection_is_used_again_for_what_it_may_do() -> None:
    pool, session = Pool(), idle()
    pool.give_back(READ, session)
    assert pool.take(WRITE) is None
    assert pool.take(READ) is session
    assert pool.take(READ) is None


def test_connections_under_a_replaced_credential_are_closed() -> None:
    pool, old, late = Pool(), idle(), idle()
    pool.give_back(READ, old)
    assert pool.take(Mode(False, 2)) is None
    assert old.closed
    pool.give_back(READ, late)
    assert late.closed


def test_closing_closes_what_is_idle_and_what_comes_back() -> None:
    pool, first, second = Pool(), idle(), idle()
    pool.give_back(READ, first)
    pool.close()
    pool.give_back(WRITE, second)
    assert first.closed and second.closed


def test_no_more_threads_work_at_once_than_there_are() -> None:
    workers, meeting = Workers("test", 3), threading.Barrier(3)

    async def crowd() -> set[str]:
        def work() -> str:
            meeting.wait(60)
            return threading.current_thread().name

        return set(await asyncio.gather(*(workers.run(work) for _ in range(9))))

    assert asyncio.run(crowd()) == {"test-1", "test-2", "test-3"}
    workers.close()


def test_work_that_is_cancelled_while_it_waits_never_runs() -> None:
    workers, release, ran = Workers("test", 1), threading.Event(), []

    async def story() -> None:
        first = asyncio.create_task(workers.run(lambda: release.wait(60)))
        second = asyncio.create_task(workers.run(lambda: ran.append("second")))
        while not workers._jobs.qsize():
            await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)  # the cancellation has reached it
        release.set()
        await first
        await workers.run(lambda: ran.append("third"))
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(asyncio.wait_for(story(), 60))
    assert ran == ["third"]
    workers.close()


def test_threads_end_after_closing() -> None:
    workers = Workers("closing", 2)
    asyncio.run(workers.run(lambda: None))
    workers.close()
    for thread in threading.enumerate():
        if thread.name.startswith("closing"):
            thread.join(60)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("closing")]
