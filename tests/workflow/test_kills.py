"""Two workers on one store, killed again and again, at any time and between intent and outcome."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from pathlib import Path

import pytest

from autonomy.workflow.model import ENDED
from tests.workflow.office import Office, office
from tests.workflow.test_crashes import assert_whole, worker
from tests.workflow.test_engine import Engines, engines_of
from tests.workflow.worker import STEPS

POINTS = ("run.durable", "intent.durable", "effect.done", "outcome.durable", "group.written")
RUNS = 4  # that each process begins
TAKEOVER_SECONDS = 15.0
PATIENCE = 300  # seconds that the last of them may need on a busy machine


class Storm:
    """Two workers, of which one after another is killed and replaced."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._chance = random.Random(4)
        self._said: list[str] = []

    def run(self, kills: int) -> list[str]:
        """The runs that were acknowledged. The last worker ends by itself: when all runs have ended."""
        living = [self._start(), self._start()]
        killed = 0
        while killed < kills:
            one = living.pop(0)
            killed += self._end(one)
            living.append(self._start())
        for one in living:
            said, _ = one.communicate(timeout=PATIENCE)
            assert one.returncode in (0, -9)
            self._said += said.split()
        last = self._worker(0)
        last.communicate(timeout=PATIENCE)
        assert last.returncode == 0
        return self._said

    def _start(self) -> subprocess.Popen[str]:
        return self._worker(RUNS, f"{self._chance.choice(POINTS)}:{self._chance.randint(1, 12)}")

    def _worker(self, runs: int, point: str = "") -> subprocess.Popen[str]:
        return worker(self._engines.folder, self._engines.url, runs, point, self._engines.kind.split()[0])

    def _end(self, one: subprocess.Popen[str]) -> int:
        """Whether it was killed: where it waits, or a while after its first run is durable, however long it took to
        come so far; it may have ended by itself before."""
        assert one.stdout is not None
        first = one.stdout.readline()
        try:
            said, _ = one.communicate(timeout=self._chance.uniform(0.0, 2.0))
        except subprocess.TimeoutExpired:
            one.kill()
            said, _ = one.communicate()
        self._said += [*first.split(), *said.split()]
        return one.returncode == -9


async def test_of_workers_killed_at_random_nothing_is_lost_skipped_or_doubled(engines: Engines, kills: int) -> None:
    kind = engines.kind.split()[0]
    async with office(engines.folder, engines.url, living=False, engine=kind, runs="elsewhere", three=STEPS) as it:
        acknowledged = await asyncio.to_thread(Storm(engines).run, kills)
        assert acknowledged
        await assert_whole(it, engines.folder, acknowledged)


async def test_a_living_worker_takes_over_within_fifteen_seconds(engines: Engines) -> None:
    plant = engines.folder / "plant"
    plant.mkdir()
    (plant / "shut").touch()
    kind = engines.kind.split()[0]
    async with office(engines.folder, engines.url, living=False, engine=kind, runs="elsewhere", three=STEPS) as it:
        one = worker(engines.folder, engines.url, 1, engine=kind)
        assert one.stdout is not None
        run = (await asyncio.to_thread(one.stdout.readline)).strip()

        async def asked() -> bool:
            return (plant / "asked").exists()

        await it.eventually(asked)
        other = worker(engines.folder, engines.url, 1, engine=kind)
        assert other.stdout is not None
        await asyncio.to_thread(other.stdout.readline)  # it lives
        one.kill()
        killed = time.monotonic()
        (plant / "shut").unlink()
        await it.eventually(lambda: has_ended(it, run))
        assert time.monotonic() - killed <= TAKEOVER_SECONDS
        one.communicate()
        await asyncio.to_thread(other.communicate, timeout=60)
        await assert_whole(it, engines.folder, [run])


async def has_ended(it: Office, run: str) -> bool:
    return (await it.flows.desk.look(run)).state.status in ENDED


@pytest.fixture(params=[2, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])])
def kills(request: pytest.FixtureRequest) -> int:
    """How often a worker is killed."""
    count: int = request.param
    return count


@pytest.fixture(params=["embedded on sqlite", "dbos on postgresql"])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(request.param, tmp_path, request)
