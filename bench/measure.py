"""Measuring: medians of interleaved blocks, raw commits beside them, and what machine it was."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import resource
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CACHE = Path(__file__).parent / ".cache"

BLOCKS = 5
"""How often everything is measured in turn; what is reported is the median over the blocks."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a bench found: its `metrics` by name, and what stood beside it. A peer that could not be run has a
    `note` that says why."""

    metrics: dict[str, float]
    peers: dict[str, dict[str, float | str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scale:
    """A factor on every size. Anything below 1 only shows that the bench runs; its figures mean nothing.

    `leaves` is the length of the log where a bench has one and somebody says it; in `cache` lies what takes long to
    make.
    """

    factor: float = 1.0
    leaves: int | None = None
    cache: Path = CACHE

    def of(self, size: int, least: int = 1) -> int:
        """`size` at this scale, never below `least`."""
        return max(least, round(size * self.factor))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def medians(blocks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """For every name the median over the blocks, each of which has the same names."""
    return {name: median([block[name] for block in blocks]) for name in blocks[0]}


def timed(call: Callable[[T], object], items: Iterable[T]) -> list[float]:
    """Milliseconds of `call` for each of the items, one after another."""
    return [_once(call, item) for item in items]


async def one_by_one(act: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Milliseconds of `count` calls by one caller."""
    return [await _awaited(act) for _ in range(count)]


async def lockstep(act: Callable[[], Awaitable[object]], callers: int, count: int) -> tuple[float, float]:
    """Calls per second with `callers` at once, and microseconds of CPU for each."""
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            await act()

    started, cpu = time.perf_counter(), cpu_seconds()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return count / (time.perf_counter() - started), (cpu_seconds() - cpu) / count * 1e6


async def open_loop(act: Callable[[], Awaitable[object]], rate: float, seconds: float) -> list[float]:
    """Milliseconds of calls that arrive at random, `rate` a second, whoever is still waiting: each from its arrival."""
    chance = random.Random(1)
    tasks, due, end = [], time.perf_counter(), time.perf_counter() + seconds
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_awaited(act, due)))
        due += chance.expovariate(rate)
    return await asyncio.gather(*tasks)


def cpu_seconds() -> float:
    """Seconds of CPU this process has used, in all its threads and in the kernel on its behalf."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class RawCommits:
    """What one durable commit of one small row costs on this disk: the floor under every figure."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE row (id INTEGER, text TEXT)",
        ):
            self._connection.execute(statement)

    def block(self, count: int) -> list[float]:
        """Milliseconds of `count` commits, one after another."""
        return timed(self._commit, range(count))

    def close(self) -> None:
        self._connection.close()

    def _commit(self, number: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO row VALUES (?, ?)", (number, "x" * 300))
        self._connection.execute("COMMIT")


def machine() -> dict[str, Any]:
    """What the figures are measured on, and how busy it is before they are."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "sqlite": sqlite3.sqlite_version,
        "load": round(os.getloadavg()[0], 2),
    }


async def _awaited(act: Callable[[], Awaitable[object]], since: float | None = None) -> float:
    started = time.perf_counter() if since is None else since
    await act()
    return (time.perf_counter() - started) * 1000


def _once(call: Callable[[T], object], item: T) -> float:
    started = time.perf_counter()
    call(item)
    return (time.perf_counter() - started) * 1000


def _processor() -> str:
    """The model where the system names it, else the architecture."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
