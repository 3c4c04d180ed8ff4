"""S19, maintenance on two real systems under one set of rules: a ticket in Roundup, the repair as production in Tryton,
a person who sees it start, and the ticket closed when it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from demo.roundup.tracker import Roundup
from demo.tryton import organisation
from demo.tryton.server import Tryton
from tests.erp.company import Patient, rows
from tests.house import House, house

CASE = "maintenance/feeder"


@pytest.fixture(scope="module")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roundup]:
    with Roundup(tmp_path_factory.mktemp("roundup"), "desk-1", "paul") as running:
        yield running


@asynccontextmanager
async def company(folder: Path, tryton: Tryton, roundup: Roundup) -> AsyncIterator[House]:
    """The starter company with both packs, each of its agents as itself in the system it works with."""
    files = roundup.connected(organisation.files(tryton.url, more=["roundup"]))
    organisation.create_controlling(f"sqlite:///{folder / organisation.CONTROLLING}")
    async with house(folder, files=files) as made:
        secrets = organisation.secrets(tryton.keys) | {"roundup.desk-1": roundup.basic("desk-1")}
        for name, value in secrets.items():
            made.system.secrets.set(name, value, "person:ada")
        yield Patient(made.system, made.folder, made.keys)


async def told(it: House, agent: str, tool: str, **arguments: Any) -> Any:
    reply = await it.ask(agent, tool, arguments, case=CASE)
    assert reply.status == "done", reply
    return reply.result


async def test_what_is_reported_is_repaired_and_the_loop_is_closed(
    tryton: Tryton, roundup: Roundup, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton, roundup) as it:
        ticket = (await told(it, "desk-1", "ticket.create", title="The feeder squeaks", priority="bug"))["ticket_id"]
        order = (await told(it, "planner-1", "production.list_open"))["rows"][0]
        days = {"planned_start_date": "2030-02-04", "planned_date": "2030-02-05"}
        mine = {"production_id": order["production_id"]}
        await told(it, "planner-1", "production.schedule", **mine, version=order["version"], **days)
        await told(it, "planner-1", "production.plan", **mine)
        await told(it, "planner-1", "production.assign", **mine)
        held = await it.ask("planner-1", "production.start", mine, case=CASE)
        assert held.policies == ("factory-start-operations-lead",)
        await it.approve(held.action, "omar")
        assert (await told(it, "planner-1", "production.finish", **mine))["state"] == "done"
        version = (await told(it, "desk-1", "ticket.get", ticket_id=ticket))["version"]
        await told(it, "desk-1", "ticket.close", ticket_id=ticket, version=version)
        reached = await it.ask("planner-1", "ticket.close", {"ticket_id": ticket, "version": version}, case=CASE)
        assert reached.code == "tool.unknown", "who plans production has no tickets"
    assert rows(tryton, "SELECT state FROM production WHERE id = ?", order["production_id"]) == [("done",)]
    with closing(sqlite3.connect(f"file:{roundup.database}?mode=ro", uri=True)) as tracker:
        query = "SELECT s._name, u._username FROM _issue i JOIN _status s ON s.id = i._status JOIN _user u"
        found = tracker.execute(f"{query} ON u.id = i._creator WHERE i.id = ?", (ticket,)).fetchall()
    assert found == [("resolved", "desk-1")]
