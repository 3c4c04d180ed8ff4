"""S9, a vendor is taken on: applied for in Roundup, made a supplier in Tryton, by four agents and a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.roundup.tracker import Roundup
from demo.tryton import organisation
from demo.tryton.server import Tryton
from tests.erp.company import rows
from tests.gate.works import Plant, Works
from tests.house import house
from tests.workflow.office import Office
from tests.workflow.test_templates import held

PORTAL = "portal"


@pytest.fixture(scope="module")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roundup]:
    with Roundup(tmp_path_factory.mktemp("roundup"), PORTAL, "desk-1", "collector-1", "updater-2") as running:
        yield running


class Company(Office):
    """The starter company on Tryton and Roundup."""

    async def assess(self, risk: str) -> None:
        """The assessor takes its next task and brings this result."""
        desk, key = self.flows.workplace.of_agents, await asyncio.to_thread(self.works.house.key, "assessor-1")
        task: Any = (await desk.next(key, {"wait": 20}))["task"]
        done = {"claim": task["claim"], "output": {"risk": risk, "why": "its documents say so"}}
        await desk.say(key, "complete", task["task"], done)


@asynccontextmanager
async def company(folder: Path, tryton: Tryton, roundup: Roundup) -> AsyncIterator[Company]:
    files = roundup.connected(organisation.files(tryton.url, more=("roundup", "vendors")))
    organisation.create_controlling(f"sqlite:///{folder / organisation.CONTROLLING}")
    async with house(folder, files=files, living=True) as made:
        for name, value in (organisation.secrets(tryton.keys) | roundup.secrets()).items():
            made.system.secrets.set(name, value, "person:ada")
        yield Company(Works(made, Plant()))


def suppliers(tryton: Tryton, ticket: str) -> list[tuple[Any, ...]]:
    return rows(tryton, "SELECT name FROM party_party WHERE code = ?", f"SUP-{ticket}")


def status(roundup: Roundup, ticket: str) -> str:
    shown = roundup.ask(PORTAL, "GET", f"/issue/{ticket}?@verbose=2")
    return str(shown["attributes"]["status"]["name"])


async def test_an_application_becomes_a_supplier_by_four_agents_and_a_person(
    tryton: Tryton, roundup: Roundup, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton, roundup) as it:
        ticket = await asyncio.to_thread(roundup.open_ticket, PORTAL, "Norwick Fasteners")
        run = await it.start("vendor-onboarding", by="person:nadia", application_id=ticket)
        assert await it.start("vendor-onboarding", by="person:nadia", application_id=ticket) == run
        await it.until(run, lambda state: "documents[incomplete]/arrive" in state.steps)
        assert await asyncio.to_thread(status, roundup, ticket) == "need-eg"
        await asyncio.to_thread(roundup.comment, PORTAL, ticket, "registration, tax, bank: enclosed")
        await it.flows.runs.tell("vendor.documents", ticket, None, "person:nadia")
        await it.assess("low")
        await it.until(run, held("admit"))
        assert await asyncio.to_thread(suppliers, tryton, ticket) == []
        hold = await it.asked(run)
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "priya", "approve", hold.shown)
        state = await it.ended(run)
        assert state.status == "done", (state.reason, state.steps)
        assert await asyncio.to_thread(suppliers, tryton, ticket) == [("Norwick Fasteners",)]
        assert await asyncio.to_thread(status, roundup, ticket) == "resolved"


async def test_who_is_a_supplier_already_is_for_the_procurement_lead(
    tryton: Tryton, roundup: Roundup, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton, roundup) as it:
        ticket = await asyncio.to_thread(roundup.open_ticket, PORTAL, "Supplier 03")
        await asyncio.to_thread(roundup.comment, PORTAL, ticket, "registration, tax, bank: enclosed")
        run = await it.start("vendor-onboarding", by="person:nadia", application_id=ticket)
        await it.assess("low")
        [asked] = await it.excepted(run)
        assert (asked.command.path, asked.command.kind, asked.command.role) == (
            "verify",
            "contract",
            "procurement-lead",
        )
        assert await asyncio.to_thread(suppliers, tryton, ticket) == []
