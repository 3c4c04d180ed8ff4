"""Measuring: medians of interleaved blocks, raw commits beside them, and what machine it was."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


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
        return [self._once(number) for number in range(count)]

    def _once(self, number: int) -> float:
        started = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO row VALUES (?, ?)", (number, "x" * 300))
        self._connection.execute("COMMIT")
        return (time.perf_counter() - started) * 1000


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
    }
