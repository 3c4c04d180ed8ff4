"""Two workers on one store, killed again and again, at any time and between intent and outcome."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from autonomy.workflow.model import ENDED
from tests.workflow.office import Office, office
from tests.workflow.test_crashes import assert_whole, effects, intended, worker
from tests.workflow.test_engine import Engines, engines_of
from tests.workflow.worker import EVERYTHING, KEY, STEPS

POINTS = ("run.durable", "intent.durable", "effect.done", "outcome.durable", "group.written")
RUNS = 4  # that each process begins
STORM = 10  # kills of workers whose runs are made of everything
TAKEOVER_SECONDS = 15.0
PATIENCE = 300  # seconds that the last of them may need on a busy machine


class Storm:
    """Two workers, of which one after another is killed and replaced."""

    def __init__(self, engines: Engines, workflow: str = "three") -> None:
        self._engines = engines
        self._workflow = workflow
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
        engine = self._engines.kind.split()[0]
        return worker(self._engines.folder, self._engines.url, runs, point, engine, self._workflow)

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


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_whatever_a_run_is_made_of_it_comes_to_its_end_once_in_the_storm(engines: Engines) -> None:
    kind = engines.kind.split()[0]
    async with office(engines.folder, engines.url, living=False, engine=kind, runs="elsewhere", **EVERYTHING) as it:
        (engines.folder / KEY).write_text(it.works.house.key("w1"))
        acknowledged = await asyncio.to_thread(Storm(engines, "everything").run, STORM)
        assert acknowledged
        await assert_everything(it, engines.folder, acknowledged)


async def assert_everything(it: Office, folder: Path, acknowledged: list[str]) -> None:
    """Every run, each inside another and each that it let go came to its end once; every action was intended once and
    done, every task done once, no event lost."""
    runs = await it.flows.runs.runs(count=1_000)
    outer = {run.id for run in runs if run.workflow == "everything"}
    assert set(acknowledged) <= outer
    ends = {"everything": "done", "kid": "done", "regretted": "compensated"}
    assert Counter((run.workflow, run.status) for run in runs) == {one: len(outer) for one in ends.items()}
    told = it.all_told()
    assert "unheard" not in told.get("", []), "each event found the run that waited for it"
    assert all(told[run.id] == ["started", f"ended {ends[run.workflow]}"] for run in runs if run.id not in outer)
    asked = effects(folder)
    intents = Counter((leaf["run"], leaf["step"]) for leaf in intended(it, asked))
    steps = {"everything": ("each[0]/press", "each[1]/press", "last"), "kid": ("press",), "regretted": ("press",)}
    wanted = Counter((run.id, step) for run in runs for step in steps[run.workflow])
    wanted.update((run.id, "press") for run in runs if run.workflow == "regretted")  # and what undoes it
    assert intents == wanted
    assert len(asked) == wanted.total()
    tasks = await it.flows.workplace.inbox.tasks(count=1_000)
    assert Counter((task.run in outer, task.state) for task in tasks) == {(True, "done"): len(outer)}


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
