"""Processes are killed while agents have tasks in hand: no task is lost, none has two results, no run stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.team import team
from tests.tasks.worker import STEPS

COUNT = 4
MORE = ("group.written:4", "group.written:15", "run.durable:6")


def worker(folder: Path, database: str, count: int = 0, point: str = "") -> subprocess.Popen[str]:
    """Another process on the same store."""
    command = [sys.executable, "-m", "tests.tasks.worker", str(folder), database, str(count)]
    environment = os.environ | {"WORKER_FAILPOINT": point}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("point", ["group.written:9", *(pytest.param(point, marks=pytest.mark.slow) for point in MORE)])
async def test_a_process_killed_while_its_agents_have_tasks_loses_none(
    tmp_path: Path, database_url: str, point: str
) -> None:
    async with team(tmp_path, database_url, living=False, counting=STEPS) as it:
        killed = worker(tmp_path, database_url, COUNT, point)
        said, _ = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        other = worker(tmp_path, database_url)
        other.communicate(timeout=60)
        assert other.returncode == 0
        tasks = {one.id: one for one in await it.place.inbox.tasks(count=1_000)}
        runs = {run.id: run for run in await it.flows.runs.runs(count=1_000)}
        assert set(said.split()) <= {*tasks, *runs}
        assert {one.state for one in tasks.values()} == {"done"}
        assert {run.status for run in runs.values()} <= {"done"}
        assert len([one for one in tasks.values() if one.run]) == len(runs)
        for task in tasks:
            events = it.events(task)
            assert (events[0], events[-1], events.count("done")) == ("opened", "done", 1)
