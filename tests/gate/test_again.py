"""What is begun again for a dead process: under the same circumstances as a call, and by one process only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from autonomy.gate import recovery
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import MINUTE
from autonomy.tools import Invocation, Unsure
from tests.gate.test_permits import LASTING, dead_in_the_middle, let_go
from tests.gate.works import Behaviour, Works, fail, never, organisation, works


class OneRoom(asyncio.Semaphore):
    """Room for one call of a connector; tells when a second one wants it."""

    crowded: asyncio.Event

    def __init__(self, _places: int) -> None:
        super().__init__(1)
        self.wanted = 0

    async def acquire(self) -> Any:
        self.wanted += 1
        if self.wanted == 2:
            self.crowded.set()
        return await super().acquire()


async def test_what_waits_for_room_is_contained_like_what_is_out(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    OneRoom.crowded = asyncio.Event()
    monkeypatch.setattr(recovery.asyncio, "Semaphore", OneRoom)
    async with AsyncExitStack() as stack:
        files = organisation(tools=LASTING)
        it = await stack.enter_async_context(works(tmp_path, database_url, files=files))
        other = await stack.enter_async_context(works(tmp_path, database_url, it.plant))
        it.plant.behaves["press"] = never
        calls = [asyncio.create_task(it.ask("press", n=n)) for n in (1, 2)]
        await it.plant.called("press", 2)
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await it.plant.called("press", 3)
        await OneRoom.crowded.wait()
        await other.system.containing.contain("everything", "*", "person:ada", "odd")
        await other.settle()
        assert len(it.plant.calls) == 3, "the one that waited did not go out"
        assert [leaf["status"] for leaf in other.leaves("outcome")] == ["unknown", "unknown"]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


class Post:
    """What is posted comes there once it is let, whether who sent it lives or not. The plant books all that comes."""

    def __init__(self, it: Works, then: Behaviour) -> None:
        self._plant = it.plant
        self._then = then
        self._sent: list[str] = []
        self._asked = 0
        self.booked: list[str] = []
        it.plant.behaves = {"post": self._send}

    def arrive_after(self, asked: int) -> None:
        """From now on what was sent comes there once the plant has said so many times that it did not."""
        self._plant.behaves["happened"] = lambda _, invocation: self._happened(invocation.action_id, asked)

    def _send(self, arguments: Mapping[str, Json], invocation: Invocation) -> Any:
        self._sent.append(invocation.action_id)
        return self._then(arguments, invocation)

    def _happened(self, key: str, asked: int) -> Json:
        found = {"ok": True} if key in self.booked else None
        self._asked += 1
        if self._asked >= asked:
            self.booked += self._sent
            self._sent = []
        return found


async def test_who_dies_as_it_begins_again_is_not_followed_before_its_call_can_have_come(
    tmp_path: Path, database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        time = [1_800_000_000_000]
        it, other, [_, posted] = await dead_in_the_middle(stack, tmp_path, database_url, time)
        third = await stack.enter_async_context(works(tmp_path, database_url, it.plant, clock=lambda: time[0]))
        post = Post(it, never)
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        stack.callback(let_go, other)
        await it.plant.called("post", 2)
        time[0] += MINUTE - 100  # of the minute that the call may take
        await other.system.lifeline.leave()
        post.arrive_after(asked=1)
        await third.system.taking_up.look()
        await third.settle()
        assert third.story(posted)[-1] == "outcome done"
        assert post.booked == [posted]
        assert sum(name == "post" for name, _ in it.plant.calls) == 2, "the third process asked, and sent nothing"


async def test_a_call_begun_again_has_its_whole_time_before_a_no_counts(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        it, other, [_, posted] = await dead_in_the_middle(stack, tmp_path, database_url)
        post = Post(it, fail(Unsure("the connection broke")))
        post.arrive_after(asked=4)  # once before it is sent, and as often as a call is asked about at least
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await other.settle()
        assert other.story(posted)[-1] == "outcome done"
        assert post.booked == [posted]
