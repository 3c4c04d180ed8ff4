"""Programs beside a process of ours (`launch.py`) that ends them with everything they have started.

What is started, and what it is given, its callers say: `programs.py` for one call, `child.py` for a conversation.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .errors import Unreachable
from .launch import descendants

GONE_S = 1.0  # how long a program that was told to end is waited for, with all it has started
REPORT_BYTES = 64
MEGABYTE = 1_048_576

_LAUNCH = Path(__file__).with_name("launch.py")


class Report(NamedTuple):
    """What `launch.py` says of a program: `failed` with an errno, `ended` with an exit code, or which bound it has
    passed with all it started: `crowd` of processes, `memory` of bytes, `cpu` of seconds."""

    word: str
    number: int

    @property
    def excess(self) -> str | None:
        """What it was ended for, in words."""
        if self.word == "crowd":
            return f"it started more than {self.number} processes"
        if self.word == "memory":
            return f"it held more than {self.number // MEGABYTE} MB of memory with what it started"
        if self.word == "cpu":
            return f"it used more than {self.number} s of CPU time with what it started"
        return None


def command(
    program: Sequence[str], report: int, processes: int, limits: Mapping[str, int], path: str | None = None
) -> list[str]:
    """The command line that runs `program` under `limits` (names of `launch.py`) and writes to the descriptor `report`.
    It is looked for on `path`, or on our own.

    Raises Unreachable (`program.missing`) where there is no such program.
    """
    bounds = ",".join(f"{name}={value}" for name, value in limits.items())
    ours = [sys.executable, "-I", "-S", str(_LAUNCH), str(report), str(processes), bounds]
    return [*ours, _found(program[0], path), *program[1:]]


def cannot_start(why: str) -> Unreachable:
    """Nothing was started."""
    return Unreachable(f"the program cannot be started: {why}", code="program.missing")


def reported(heard: int) -> Report | None:
    """What has been written to the other end of the pipe `heard`; None where nothing is or will be."""
    word, _, number = os.read(heard, REPORT_BYTES).decode().partition("\n")[0].partition(" ")
    return Report(word, int(number)) if word else None


async def end(process: Process) -> None:
    """End the program with all it has started, and wait until it is gone."""
    tell_to_end(process)
    try:
        async with asyncio.timeout(GONE_S):
            await process.wait()
    except TimeoutError:
        # The process beside it is stopped, or cannot keep up: no more is asked of it.
        for each in (*descendants(process.pid), process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)


def tell_to_end(process: Process) -> None:
    """Have it killed with all it has started; nobody waits."""
    with suppress(ProcessLookupError):
        process.terminate()


def ask_to_end(process: Process) -> None:
    """Let it end by itself: the program gets SIGTERM."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGHUP)


def _found(program: str, path: str | None) -> str:
    """Where the program is. Raises Unreachable (`program.missing`)."""
    found = program if os.path.isabs(program) else shutil.which(program, path=path) if os.sep not in program else None
    if found is None or not os.access(found, os.X_OK) or not os.path.isfile(found):
        raise Unreachable(f"there is no program `{program[:80]}`", code="program.missing")
    return found
