"""The door in process: durable, governed no-op actions with everything on, beside raw commits of the same disk and the
least that a durable, decided action takes in Python."""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Self

import uvloop

from autonomy.catalog import Folder
from autonomy.gate import Request
from autonomy.kernel import interpreter
from autonomy.kernel.canonical import Json
from autonomy.policy import Bundle
from autonomy.tools import Invocation
from autonomy.wiring import Settings, System, open_system
from tests.postgres import start_postgres

from . import least
from .least import LeastDoor
from .measure import BLOCKS, Measured, RawCommits, Scale, lockstep, median, medians, one_by_one, open_loop, percentile
from .organisation import organisation

POLICIES = 1_000
AGENTS = 10_000
CALLERS = 64


def run(scale: Scale) -> Measured:
    """The metrics of the door, on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(Path(folder), scale))


async def _run(folder: Path, scale: Scale) -> Measured:
    declared = organisation(scale.of(AGENTS), scale.of(POLICIES, 50))
    on_sqlite = await Desk.open(folder / "sqlite", declared, "")
    found, beside = await _on_sqlite(on_sqlite, folder, scale)
    await on_sqlite.system.stop()
    with start_postgres(folder, durable=True) as url:
        on_postgresql = await Desk.open(folder / "postgresql", declared, f"{url}/postgres")
        found |= await _on_postgresql(on_postgresql, scale)
        await on_postgresql.system.stop()
    return Measured(found, {least.NAME: {**beside, **_compared(found, beside)}})


def _compared(ours: dict[str, float], least: dict[str, float]) -> dict[str, float]:
    """Our part of what the least door does, and how many times as long the slowest wait."""
    return {
        "our_c64_share": ours["c64_per_s"] / least["c64_per_s"],
        "our_c64_effects_share": ours["c64_effects_per_s"] / least["c64_effects_per_s"],
        "our_open_p99_times": ours["open_p99_ms"] / least["open_p99_ms"],
    }


async def _on_sqlite(desk: Desk, folder: Path, scale: Scale) -> tuple[dict[str, float], dict[str, float]]:
    """Our own figures, and those of the least door."""
    raw, bare = RawCommits(folder), desk.least(folder)
    await lockstep(desk.act, CALLERS, scale.of(500))
    await lockstep(bare.act, CALLERS, scale.of(500))
    blocks, beside = [], []
    for _ in range(BLOCKS):
        commits = {"raw_commit_p50_ms": median(raw.block(scale.of(200)))}
        blocks.append(await _block(desk, scale) | commits)
        beside.append(await _block(bare, scale))
    raw.close()
    bare.close()
    found, least_found = medians(blocks), medians(beside)
    for figures in (found, least_found):
        figures["c1_over_two_commits_ms"] = figures["c1_p50_ms"] - 2 * found["raw_commit_p50_ms"]
    return found, least_found


async def _block(door: Desk | LeastDoor, scale: Scale) -> dict[str, float]:
    """What a door does with one caller, with 64, with arrivals at random, and with effects that take their time."""
    single = await one_by_one(door.act, scale.of(200))
    many, cpu = await lockstep(door.act, CALLERS, scale.of(3_000))
    opened = await open_loop(door.act, 1_000, 1.5 * scale.factor)
    door.slow = True
    slowed, _ = await lockstep(door.act, CALLERS, scale.of(2_000))
    door.slow = False
    return {
        "c1_p50_ms": median(single),
        "c64_per_s": many,
        "c64_cpu_us": cpu,
        "c64_effects_per_s": slowed,
        "open_p50_ms": percentile(opened, 0.5),
        "open_p99_ms": percentile(opened, 0.99),
    }


async def _on_postgresql(desk: Desk, scale: Scale) -> dict[str, float]:
    await lockstep(desk.act, CALLERS, scale.of(500))
    blocks = [await lockstep(desk.act, CALLERS, scale.of(2_000)) for _ in range(BLOCKS)]
    return medians([{"pg_c64_per_s": rate, "pg_c64_cpu_us": cpu} for rate, cpu in blocks])


class Desk:
    """Callers at the door of one system: a hundred of its agents, or all where there are fewer."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.slow = False
        self._chance = random.Random(1)
        declared = system.catalog.organisation()
        agents, self._tools = sorted(declared.all("Agent")), sorted(declared.all("Tool"))
        self._agents = agents[:: max(1, len(agents) // 100)]
        self._keys = [self._key(name) for name in self._agents]

    @classmethod
    async def open(cls, folder: Path, declared: Folder, database: str) -> Self:
        """The desk of a new system on an empty database (SQLite in the folder where none is named), started."""
        settings = replace(Settings(), data=folder, database=database)
        desk = cls(await asyncio.to_thread(_prepare, settings, declared))
        await desk.system.start()
        interpreter.calm()  # as `serve` does
        return desk

    def least(self, folder: Path) -> LeastDoor:
        """The least door for the same agents, tools and rules."""
        return LeastDoor(folder, Bundle.build(self.system.catalog.organisation()), self._agents, self._tools)

    async def act(self) -> None:
        """An allowed action of any agent with any tool, to its end."""
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
