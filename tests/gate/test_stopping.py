"""A process ends in order: what is under way ends, endings are written, the log is signed, then the store closes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from autonomy.audit import read_leaf
from autonomy.audit.store import checkpoint, leaves
from autonomy.db import Database
from autonomy.gate import lifeline
from autonomy.gate.store import action, process, record_state
from autonomy.kernel.errors import Unavailable
from tests.gate.works import Door, Plant, Works, works


def when(it: object, name: str) -> asyncio.Event:
    """Set as soon as the method `name` of `it` was called once more."""
    called, method = asyncio.Event(), it.__getattribute__(name)

    async def told(*given: object) -> object:
        called.set()
        return await method(*given)

    setattr(it, name, told)
    return called


async def test_what_is_under_way_ends_and_is_on_record_before_the_store_closes(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifeline, "BEAT_SECONDS", 0.01)
    plant = Plant()
    door = plant.behaves["press"] = Door(plant.do)
    async with works(tmp_path, database_url, plant, living=True) as it:
        call = asyncio.create_task(it.ask("press", n=1))
        await plant.called("press")
        approved = await ready(it)
        opened = asyncio.create_task(open_while_stopping(it, door))
    await opened
    assert (await call).status == "done", "who called hears how it ended"
    with pytest.raises(Unavailable) as refused:
        await it.system.queue.perform(lambda tx: None)
    assert refused.value.code == "store.closing"
    assert await asyncio.to_thread(left_behind, database_url) == {
        "told": ["intent", "outcome done"],
        "signed": True,
        "alive": 0,
        "held records": 0,
    }
    async with works(tmp_path, database_url, plant) as after:
        await after.system.taking_up.look()
        await after.system.taking_up.idle()
        assert (await after.result(approved)).status == "done", "what was not begun is there for the next process"
        assert plant.executions() == 2


async def ready(it: Works) -> str:
    """An action that people have asked to be done and nobody has begun, for this process no longer looks for any."""
    held = await it.ask("pay", payee="x", amount="500.00")
    for task in it.system._tasks:
        task.cancel()
    await asyncio.gather(*it.system._tasks, return_exceptions=True)
    shown = it.system.approvals.get(held.action).shown
    await asyncio.to_thread(it.system.approvals.decide, held.action, "bea", "approve", shown)
    return held.action


async def open_while_stopping(it: Works, door: Door) -> None:
    """Let the call end when everything else has: the process still says that it lives, so nobody takes it over."""
    await when(it.system.effects, "close").wait()
    for _ in range(3):
        await when(it.system.lifeline, "beat").wait()
    door.open()


def left_behind(url: str) -> dict[str, object]:
    database = Database.open(url)
    with database.reading() as connection:
        found = look(connection)
    database.close()
    return found


def look(connection: Connection) -> dict[str, object]:
    told = [read_leaf(body) for _, body in leaves(connection)]
    pressed = connection.execute(select(action.c.id).where(action.c.tool == "press")).scalar_one()
    story = [leaf for leaf in told if leaf.get("action") == pressed]
    newest = connection.execute(select(func.max(checkpoint.c.size))).scalar_one()
    held = select(func.count()).select_from(record_state).where(record_state.c.holder.is_not(None))
    return {
        "told": [f"{leaf['kind']} {leaf.get('status', '')}".strip() for leaf in story],
        "signed": newest == len(told),
        "alive": connection.execute(select(func.count()).select_from(process)).scalar_one(),
        "held records": connection.execute(held).scalar_one(),
    }
