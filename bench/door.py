"""The door in process: durable, governed no-op actions with everything on, beside raw commits of the same disk."""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from autonomy.gate import Request
from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation
from autonomy.wiring import Settings, System, open_system

from .measure import RawCommits, median, percentile
from .organisation import organisation

POLICIES = 1_000
AGENTS = 10_000
CALLERS = 64
BLOCKS = 5


def run(policies: int = POLICIES, agents: int = AGENTS) -> dict[str, Any]:
    """The metrics of the door, on SQLite and, where there is one, on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(Path(folder), policies, agents))


async def _run(folder: Path, policies: int, agents: int) -> dict[str, Any]:
    desk = Desk(await asyncio.to_thread(_prepare, folder, policies, agents))
    await desk.system.start()
    gc.collect()
    gc.freeze()
    raw = RawCommits(folder)
    await desk.lockstep(CALLERS, 500)
    single, commits, many, effects, opened = [], [], [], [], []
    for _ in range(BLOCKS):
        commits.append(median(raw.block(200)))
        single.append(median(await desk.one_by_one(200)))
        many.append(await desk.lockstep(CALLERS, 3_000))
        opened.append(await desk.open_loop(1_000, 1.5))
        desk.slow = True
        effects.append(await desk.lockstep(CALLERS, 2_000))
        desk.slow = False
    await desk.system.stop()
    return {
        "c1_p50_ms": median(single),
        "raw_commit_p50_ms": median(commits),
        "c1_over_two_commits_ms": median(single) - 2 * median(commits),
        "c64_per_s": median([rate for rate, _ in many]),
        "c64_cpu_us": median([cpu for _, cpu in many]),
        "c64_effects_per_s": median([rate for rate, _ in effects]),
        "open_p50_ms": median([percentile(block, 0.5) for block in opened]),
        "open_p99_ms": median([percentile(block, 0.99) for block in opened]),
    }


class Desk:
    """Callers at the door of one system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.slow = False
        self._chance = random.Random(1)
        self._keys = [self._key(number) for number in range(0, AGENTS, AGENTS // 100)]

    async def one_by_one(self, count: int) -> list[float]:
        """Milliseconds of `count` actions by one caller."""
        return [await self._timed() for _ in range(count)]

    async def lockstep(self, callers: int, count: int) -> tuple[float, float]:
        """Actions per second with `callers` at once, and microseconds of CPU for each."""
        left = iter(range(count))

        async def caller() -> None:
            for _ in left:
                await self._act()

        started, cpu = time.perf_counter(), _cpu()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return count / (time.perf_counter() - started), (_cpu() - cpu) / count * 1e6

    async def open_loop(self, rate: float, seconds: float) -> list[float]:
        """Milliseconds of actions that arrive at random, `rate` a second, whoever is still waiting."""
        tasks, due, end = [], time.perf_counter(), time.perf_counter() + seconds
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._timed(due)))
            due += self._chance.expovariate(rate)
        return await asyncio.gather(*tasks)

    async def _timed(self, since: float | None = None) -> float:
        started = time.perf_counter() if since is None else since
        await self._act()
        return (time.perf_counter() - started) * 1000

    async def _act(self) -> None:
        tool = f"work.t{self._chance.randrange(190)}"
        arguments: dict[str, Json] = {"amount": self._chance.randrange(1, 9_000), "item": "bolt", "quantity": 3}
        if self.slow:
            arguments["item"] = "slow"
        reply = await self.system.gate.perform(self._chance.choice(self._keys), Request(tool, arguments))
        if reply.status != "done":
            raise AssertionError(f"the bench measures allowed actions only: {reply}")

    def _key(self, number: int) -> str:
        return self.system.identity.issue_credential(f"agent-{number}", "api_key", "system").secret


async def noop(_function: str, arguments: dict[str, Json], _invocation: Invocation) -> Json:
    """A connector that does nothing, after up to 20 ms where it is asked to be slow."""
    if arguments["item"] == "slow":
        await asyncio.sleep(random.uniform(0, 0.02))
    return {"ok": True}


def _prepare(folder: Path, policies: int, agents: int) -> System:
    system = open_system(replace(Settings(), data=folder / "data"), functions={"noop": noop})
    system.catalog.apply(organisation(agents, policies), by="person:bench")
    return system


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
