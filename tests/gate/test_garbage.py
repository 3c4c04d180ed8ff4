"""What an action leaves behind in memory: nothing that only the collector of cycles would find."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.gate.works import works

ACTIONS = 40


@pytest.mark.parametrize(("tool", "status"), [("press", "done"), ("look", "done"), ("melt", "denied")])
async def test_an_action_leaves_no_cycles(tmp_path: Path, database_url: str, tool: str, status: str) -> None:
    async with works(tmp_path, database_url) as it:
        assert (await it.ask(tool, n=0)).status == status
        gc.collect()
        gc.disable()
        try:
            for n in range(ACTIONS):
                assert (await it.ask(tool, n=n)).status == status
            assert gc.collect() < ACTIONS, "an object of each action, or more, waited for the collector"
        finally:
            gc.enable()
