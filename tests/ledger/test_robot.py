"""The pack's robot on its own ledger: a real task of Robot Framework, held to its rules by the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autonomy.catalog import starter
from tests.house import House, house

TASK = starter.pack("robot")["robots/ledger.robot"]
BOOKED = "    Log To Console    booked ${INVOICE}"


@asynccontextmanager
async def bookkeeping(folder: Path, task: str = TASK) -> AsyncIterator[House]:
    """The starter company with its robot, which the operator has admitted."""
    (folder / "robots").mkdir()
    (folder / "robots" / "ledger.robot").write_text(task)
    async with house(folder, files=starter.organisation(["robot"]), programs=("robot",)) as made:
        yield made


def entries(it: House) -> list[str]:
    """What the ledger itself says."""
    return (it.folder / "robots" / "ledger.csv").read_text().splitlines()


@pytest.mark.timeout(90)
async def test_an_invoice_is_booked_once_and_found(tmp_path: Path) -> None:
    async with bookkeeping(tmp_path) as it:
        made = await it.ask("clerk-1", "ledger.book", {"invoice": "INV-7", "amount": "120.50"})
        assert (made.status, made.result) == ("done", {"text": "booked INV-7\n"}), made
        found = await it.ask("clerk-1", "ledger.find", {"invoice": "INV-7"})
        assert found.result == {"text": f"{made.action};INV-7;120.50\n"}
        again = await it.ask("clerk-1", "ledger.book", {"invoice": "INV-7", "amount": "120.50"}, case="again")
        assert (again.status, again.code) == ("failed", "upstream.refused"), again
        assert "the invoice is booked already" in str(again.message)
        assert entries(it) == [f"{made.action};INV-7;120.50"]
        missing = await it.ask("clerk-1", "ledger.find", {"invoice": "INV-9"})
        assert (missing.status, missing.code) == ("failed", "upstream.not_found")


@pytest.mark.timeout(90)
async def test_a_large_entry_waits_for_the_finance_manager(tmp_path: Path) -> None:
    async with bookkeeping(tmp_path) as it:
        held = await it.ask("clerk-1", "ledger.book", {"invoice": "INV-8", "amount": "10000.00"})
        assert (held.status, held.policies) == ("held", ("ledger-finance-manager",))
        assert not (it.folder / "robots" / "ledger.csv").exists()
        await it.approve(held.action, "felix")
        assert entries(it) == [f"{held.action};INV-8;10000.00"]


@pytest.mark.timeout(90)
async def test_a_robot_that_breaks_after_it_has_booked_is_asked_and_books_no_second_time(tmp_path: Path) -> None:
    assert BOOKED in TASK
    async with bookkeeping(tmp_path, TASK.replace(BOOKED, "    Fail    the window closed")) as it:
        made = await it.ask("clerk-1", "ledger.book", {"invoice": "INV-7", "amount": "1.00"})
        assert (made.status, made.result) == ("done", {"text": "it is booked\n"}), made
        assert entries(it) == [f"{made.action};INV-7;1.00"]
