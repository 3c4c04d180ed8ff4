"""Who acts and who is dead: judged at the epoch of the intent, never from an outage that silenced everybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from autonomy.gate.store import process
from autonomy.kernel.errors import Unauthenticated
from tests.gate.works import Door, works


async def test_an_agent_suspended_while_its_key_is_looked_up_does_not_act(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        assert (await it.ask("press", n=1)).status == "done"

        async def suspended_meanwhile(*_: object) -> None:
            await asyncio.to_thread(it.system.identity.suspend, "w1", "person:ada", "odd")
            await it.system.watch.refresh()

        it.system.results.repeated = suspended_meanwhile
        with pytest.raises(Unauthenticated):
            await it.ask("press", n=2, key="k")
        assert it.plant.executions() == 1


@pytest.mark.parametrize(("could_beat", "taken"), [(False, 0), (True, 1)])
async def test_silence_counts_only_for_who_could_beat_all_the_time(
    tmp_path: Path, database_url: str, could_beat: bool, taken: int
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        door = it.plant.behaves["press"] = Door(lambda arguments, invocation: {"ok": arguments})
        call = asyncio.create_task(it.ask("press", n=1))
        await it.plant.called("press")
        await _silence(other, it.system.lifeline.owner)
        other.system.lifeline._unbroken_since = float("-inf") if could_beat else float("inf")
        found = await other.system.queue.perform(lambda tx: other.system.lifeline.take_over(tx, 10))
        assert len(found) == taken
        door.open()
        await asyncio.gather(call, return_exceptions=True)
        await it.settle()


async def _silence(other: object, owner: str) -> None:
    """The last beat of `owner` was long ago, and it is not known to run on this machine."""
    silent = update(process).where(process.c.id == owner).values(beat=0, host="elsewhere")
    await other.system.queue.perform(lambda tx: tx.execute(silent))  # type: ignore[attr-defined]
