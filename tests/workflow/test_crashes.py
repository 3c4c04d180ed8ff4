"""Processes are killed and frozen while they carry runs out: no run is lost, no step skipped, no effect doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.workflow.store import command
from autonomy.workflow.units import Fence, Stay
from tests.workflow.office import Office, office
from tests.workflow.test_engine import Engines, engines_of
from tests.workflow.worker import LOOK_AND_POST, STEPS

RUNS = 8
STARTED: list[subprocess.Popen[str]] = []


def worker(
    folder: Path,
    database: str,
    count: int = 0,
    point: str = "",
    engine: str = "embedded",
    workflow: str = "three",
) -> subprocess.Popen[str]:
    """Another process on the same store."""
    command = [sys.executable, "-m", "tests.workflow.worker", str(folder), database, str(count), workflow]
    environment = os.environ | {"WORKER_FAILPOINT": point, "WORKER_ENGINE": engine}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    STARTED.append(process)
    return process


def effects(folder: Path) -> Counter[str]:
    """Which actions were done, by how many processes."""
    return Counter(path.name.rpartition(".")[0] for path in (folder / "plant").iterdir() if "." in path.name)


SHORT = {
    "sqlite": ("run.durable:12", "outcome.durable:7", "group.written:6"),
    "postgresql": ("run.durable:3", "intent.durable:5", "effect.done:4"),
}
PLACES = [
    pytest.param(database, point, marks=[] if point in SHORT[database] else [pytest.mark.slow])
    for database in SHORT
    for point in (*SHORT["sqlite"], *SHORT["postgresql"])
]
"""Where a process dies. The short run takes half of them on the one database, the others on the other."""


async def assert_whole(it: Office, folder: Path, acknowledged: list[str]) -> None:
    """Every run that was acknowledged has ended as done, once, with each of its steps done once."""
    runs = {run.id: run for run in await it.flows.runs.runs(count=1_000)}
    assert set(acknowledged) <= set(runs)
    assert {run.status for run in runs.values()} == {"done"}
    for run in runs:
        assert it.told(run) == ["started", "ended done"]
    asked = effects(folder)
    stories = Counter(leaf["run"] for leaf in intended(it, asked))
    assert stories == dict.fromkeys(runs, 3), "one intent for each step of each run, whoever carried it out"
    assert len(asked) == 3 * len(runs)
    taken_over = {leaf["action"] for leaf in it.works.leaves("outcome") if leaf.get("via")}
    again = {action for action, times in asked.items() if times > 1}
    assert again <= taken_over, "asked for twice, under the same key, is only what another process took over"


def intended(it: Office, asked: Counter[str]) -> list[dict[str, Any]]:
    """The intents that stood. A worker that ends in order may let one go before anything was asked for, and says so."""
    let_go = {leaf["action"] for leaf in it.works.leaves("outcome") if leaf.get("code") == "action.abandoned"}
    assert not let_go & set(asked), "what was let go was never asked for"
    return [leaf for leaf in it.works.leaves("intent") if leaf["action"] not in let_go]


@pytest.mark.parametrize(("database_url", "point"), PLACES, indirect=["database_url"])
async def test_a_process_killed_between_intent_and_outcome_loses_no_run_and_doubles_nothing(
    tmp_path: Path, database_url: str, point: str
) -> None:
    async with office(tmp_path, database_url, living=False, three=STEPS) as it:
        killed = worker(tmp_path, database_url, RUNS, point)
        said, _ = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        other = worker(tmp_path, database_url)
        other.communicate(timeout=60)
        assert other.returncode == 0
        await assert_whole(it, tmp_path, said.split())


async def test_what_a_dead_process_had_not_done_is_begun_again_without_asking_anybody(
    tmp_path: Path, database_url: str
) -> None:
    """A read, and a write that its system of record says did not happen: each ends as failed, and the run goes on."""
    plant = tmp_path / "plant"
    plant.mkdir()
    (plant / "shut").touch()
    async with office(tmp_path, database_url, living=False, both=LOOK_AND_POST) as it:
        killed = worker(tmp_path, database_url, 1, workflow="both")

        async def both_asked() -> bool:
            return len(it.works.leaves("intent")) == 2 and (plant / "asked").exists()

        await it.eventually(both_asked)
        killed.kill()
        run = killed.communicate(timeout=60)[0].strip()
        (plant / "shut").unlink()
        other = worker(tmp_path, database_url, workflow="both")
        other.communicate(timeout=60)
        assert other.returncode == 0
        assert it.told(run) == ["started", "ended done"]
        ended = Counter((leaf["tool"], leaf["status"]) for leaf in it.works.leaves("outcome"))
        assert ended == {(tool, status): 1 for tool in ("look", "post") for status in ("failed", "done")}
        assert len(effects(tmp_path)) == 2


KID = "steps: { hear: { wait: { events: { it: { event: go } } } } }"
PARENT = "steps: { kid: { workflow: { name: kid }, arguments: { n: input.n } } }"


async def test_a_child_that_ends_while_its_parent_is_told_of_its_beginning_is_heard_of_whoever_dies(
    tmp_path: Path, database_url: str
) -> None:
    """Whoever began it writes down that it is waited for and dies before looking whether it has ended meanwhile."""
    async with office(tmp_path, database_url, parent=PARENT, kid=KID) as it:
        run, owner = await it.start("parent", n=1), it.flows.engine.owner
        id = f"{run}:kid:1"
        mine = update(command).where(command.c.id == id, command.c.owner.is_(None), command.c.due.is_(None))

        async def had() -> bool:
            change = mine.values(owner=owner)
            return bool(await it.works.system.queue.perform(lambda tx: tx.execute(change).rowcount))

        await it.eventually(had)
        await it.flows.runs.tell("go", None, {}, "person:ada")
        [kid] = await it.some(lambda runs: [one for one in runs if one.workflow == "kid" and one.ended_at])
        assert kid.status == "done"
        assert await it.flows.desk.settle(Fence(id, owner), Stay(id))
        assert (await it.ended(run)).status == "done"


SLOWLY = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(
    params=["embedded on sqlite", "embedded on postgresql", pytest.param("dbos on postgresql", marks=SLOWLY)]
)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(request.param, tmp_path, request)


async def test_a_frozen_process_is_taken_over_and_stands_down_when_it_wakes(engines: Engines) -> None:
    folder, url, kind = engines.folder, engines.url, engines.kind.split()[0]
    plant = folder / "plant"
    plant.mkdir()
    (plant / "shut").touch()
    async with office(folder, url, living=False, engine=kind, runs="elsewhere", three=STEPS) as it:
        frozen = worker(folder, url, 1, engine=kind)
        assert frozen.stdout is not None
        run = frozen.stdout.readline().strip()

        async def asked() -> bool:
            return (plant / "asked").exists()

        await it.eventually(asked)
        os.kill(frozen.pid, signal.SIGSTOP)
        (plant / "shut").unlink()
        other = worker(folder, url, engine=kind)
        other.communicate(timeout=60)
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.communicate(timeout=60)
        assert (other.returncode, frozen.returncode) == (0, 0)
        await assert_whole(it, folder, [run])
