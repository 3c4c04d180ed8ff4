"""A time limit stops what takes too long, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from autonomy.kernel.deadline import SWEEP_SECONDS, within


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_what_is_done_in_time_is_done() -> None:
    with within(10):
        await asyncio.sleep(0)


async def test_what_takes_too_long_is_stopped_soon_after() -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(TimeoutError):
        with within(0.1):
            await for_ever()
    assert 0.1 <= loop.time() - started < 5


async def test_the_nearer_of_two_limits_counts_and_the_other_goes_on() -> None:
    with within(10):
        with pytest.raises(TimeoutError):
            with within(0.01):
                await for_ever()
        await asyncio.sleep(SWEEP_SECONDS * 2)  # a sweep later nothing of the first is left over


async def test_a_limit_around_another_ends_both() -> None:
    with pytest.raises(TimeoutError):
        with within(0.01):
            with within(10):
                await for_ever()


async def test_a_cancellation_from_outside_stays_one() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        with within(10):
            begun.set()
            await for_ever()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_is_told_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        with within(10):
            raise ValueError("mine")


async def test_limits_of_many_tasks_end_each_its_own() -> None:
    async def one(seconds: float) -> bool:
        try:
            with within(seconds):
                await asyncio.sleep(0.2)
        except TimeoutError:
            return False
        return True

    assert await asyncio.gather(*(one(seconds) for seconds in (0.01, 10, 0.02, 10))) == [False, True, False, True]


def test_every_event_loop_has_its_own_sweep() -> None:
    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(_late())


async def _late() -> None:
    with within(0.01):
        await for_ever()
