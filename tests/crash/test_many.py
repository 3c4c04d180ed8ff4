"""A process dies with thousands of actions begun: another one has found out about all of them within seconds."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from autonomy.gate import Reply, Request
from autonomy.gate.errand import Errand
from autonomy.gate.store import action
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Unavailable
from autonomy.tools import Invocation
from autonomy.wiring import Settings, System, open_system
from tests.crash.test_crashes import FORK, Handed
from tests.gate.works import organisation
from tests.house import declare

TOOLS = ("look", "press", "post", "shout")
WITHIN_SECONDS = 5.0
WAVE = 64  # calls that are decided at once


class Memory:
    """A system of record that does not answer before its caller is killed, and afterwards knows every second post."""

    def __init__(self, posted: frozenset[str] = frozenset()) -> None:
        self.posted = posted
        self.effects: Counter[str] = Counter()

    async def __call__(self, function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        if function == "happened":
            return {"ok": True} if invocation.action_id in self.posted else None
        self.effects[invocation.action_id] += 1
        return {"ok": True}


def opened(folder: Path, database: str, plant: Memory) -> System:
    system = open_system(Settings(data=folder, database=database), functions={"plant": plant})
    if system.catalog.organisation().epoch == 0:
        declare(system, organisation())
    return system


async def _begin(folder: Path, database: str, count: int, pipe: int) -> None:
    """Begin so many actions, say so, and wait to be killed."""
    system = await asyncio.to_thread(opened, folder, database, Memory())
    key = await asyncio.to_thread(lambda: system.identity.issue_credential("w1", "api_key", "system").secret)
    await system.start()
    numbers, hanging = iter(range(count)), asyncio.Queue[str]()

    async def hang(errand: Errand) -> Reply:
        hanging.put_nowait(errand.action)
        await asyncio.Event().wait()
        raise AssertionError("it never goes on")

    async def call(number: int) -> None:
        """Until it hangs: a busy machine may need longer to decide than the gate gives itself."""
        while True:
            with suppress(Unavailable):
                await system.gate.perform(key, Request(TOOLS[number % len(TOOLS)], {"n": number}))

    system.effects.carry_out = hang  # type: ignore[method-assign]
    calls = [asyncio.create_task(call(number)) for number in islice(numbers, WAVE)]
    for _ in range(count):
        await hanging.get()
        calls += [asyncio.create_task(call(number)) for number in islice(numbers, 1)]
    os.write(pipe, b"begun")
    await asyncio.gather(*calls)


def kill(folder: Path, database: str, count: int) -> None:
    """A process begins `count` actions and is killed."""
    ours, theirs = os.pipe()
    process = FORK.Process(target=_child, args=(folder, database, count, Handed(theirs)))
    process.start()
    os.close(theirs)
    assert os.read(ours, 5) == b"begun"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    os.close(ours)


def _child(folder: Path, database: str, count: int, pipe: int) -> None:
    asyncio.run(_begin(folder, database, count, pipe))


@dataclass(frozen=True)
class Recovered:
    """How everything ended, what was done meanwhile, and how long it took, without the time in which other programs had
    the processor that the event loop was waiting for."""

    states: Counter[str]
    effects: Counter[str]
    seconds: float


async def recover(folder: Path, database: str) -> Recovered:
    """Another process starts and finds out about everything."""
    system = await asyncio.to_thread(opened, folder, database, plant := Memory())
    plant.posted = await system.database.read(every_second_post)
    begun = time.monotonic() - stood_in_line()
    await system.start()
    while await system.database.read(how_many_open):
        await system.taking_up.look()
        await system.taking_up.idle()
        await system.queue.perform(lambda tx: None)  # the endings of reads, for which nobody waits
    seconds = time.monotonic() - stood_in_line() - begun
    states = await system.database.read(endings)
    await system.stop()
    return Recovered(states, plant.effects, seconds)


def stood_in_line() -> float:
    """Seconds in which this thread could have run and another program did (Documentation/scheduler/sched-stats.rst)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def every_second_post(connection: Connection) -> frozenset[str]:
    posts = connection.execute(select(action.c.id).where(action.c.tool == "post").order_by(action.c.id)).scalars().all()
    return frozenset(posts[::2])


def how_many_open(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).where(action.c.state == "intent")).scalar_one())


def endings(connection: Connection) -> Counter[str]:
    found = connection.execute(select(action.c.state, func.count()).group_by(action.c.state))
    return Counter({state: count for state, count in found})


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_what_a_killed_process_had_begun_has_ended_within_seconds(
    tmp_path: Path, database_url: str, count: int
) -> None:
    kill(tmp_path, database_url, count)
    found = asyncio.run(recover(tmp_path, database_url))
    each = count // len(TOOLS)
    happened = each - each // 2
    assert found.states == {"done": each + happened, "failed": 2 * each - happened, "unknown": each}
    assert set(found.effects.values()) == {1} and len(found.effects) == each
    assert found.seconds < WITHIN_SECONDS
