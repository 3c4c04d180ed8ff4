"""Runs live: through the gate, with people, on both databases."""

from __future__ import annotations

from pathlib import Path

from tests.workflow.office import office

PRESS = """
steps:
  first: { tool: press, arguments: { n: input.n } }
  second: { needs: [first], tool: press, arguments: { n: input.n + 1 } }
result: { last: steps.second.output }
"""


async def test_a_run_goes_from_its_first_step_to_its_last(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        run = await it.start("pressing", n=1)
        state = await it.ended(run)
        assert (state.status, state.output) == ("done", {"last": {"ok": {"n": 2}}})
        assert it.plant.executions() == 2
        assert it.told(run) == ["started", "ended done"]
