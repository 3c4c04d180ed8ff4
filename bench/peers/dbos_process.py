"""DBOS as a process that carries workflows of five steps through. Runs in a virtual environment of its own.

Reads JSON lines (`runs`, `together`) and answers each with `seconds` and the `steps` that were done. Workflows are
plain functions in threads: with coroutines it is slower.
"""

import json
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS
from sqlalchemy import create_engine, event

THREADS = 16  # with more of them they wait for each other longer than they work


@DBOS.step()
def step(number: int) -> int:
    return number + 1


@DBOS.workflow()
def five() -> int:
    number = 0
    for _ in range(5):
        number = step(number)
    return number


def engine_of(url: str) -> Any:
    """SQLite as ours is set: its write-ahead log, every commit on the disk."""
    if not url.startswith("sqlite"):
        return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=THREADS + 4)
    engine = create_engine(url, pool_size=THREADS + 4, connect_args={"timeout": 30, "isolation_level": "IMMEDIATE"})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def block(pool: ThreadPoolExecutor, runs: int) -> dict[str, float]:
    started = time.perf_counter()
    steps = sum(pool.map(lambda _: five(), range(runs)))
    return {"seconds": time.perf_counter() - started, "steps": steps}


def main(url: str) -> None:
    DBOS(config={"name": "bench", "system_database_engine": engine_of(url), "log_level": "CRITICAL"})
    DBOS.launch()
    with ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            print(json.dumps(block(pool, json.loads(line)["runs"])), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1])
