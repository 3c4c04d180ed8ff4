"""Tickets on a running Roundup: opened, answered, given to somebody, closed; found again where an answer was lost."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from autonomy.catalog import starter
from demo.roundup.tracker import Roundup
from tests.erp.between import Forward, between
from tests.erp.company import Patient
from tests.house import House, house


@asynccontextmanager
async def desk(folder: Path, roundup: Roundup, url: str = "") -> AsyncIterator[House]:
    """The starter company with its tickets in `roundup`, or in what stands at `url` before it."""
    files = roundup.connected(starter.organisation(["roundup"]), url)
    folder.mkdir(exist_ok=True)
    async with house(folder, files=files) as made:
        made.system.secrets.set("roundup.desk-1", roundup.basic("desk-1"), "person:ada")
        yield Patient(made.system, made.folder, made.keys)


async def told(it: House, tool: str, case: str = "", **arguments: Any) -> Any:
    """The result of a call that must be done."""
    reply = await it.ask("desk-1", tool, arguments, case=case)
    assert reply.status == "done", reply
    return reply.result


def rows(roundup: Roundup, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the tracker's own tables say."""
    with closing(sqlite3.connect(f"file:{roundup.database}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def tickets(roundup: Roundup, action: str) -> list[tuple[Any, ...]]:
    return rows(roundup, "SELECT id FROM _issue WHERE _reference = ?", action)


async def test_a_ticket_is_opened_answered_given_to_somebody_and_closed(roundup: Roundup, tmp_path: Path) -> None:
    async with desk(tmp_path, roundup) as it:
        made = await it.ask("desk-1", "ticket.create", {"title": "The feeder squeaks", "priority": "bug"})
        ticket = made.result["ticket_id"]
        assert tickets(roundup, made.action) == [(int(ticket),)]
        message = await told(it, "ticket.write_message", case="answer", text="We are looking at it.")
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        await told(it, "ticket.comment", case="answer", ticket_id=ticket, version=version, **message)
        seen = await told(it, "ticket.get", case="look", ticket_id=ticket)
        assert [one["id"] for one in seen["messages"]] == [message["message_id"]]
        text = await told(it, "ticket.message", case="look", **message)
        assert text == {"text": "We are looking at it."}
        await told(it, "ticket.assign", case="give", ticket_id=ticket, user="paul", version=seen["version"])
        found = await told(it, "ticket.search", case="look", text="feeder", status="in-progress")
        assert [(one["assigned_to"], one["priority"]) for one in found["rows"]] == [("paul", "bug")]
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        await told(it, "ticket.close", case="close", ticket_id=ticket, version=version)
        creator = "SELECT u._username FROM _issue i JOIN _user u ON u.id = i._creator WHERE i.id = ?"
        assert rows(roundup, creator, ticket) == [("desk-1",)]


async def test_an_urgent_ticket_is_closed_by_a_persons_word(roundup: Roundup, tmp_path: Path) -> None:
    async with desk(tmp_path, roundup) as it:
        ticket = (await told(it, "ticket.create", title="The press does not stop", priority="critical"))["ticket_id"]
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        held = await it.ask("desk-1", "ticket.close", {"ticket_id": ticket, "version": version}, case="close")
        assert (held.status, held.policies) == ("held", ("ticket-urgent-operations-lead",))
        await it.approve(held.action, "omar")
        assert (await told(it, "ticket.get", case="look", ticket_id=ticket))["status"] == "resolved"


async def test_over_a_version_nobody_has_seen_nothing_is_written(roundup: Roundup, tmp_path: Path) -> None:
    async with desk(tmp_path, roundup) as it:
        ticket = (await told(it, "ticket.create", title="A light is out", priority="wish"))["ticket_id"]
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        await told(it, "ticket.assign", case="give", ticket_id=ticket, user="paul", version=version)
        stale = await it.ask("desk-1", "ticket.close", {"ticket_id": ticket, "version": version}, case="close")
        assert (stale.status, stale.code) == ("denied", "record.stale")


async def test_roundup_itself_refuses_what_changed_between_the_look_and_the_write(
    roundup: Roundup, tmp_path: Path
) -> None:
    async def spoil(asked: str, forward: Forward) -> bytes | None:
        if asked.startswith("PATCH"):  # somebody else is faster
            await told(other, "ticket.assign", case="give", ticket_id=ticket, user="paul", version=version)
        return await forward()

    async with (
        between(roundup.url, spoil) as url,
        desk(tmp_path / "slow", roundup, url) as it,
        desk(tmp_path / "fast", roundup) as other,
    ):
        ticket = (await told(it, "ticket.create", title="A door sticks", priority="wish"))["ticket_id"]
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        stale = await it.ask("desk-1", "ticket.close", {"ticket_id": ticket, "version": version}, case="close")
        assert (stale.status, stale.code) == ("failed", "record.stale")


async def test_what_roundup_refuses_is_told_in_its_words(roundup: Roundup, tmp_path: Path) -> None:
    async with desk(tmp_path, roundup) as it:
        ticket = (await told(it, "ticket.create", title="A chair wobbles", priority="wish"))["ticket_id"]
        version = (await told(it, "ticket.get", case="look", ticket_id=ticket))["version"]
        asked = {"ticket_id": ticket, "user": "nobody-here", "version": version}
        reply = await it.ask("desk-1", "ticket.assign", asked, case="give")
        assert (reply.status, reply.code) == ("failed", "upstream.refused")
        assert reply.message is not None and "nobody-here" in reply.message and "{" not in reply.message


async def test_a_ticket_whose_answer_is_lost_is_found_and_not_opened_again(roundup: Roundup, tmp_path: Path) -> None:
    async def spoil(asked: str, forward: Forward) -> bytes | None:
        answer = await forward()
        return None if asked.startswith("POST") else answer

    async with between(roundup.url, spoil) as url, desk(tmp_path, roundup, url) as it:
        made = await it.ask("desk-1", "ticket.create", {"title": "A lamp flickers", "priority": "bug"})
        assert made.status == "done"
        assert tickets(roundup, made.action) == [(int(made.result["ticket_id"]),)]
        written = await it.ask("desk-1", "ticket.write_message", {"text": "Seen."})
        assert written.status == "done"
        assert rows(roundup, "SELECT COUNT(*) FROM _msg WHERE _messageid = ?", written.action) == [(1,)]
