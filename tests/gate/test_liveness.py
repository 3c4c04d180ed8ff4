"""Who acts and who is dead: judged at the epoch of the intent, never from an outage that silenced everybody."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import update

from autonomy.gate.lifeline import _place
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


@pytest.mark.parametrize(
    ("place", "taken"),
    [
        ("{host}/{boot}/{namespace}", 1),
        ("{host}/another-boot/{namespace}", 0),
        ("{host}/{boot}/pid:[1]", 0),
        ("another-machine/{boot}/{namespace}", 0),
    ],
)
async def test_only_a_process_of_this_boot_and_this_pid_namespace_is_judged_by_our_process_table(
    tmp_path: Path, database_url: str, place: str, taken: int
) -> None:
    """A number that nobody has here says nothing of a process elsewhere, or of one before the machine was started."""
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        door = it.plant.behaves["press"] = Door(lambda arguments, invocation: {"ok": arguments})
        call = asyncio.create_task(it.ask("press", n=1))
        await it.plant.called("press")
        host, boot, namespace = other.system.lifeline._place.split("/")
        named = place.format(host=host, boot=boot, namespace=namespace)
        moved = update(process).where(process.c.id == it.system.lifeline.owner).values(host=named, pid=_nobody())
        await other.system.queue.perform(lambda tx: tx.execute(moved))
        found = await other.system.queue.perform(lambda tx: other.system.lifeline.take_over(tx, 10))
        assert len(found) == taken
        door.open()
        await asyncio.gather(call, return_exceptions=True)
        await it.settle()


def test_the_place_names_machine_boot_and_pid_namespace() -> None:
    host, boot, namespace = _place().split("/")
    assert host == socket.gethostname()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert namespace == os.readlink("/proc/self/ns/pid")


def _nobody() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen(["true"]) as ended:
        return ended.pid
