"""Real processes: a run begins in one, waits for people while that one is stopped, and ends in another."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.processes import free_port
from tests.cli.shell import COMMAND
from tests.gate.works import Plant, Works
from tests.house import house
from tests.workflow.office import Office
from tests.workflow.test_engine import KINDS, Engines, engines_of

DEAR = {"sku": "sku-0012", "cost_center": "cc-service"}


@pytest.fixture(params=KINDS)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(request.param, tmp_path, request)


@asynccontextmanager
async def process(engines: Engines, *words: str) -> AsyncIterator[None]:
    """A command of ours on the same store, from when it says that it is ready until it has stopped."""
    environment = {**os.environ, "AUTONOMY_ENGINE": engines.kind.split()[0]}
    command = [COMMAND, *words, "--data", str(engines.folder), "--database", engines.url]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        assert await asyncio.to_thread(running.stdout.readline)
        yield
    finally:
        running.terminate()
        said, _ = await asyncio.to_thread(running.communicate, timeout=30)
    assert running.returncode == 0, said


async def test_a_run_crosses_processes_and_a_restart_while_it_waits_for_people(engines: Engines) -> None:
    async with house(engines.folder, engines.url, engine=engines.kind.split()[0], runs="elsewhere") as found:
        it = Office(Works(found, Plant()))
        run = await it.start("reorder", by="person:nadia", **DEAR)
        async with process(engines, "work", "--runs"):
            hold = await it.asked(run)
        assert (await it.flows.desk.look(run)).state.status == "running"
        async with process(engines, "serve", "--port", str(free_port())):
            await asyncio.to_thread(found.system.approvals.decide, hold.action, "priya", "approve", hold.shown)
            assert (await it.ended(run)).status == "done"
        await it.flows.engine.close()
