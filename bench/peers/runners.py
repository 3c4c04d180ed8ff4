"""Other engines that carry five steps through, each in a process and a virtual environment of its own.

They are set up in their own favour: SQLite in WAL mode with `synchronous=FULL` as ours (DBOS's own way is slower),
pools as large as helps, and steps that do nothing at all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .environment import python_with


class Kind(NamedTuple):
    """A peer: what it is called, its packages (the first gives the version), its process."""

    name: str
    short: str
    packages: tuple[tuple[str, str], ...]

    @property
    def process(self) -> Path:
        return Path(__file__).with_name(f"{self.short}_process.py")


KINDS = (
    Kind(
        "LangGraph 1.2.22, durability sync",
        "langgraph",
        (
            ("langgraph", "1.2.22"),
            ("langgraph-checkpoint-sqlite", ""),
            ("langgraph-checkpoint-postgres", ""),
            ("psycopg[binary,pool]", ""),
        ),
    ),
    Kind("DBOS 3.4.0, a step for each", "dbos", (("dbos", "3.4.0"), ("psycopg[binary]", ""))),
)


class Runner:
    """A running peer."""

    def __init__(self, kind: Kind, url: str) -> None:
        self.name = kind.name
        (name, version), *more = kind.packages
        python = python_with(name, version, *(f"{other}=={fixed}" if fixed else other for other, fixed in more))
        command = [str(python), "-W", "ignore", str(kind.process), url]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def block(self, runs: int, together: int) -> float:
        """Runs a second, so many at once. Raises AssertionError where one did not do its five steps."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"runs": runs, "together": together}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["steps"] != 5 * runs:
            raise AssertionError(f"{self.name} did {answer['steps']} steps of {5 * runs}")
        return float(runs / answer["seconds"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def running(kind: Kind, url: str) -> Iterator[Runner]:
    """The peer on the store at `url`. Raises NotInstallable."""
    runner = Runner(kind, url)
    try:
        runner.block(4, 4)
        yield runner
    finally:
        runner.close()
