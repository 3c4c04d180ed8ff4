"""A run of which nobody can read where it is ends by name, and all others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.kernel.errors import Conflict
from autonomy.workflow.store import definition, run
from tests.gate.works import organisation
from tests.house import declare
from tests.workflow.office import Office, office, workflow

PAYING = """
steps:
  pay: { tool: pay, arguments: { payee: "'p'", amount: "'200.00'" } }
  hear: { wait: { events: { go: { event: go } } } }
"""
OUTER = "steps: { inner: { workflow: { name: waiting }, arguments: { n: input.n } } }"
WAITING = "steps: { hear: { wait: { events: { go: { event: go } } } } }"
WORSE = "steps: { hear: { wait: { events: { go: { event: go } } } }, worse: { needs: [hear], emit: { event: n } } }"
FLOWS = {"paying": PAYING, "outer": OUTER, "waiting": WAITING, "worse": WORSE}


async def test_a_run_whose_state_is_damaged_ends_and_what_it_had_under_way_is_withdrawn(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        bad, good, outer = [await it.start(name, n=1) for name in ("paying", "waiting", "outer")]
        hold = await it.asked(bad)
        [inner] = await it.some(lambda runs: [one for one in runs if one.parent])
        for one in (good, inner.id):
            await it.until(one, lambda state: "hear" in state.steps)
        # What is taken in after the damage would write the state anew, whole.
        await it.until(bad, lambda state: state.steps["pay"].state == "held" and "hear" in state.steps)
        await damage(it, bad, inner.id)
        await it.flows.runs.tell("go", None, None, "person:sam")
        assert (await it.ended(good)).status == "done"
        for one in (bad, inner.id):
            assert (await it.ended(one)).reason.startswith("workflow.damaged: ")
            assert it.told(one)[-2:] == ["exception", "ended stopped"]
        [asked] = await it.excepted(outer)
        assert (asked.command.kind, asked.command.path) == ("child", "inner")
        approvals = it.works.system.approvals

        async def withdrawn() -> bool:
            return (await asyncio.to_thread(approvals.get, hold.action)).state == "withdrawn"

        await it.eventually(withdrawn)
        shown = await it.flows.runs.show(bad)
        assert (shown.listed.status, shown.state.status, it.plant.executions()) == ("stopped", "stopped", 0)


async def test_looking_at_a_damaged_run_shows_what_became_of_it(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        ended = await it.start("waiting", n=1)
        await it.until(ended, lambda state: "hear" in state.steps)
        await it.flows.runs.tell("go", None, None, "person:sam")
        await it.ended(ended)
        told = it.told(ended)
        runs = [await it.start("waiting", n=1) for _ in range(3)]
        await damage(it, ended, *runs[:2])
        shown = await it.flows.runs.show(runs[0])
        assert (shown.listed.status, shown.open) == ("stopped", [])
        _, states = await it.flows.runs.live("waiting")
        assert sorted(state.status for state in states) == ["running", "stopped"]
        assert (await it.flows.runs.show(ended)).state.reason.startswith("workflow.damaged: ")
        assert it.told(ended) == told, "it ended as it did"


async def test_a_run_whose_definition_is_damaged_ends(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        good, bad = await it.start("waiting", n=1), await it.start("worse", n=1)
        for one in (good, bad):
            await it.until(one, lambda state: "hear" in state.steps)
        digest = (await it.flows.desk.look(bad)).state.digest
        worse = update(definition).where(definition.c.digest == digest).values(body=b"x" * 40)
        await it.works.system.queue.perform(lambda tx: tx.execute(worse))
        async with office(tmp_path, database_url, **FLOWS) as other:
            assert bad in await other.flows.involving.live(["w1"], None)
            declare(other.works.system, organisation(workflows=workflow("worse", WAITING)))
            [moved] = (await other.flows.migrating.migrate("worse", "person:sam")).runs
            assert [one.reason[:15] for one in moved.obstacles] == ["workflow.sealed"]
            with pytest.raises(Conflict, match="stopped"):
                await other.flows.runs.pause(bad, "person:sam")
            await other.flows.runs.cancel(good, "person:sam")
            assert it.told(bad)[-1] == "ended stopped"
            assert (await it.ended(bad)).reason.startswith("workflow.sealed: ")


async def damage(it: Office, *runs: str) -> None:
    """Another process has the runs in its memory no more, and their rows are not as they were written."""
    bad: Any = update(run).where(run.c.id.in_(runs)).values(state=b"x" * 40, ver=run.c.ver + 1)
    await it.works.system.queue.perform(lambda tx: tx.execute(bad))
