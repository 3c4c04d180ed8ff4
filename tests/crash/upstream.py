"""Three systems of record in one: each execution is a line in a file that is only appended to, and synced.

`press` and `pay` honour the key; `post` does not, but can be asked; `shout` does neither. The file is all its memory,
so that it forgets nothing when the process it runs in is killed; processes share it by a lock.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation

KEYED = ("press", "pay")
ASKED = ("post",)
NEITHER = ("shout",)
LONGEST_MS = 4  # before and after an execution: the moments in which nobody can know


class Upstream:
    """Executes and remembers."""

    def __init__(self, journal: Path, luck: random.Random) -> None:
        self._journal = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._luck = luck
        self._read = 0
        self._executed: set[str] = set()
        self._threads = threading.Lock()

    async def __call__(self, function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        if function == "happened":
            with self._locked():
                return {"ok": True} if invocation.action_id in self._executed else None
        await self._linger()
        if function in (*KEYED, *ASKED, *NEITHER):
            await asyncio.to_thread(self._execute, function, invocation.action_id)
        await self._linger()
        return {"ok": True}

    async def _linger(self) -> None:
        await asyncio.sleep(self._luck.random() * LONGEST_MS / 1_000)

    def _execute(self, function: str, action: str) -> None:
        with self._locked():
            if function in KEYED and action in self._executed:
                return
            os.write(self._journal, json.dumps({"function": function, "action": action}).encode() + b"\n")
            os.fsync(self._journal)
            self._executed.add(action)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the file, everything in it known."""
        with self._threads, _flocked(self._journal):
            data = os.pread(self._journal, os.fstat(self._journal).st_size - self._read, self._read)
            self._read += len(data)
            self._executed |= {json.loads(line)["action"] for line in data.splitlines()}
            yield


@contextmanager
def _flocked(file: int) -> Iterator[None]:
    """Alone among processes; threads share the file's lock and need their own."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def executions(journal: Path) -> list[dict[str, str]]:
    """What was executed, in order."""
    return [json.loads(line) for line in journal.read_bytes().splitlines()] if journal.exists() else []
