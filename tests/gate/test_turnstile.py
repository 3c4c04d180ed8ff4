"""The line before the door: in order, while it moves; who gives up is passed over, nobody waits for a dead store."""

from __future__ import annotations

import asyncio
import time

import pytest

from autonomy.gate import turnstile
from autonomy.gate.turnstile import Turnstile
from autonomy.kernel.errors import Busy, Unavailable


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PLACES", 2)


class Work:
    """Decisions that end when they are told to."""

    def __init__(self) -> None:
        self.line = Turnstile()
        self.begun: list[int] = []
        self.ends: dict[int, asyncio.Future[int]] = {}

    def come(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.line.decide(self._work(number))) for number in numbers]

    async def end(self, number: int, error: Exception | None = None) -> None:
        if error is None:
            self.ends[number].set_result(number)
        else:
            self.ends[number].set_exception(error)
        await turn()

    async def _work(self, number: int) -> int:
        self.begun.append(number)
        self.ends[number] = asyncio.get_running_loop().create_future()
        return await self.ends[number]


async def turn() -> None:
    """Until everything that can go on has."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_whoever_comes_later_is_decided_later() -> None:
    work = Work()
    calls = work.come(1, 2, 3, 4, 5)
    await turn()
    assert work.begun == [1, 2]
    await work.end(2)
    assert work.begun == [1, 2, 3]
    for number in (1, 3, 4, 5):
        await work.end(number)
    assert (work.begun, await asyncio.gather(*calls)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])


async def test_who_gives_up_in_line_is_passed_over() -> None:
    work = Work()
    calls = work.come(1, 2, 3, 4)
    await turn()
    calls[2].cancel()
    await turn()
    await work.end(1)
    assert work.begun == [1, 2, 4]
    await work.end(2)
    await work.end(4)
    (last,) = work.come(5)
    await turn()
    await work.end(5)
    assert await last == 5, "no place was lost"


async def test_who_gives_up_as_its_turn_comes_hands_it_on() -> None:
    work = Work()
    calls = work.come(1, 2, 3, 4)
    await turn()
    work.ends[1].set_result(1)
    while not (found := work.line._line) or len(found) == 2:
        await asyncio.sleep(0)
    calls[2].cancel()
    await turn()
    assert work.begun == [1, 2, 4]
    await work.end(2)
    await work.end(4)
    assert work.line._inside == 0


async def test_two_seconds_begin_behind_the_turnstile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "DECIDE_SECONDS", 0.5)
    line = Turnstile()

    async def quick() -> str:
        await asyncio.to_thread(time.sleep, 0.1)  # a fifth of what there is, ten times one after the other
        return "decided"

    assert await asyncio.gather(*(line.decide(quick()) for _ in range(20))) == ["decided"] * 20


async def test_where_nobody_is_decided_any_more_the_whole_line_hears_it_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turnstile, "DECIDE_SECONDS", 0.05)
    work = Work()
    calls = work.come(*range(50))
    told = await asyncio.gather(*calls, return_exceptions=True)
    monkeypatch.setattr(turnstile, "DECIDE_SECONDS", 60.0)
    assert {(type(error), error.code) for error in told if isinstance(error, Unavailable)} == {
        (Unavailable, "gate.timeout")
    }
    assert len(told) == 50 and work.begun == [0, 1]
    (after,) = work.come(99)
    await turn()
    await work.end(99)
    assert await after == 99


async def test_an_unavailable_store_is_told_as_it_is() -> None:
    work = Work()
    (call,) = work.come(1)
    await turn()
    await work.end(1, Unavailable("the store does not answer", code="store.unavailable"))
    with pytest.raises(Unavailable) as told:
        await call
    assert told.value.code == "store.unavailable"


@pytest.mark.parametrize(("limit", "value"), [("LONGEST_LINE", 1), ("LINE_SECONDS", 0.01)])
async def test_a_line_that_is_too_long_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(turnstile, limit, value)
    work = Work()
    calls = work.come(1, 2, 3, 4)
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    (busy,) = [call.exception() for call in calls if call.done()][-1:]
    assert isinstance(busy, Busy) and busy.code == "gate.busy"
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert work.line._inside == 0
