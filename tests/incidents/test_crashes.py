"""A process is killed between the parts of a containment: either nothing has happened, or all of it does afterwards."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autonomy.identity import State
from tests.incidents.driver import WAITING
from tests.workflow.office import office

PASSES = (1, 3)
MORE = (2, 4, 5)


@pytest.mark.parametrize("passes", [*PASSES, *(pytest.param(one, marks=pytest.mark.slow) for one in MORE)])
async def test_a_containment_that_was_cut_off_is_brought_to_its_end(
    tmp_path: Path, database_url: str, passes: int
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING):
        pass  # declared once
    command = [sys.executable, "-m", "tests.incidents.driver", str(tmp_path), database_url, str(passes)]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    run, task, incident = killed.stdout.split()
    async with office(tmp_path, database_url) as it:
        incidents = it.works.system.trouble.incidents

        async def look() -> bool:
            return (await asyncio.to_thread(incidents.show, incident)).is_stopped

        await it.eventually(look)
        told = incidents.show(incident)
        assert told.incident.state == "contained"
        assert it.works.system.identity.agent("w1").state is State.CONTAINED
        assert (await it.flows.desk.look(run)).state.paused
        held = await it.flows.workplace.tasks.show(task)
        assert held.task.holder is None
        found = {(one.kind, one.target): one.state for one in told.stops}
        assert found["run", run] == found["task", task] == found["tokens", "*"] == "confirmed"
