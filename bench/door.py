"""The door in process: durable, governed no-op actions with everything on, beside raw commits of the same disk."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

import uvloop

from autonomy.catalog import Folder
from autonomy.gate import Request
from autonomy.kernel import interpreter
from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation
from autonomy.wiring import Settings, System, open_system
from tests.postgres import start_postgres

from .measure import BLOCKS, Measured, RawCommits, Scale, cpu_seconds, median, medians, percentile
from .organisation import organisation

POLICIES = 1_000
AGENTS = 10_000
CALLERS = 64


def run(scale: Scale) -> Measured:
    """The metrics of the door, on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return Measured(runner.run(_run(Path(folder), scale)))


async def _run(folder: Path, scale: Scale) -> dict[str, float]:
    declared = organisation(scale.of(AGENTS), scale.of(POLICIES, 50))
    on_sqlite = await Desk.open(folder / "sqlite", declared, "")
    found = await _on_sqlite(on_sqlite, RawCommits(folder), scale)
    await on_sqlite.system.stop()
    with start_postgres(folder, durable=True) as url:
        on_postgresql = await Desk.open(folder / "postgresql", declared, f"{url}/postgres")
        found |= await _on_postgresql(on_postgresql, scale)
        await on_postgresql.system.stop()
    return found


async def _on_sqlite(desk: Desk, raw: RawCommits, scale: Scale) -> dict[str, float]:
    await desk.lockstep(CALLERS, scale.of(500))
    blocks = [await _block(desk, raw, scale) for _ in range(BLOCKS)]
    raw.close()
    found = medians(blocks)
    return found | {"c1_over_two_commits_ms": found["c1_p50_ms"] - 2 * found["raw_commit_p50_ms"]}


async def _block(desk: Desk, raw: RawCommits, scale: Scale) -> dict[str, float]:
    commits, single = raw.block(scale.of(200)), await desk.one_by_one(scale.of(200))
    many, cpu = await desk.lockstep(CALLERS, scale.of(3_000))
    opened = await desk.open_loop(1_000, 1.5 * scale.factor)
    desk.slow = True
    slowed, _ = await desk.lockstep(CALLERS, scale.of(2_000))
    desk.slow = False
    return {
        "c1_p50_ms": median(single),
        "raw_commit_p50_ms": median(commits),
        "c64_per_s": many,
        "c64_cpu_us": cpu,
        "c64_effects_per_s": slowed,
        "open_p50_ms": percentile(opened, 0.5),
        "open_p99_ms": percentile(opened, 0.99),
    }


async def _on_postgresql(desk: Desk, scale: Scale) -> dict[str, float]:
    await desk.lockstep(CALLERS, scale.of(500))
    blocks = [await desk.lockstep(CALLERS, scale.of(2_000)) for _ in range(BLOCKS)]
    return medians([{"pg_c64_per_s": rate, "pg_c64_cpu_us": cpu} for rate, cpu in blocks])


class Desk:
    """Callers at the door of one system: a hundred of its agents, or all where there are fewer."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.slow = False
        self._chance = random.Random(1)
        declared = system.catalog.organisation()
        agents, self._tools = sorted(declared.all("Agent")), sorted(declared.all("Tool"))
        self._keys = [self._key(name) for name in agents[:: max(1, len(agents) // 100)]]

    @classmethod
    async def open(cls, folder: Path, declared: Folder, database: str) -> Self:
        """The desk of a new system on an empty database (SQLite in the folder where none is named), started."""
        settings = replace(Settings(), data=folder, database=database)
        desk = cls(await asyncio.to_thread(_prepare, settings, declared))
        await desk.system.start()
        interpreter.calm()  # as `serve` does
        return desk

    async def one_by_one(self, count: int) -> list[float]:
        """Milliseconds of `count` actions by one caller."""
        return [await self._timed() for _ in range(count)]

    async def lockstep(self, callers: int, count: int) -> tuple[float, float]:
        """Actions per second with `callers` at once, and microseconds of CPU for each."""
        left = iter(range(count))

        async def caller() -> None:
            for _ in left:
                await self._act()

        started, cpu = time.perf_counter(), cpu_seconds()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return count / (time.perf_counter() - started), (cpu_seconds() - cpu) / count * 1e6

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
        tool = self._chance.choice(self._tools)
        arguments: dict[str, Json] = {"amount": self._chance.randrange(1, 9_000), "item": "bolt", "quantity": 3}
        if self.slow:
            arguments["item"] = "slow"
        reply = await self.system.gate.perform(self._chance.choice(self._keys), Request(tool, arguments))
        if reply.status != "done":
            raise AssertionError(f"the bench measures allowed actions only: {reply}")

    def _key(self, agent: str) -> str:
        return self.system.identity.issue_credential(agent, "api_key", "system").secret


async def noop(_function: str, arguments: dict[str, Json], _invocation: Invocation) -> Json:
    """A connector that does nothing, after up to 20 ms where it is asked to be slow."""
    if arguments["item"] == "slow":
        await asyncio.sleep(random.uniform(0, 0.02))
    return {"ok": True}


def _prepare(settings: Settings, declared: Folder) -> System:
    system = open_system(settings, functions={"noop": noop})
    system.catalog.apply(declared, by="person:bench")
    return system
