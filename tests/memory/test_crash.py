"""Whatever kills the process: what was acknowledged is remembered, and nothing is remembered twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from autonomy.gate.store import action
from autonomy.memory import Author, Question, store
from autonomy.wiring import System
from tests.memory.driver import opened

ROOT = Path(__file__).parents[2]
SELLER = Author("seller", "")


class Killed:
    """A store, and the lives of a driver on it."""

    def __init__(self, folder: Path, database: str, seed: int = 1) -> None:
        self.folder, self.database, self.luck = folder, database, random.Random(seed)
        self.acknowledged: list[str] = []
        system = opened(folder, database)
        self.key = system.identity.issue_credential("seller", "api_key", "system").secret
        system.close()

    def live(self, lines: int | None, point: str = "", passes: int = 1) -> None:
        """One life: killed after so many lines, or at a named place."""
        command = [sys.executable, "-m", "tests.memory.driver", str(self.folder), self.database, self.key]
        process = subprocess.Popen([*command, point, str(passes)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        for line in process.stdout:
            self.acknowledged.append(line.rstrip("\n"))
            lines = None if lines is None else lines - 1
            if lines == 0:
                os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()

    async def judge(self) -> None:
        """Recover, and compare what is remembered with what was acknowledged and what the record says was done."""
        system = opened(self.folder, self.database)
        await system.start()
        try:
            await _recovered(system)
            with system.database.reading() as connection:
                written = Counter(connection.execute(select(store.item.c.source)).scalars())
                ended = {row.id: row.state for row in connection.execute(select(action.c.id, action.c.state))}
            assert set(written.values()) == {1}
            assert {each for each, state in ended.items() if state == "done"} == set(written)
            assert set(ended.values()) <= {"done", "failed"}
            for text in self.acknowledged:
                found = await system.own.memory.search(SELLER, Question(text.split()[1], limit=5))
                assert [each.content["text"] for each in found.items] == [text]
        finally:
            await system.stop()


async def _recovered(system: System) -> None:
    """Wait until everything begun has ended: the processes before are dead, which takes a moment to see."""
    begun = select(action.c.id).where(action.c.state == "intent").limit(1)
    async with asyncio.timeout(60):
        while await system.database.read(lambda connection: connection.execute(begun).first()):
            await system.taking_up.look()
            await system.taking_up.idle()
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_kills_at_random_moments_lose_no_item_and_double_none(tmp_path: Path, database_url: str) -> None:
    it = Killed(tmp_path, database_url)
    for _ in range(3):
        await asyncio.to_thread(it.live, it.luck.randrange(1, 40))
    await it.judge()
    assert len(it.acknowledged) >= 3


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", ["group.committed", "effect.done"])
async def test_a_kill_at_a_named_place_loses_no_item_and_doubles_none(tmp_path: Path, point: str) -> None:
    it = Killed(tmp_path, "")
    await asyncio.to_thread(it.live, None, point, 9)
    await it.judge()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_sixty_kills_lose_no_item_and_double_none(tmp_path: Path, database_url: str) -> None:
    it = Killed(tmp_path, database_url, 7)
    for _ in range(60):
        await asyncio.to_thread(it.live, it.luck.randrange(1, 60))
    await it.judge()
