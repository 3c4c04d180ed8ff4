"""What a read came to is answered before it is written; nobody who asks about it can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autonomy.db import queue
from autonomy.kernel.errors import Conflict, Unavailable
from tests.gate.works import Works, works

LATE = 0.1
"""Seconds for which what nobody waits for is kept: much longer than anything that is asked here takes."""


async def test_whoever_asks_for_the_result_of_a_read_hears_it_at_once(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TRAIL_SECONDS", LATE)
    async with works(tmp_path, database_url) as it:
        read = await it.ask("look", n=1)
        assert it.story(read.action) == ["intent"], "it is not written yet"
        assert (await it.result(read.action)).status == "done"
        assert it.story(read.action) == ["intent", "outcome done"]


async def test_a_read_that_is_asked_for_again_under_its_key_hears_what_it_came_to(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TRAIL_SECONDS", LATE)
    async with works(tmp_path, database_url) as it:
        read = await it.ask("look", key="k1", n=1)
        again = await it.ask("look", key="k1", n=1)
        assert (again.action, again.status, again.result) == (read.action, "done", read.result)


async def test_a_repeat_hears_it_though_it_is_written_while_the_repeat_is_looked_up(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TRAIL_SECONDS", LATE)
    async with works(tmp_path, database_url) as it:
        read = await it.ask("look", key="k1", n=1)
        database = it.system.database
        looked_up = database.read

        async def slowly(work: Any) -> Any:
            found = await looked_up(work)
            monkeypatch.setattr(database, "read", looked_up)
            await written(it)
            return found

        monkeypatch.setattr(database, "read", slowly)
        again = await it.ask("look", key="k1", n=1)
        assert (again.action, again.status) == (read.action, "done")


async def test_a_repeat_of_what_the_store_does_not_take_is_in_flight(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with works(tmp_path, database_url) as it:
        trail = it.system.queue.trail
        monkeypatch.setattr(it.system.queue, "trail", gone)
        await it.ask("look", key="k1", n=1)
        with pytest.raises(Conflict) as refused:
            await it.ask("look", key="k1", n=1)
        assert refused.value.code == "key.in_flight"
        monkeypatch.setattr(it.system.queue, "trail", trail)
        await written(it)


async def test_an_intent_in_the_group_of_the_ending_it_repeats_hears_that_it_was_done(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TRAIL_SECONDS", 3600.0)
    async with works(tmp_path, database_url) as it:
        read = await it.ask("look", key="k1", n=1)
        monkeypatch.setattr(it.system.gate._results, "repeated", nobody_has_looked)
        again = await it.ask("look", key="k1", n=1)
        assert (again.action, again.status, again.result) == (read.action, "done", read.result)


async def nobody_has_looked(*_: object) -> None: ...


async def test_a_read_that_was_answered_is_not_under_way_for_a_containment(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TRAIL_SECONDS", 3600.0)
    async with works(tmp_path, database_url) as it:
        await it.ask("look", n=1)
        stopped = await it.system.containing.contain("everything", "*", "person:ada", "odd")
        assert (stopped.in_flight, stopped.confirmed) == ((), ())
        await it.settle()


async def test_where_the_store_does_not_take_it_the_result_is_still_open(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with works(tmp_path, database_url) as it:
        trail = it.system.queue.trail
        monkeypatch.setattr(it.system.queue, "trail", gone)
        read = await it.ask("look", n=1)
        assert (await it.result(read.action)).status == "running"
        monkeypatch.setattr(it.system.queue, "trail", trail)
        await written(it)
        assert (await it.result(read.action)).status == "done"


def gone(*_: object) -> None:
    raise Unavailable("the store is away", code="store.unavailable")


async def written(it: Works) -> None:
    await it.system.effects.idle()
