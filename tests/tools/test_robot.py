"""The guide's robot, as it stands there: a real task of Robot Framework, run through the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from autonomy.kernel.clock import now
from autonomy.wiring import Settings, open_system
from tests.docs.pages import ROOT, blocks_of
from tests.gate.works import Plant, Works, organisation
from tests.house import House, declare

GUIDE = ROOT / "docs" / "guides" / "connect-a-system.md"
(MANIFESTS,) = [block.text for block in blocks_of(GUIDE) if "program: robot" in block.text]
(TASK,) = [block.text for block in blocks_of(GUIDE) if "*** Tasks ***" in block.text]


@asynccontextmanager
async def robots(folder: Path, programs: tuple[str, ...] = ("robot",)) -> AsyncIterator[Works]:
    """The small organisation with the guide's robot."""
    (folder / "robots").mkdir()
    (folder / "robots" / "ledger.robot").write_text(TASK)
    plant = Plant()
    system = open_system(replace(Settings(), data=folder, programs=programs), now, {"plant": plant})
    declare(system, organisation(robots=MANIFESTS))
    await system.lifeline.beat()
    await system.watch.refresh()
    try:
        yield Works(House(system, folder, {}), plant)
    finally:
        await system.effects.close()
        await system.connectors.close()
        system.close()


@pytest.mark.timeout(90)
async def test_a_robot_books_through_the_gate(tmp_path: Path) -> None:
    async with robots(tmp_path) as it:
        reply = await it.ask("ledger.book", invoice="INV-7")
        assert (reply.status, reply.result) == ("done", {"text": "booked INV-7\n"}), reply
        assert (tmp_path / "robots" / "ledger.txt").read_text() == f"{reply.action} INV-7\n"
        assert it.story(reply.action) == ["intent", "outcome done"]
        refused = await it.ask("ledger.book", invoice="x; rm -rf /")
        assert refused.code == "arguments.invalid"


@pytest.mark.timeout(90)
async def test_a_robot_whose_end_is_unknown_is_asked_what_it_did(tmp_path: Path) -> None:
    async with robots(tmp_path) as it:
        task = tmp_path / "robots" / "ledger.robot"
        task.write_text(TASK.replace("Log To Console    booked ${INVOICE}", "Fail    the window closed"))
        reply = await it.ask("ledger.book", invoice="INV-8")
        assert (reply.status, reply.result) == ("done", {"text": "it is booked\n"}), reply
        assert it.leaves("outcome")[-1]["via"] == "reconcile"


async def test_a_robot_that_nobody_admitted_is_not_started(tmp_path: Path) -> None:
    async with robots(tmp_path, ()) as it:
        reply = await it.ask("ledger.book", invoice="INV-9")
        assert (reply.status, reply.code) == ("failed", "program.not_admitted")
        assert not (tmp_path / "robots" / "ledger.txt").exists()
