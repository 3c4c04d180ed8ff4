"""Access of agents: asked for by a tool, given by people, declared as a change that every process obeys at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from autonomy.catalog import access, read
from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import spec
from autonomy.gate import Reply
from autonomy.gate.store import action
from autonomy.kernel.clock import now
from autonomy.kernel.errors import Forbidden, NotFound
from autonomy.tools import Registry
from autonomy.wiring import System
from tests.gate.access_driver import PEOPLE, RULES, opened, organisation
from tests.gate.works import Plant, Works, works
from tests.house import declare, house

ROOT = Path(__file__).parents[2]
LATER = 60_000  # milliseconds: by then nothing a dead process sent can still arrive


@asynccontextmanager
async def office(folder: Path, database: str, plant: Plant | None = None, **changed: str) -> AsyncIterator[Works]:
    """The organisation of this file in force; a second one on the same database is a second process."""
    async with works(folder, database, plant, files=organisation(**changed)) as it:
        yield it


async def asked(it: Works, agent: str = "novice", role: str = "presser", by: str = "desk") -> Reply:
    return await it.ask("access.request", by, agent=agent, role=role, reason="the press stands still")


def roles(it: Works | System, agent: str = "novice") -> list[str]:
    system = it.system if isinstance(it, Works) else it
    return spec(system.catalog.get("Agent", agent), AgentSpec).roles


def granting(system: System) -> list[str]:
    """The messages of the changes by which roles were given."""
    return [one.message for one in system.catalog.changes() if "asked for the role" in one.message]


async def test_what_people_approve_holds_at_the_next_call_of_every_process(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url) as it, office(tmp_path, database_url, it.plant) as other:
        for process in (it, other):
            assert (await process.ask("press", "novice", n=1)).status == "denied"
        held = await asked(it)
        assert (held.status, roles(it)) == ("held", ["reader"])
        await it.house.approve(held.action, "bea")
        given = await it.result(held.action, "desk")
        assert given.status == "done", (given.code, given.message)
        for process in (other, it):
            assert (await process.ask("press", "novice", n=2)).status == "done"
        assert roles(it) == ["reader", "presser"]


async def test_the_change_names_who_approved_and_for_which_action(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url) as it:
        held = await asked(it)
        await it.house.approve(held.action, "bea")
        change = it.system.catalog.changes()[0]
        assert change.by == "person:bea"
        assert change.message == f"{held.action}: `desk` asked for the role `presser` for `novice`, approved by bea"
        assert list(it.system.catalog.change(change.epoch).detail["changed"]) == ["Agent/novice"]
        assert it.leaves("change")[-1]["actor"] == "person:bea"
        assert it.story(held.action) == ["hold", "approval", "intent", "outcome done"]
        assert it.system.catalog.describe("Agent", "novice").scope == "default", "it stays in the folder it is from"


async def test_where_two_roles_must_approve_both_are_asked_and_both_are_named(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url) as it:
        held = await asked(it, role="teller")
        await it.house.approve(held.action, "bea")
        assert roles(it) == ["reader"], "the chief has not said anything yet"
        await it.house.approve(held.action, "carl")
        assert roles(it) == ["reader", "teller"]
        assert granting(it.system)[0].endswith("approved by bea, carl")


async def test_what_people_reject_changes_nothing(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url) as it:
        epoch = it.system.catalog.organisation().epoch
        held = await asked(it)
        shown = it.system.approvals.get(held.action).shown
        it.system.approvals.decide(held.action, "bea", "reject", shown, "nobody needs it")
        await it.system.taking_up.look()
        await it.settle()
        assert (await it.result(held.action, "desk")).status == "rejected"
        assert (it.system.catalog.organisation().epoch, roles(it)) == (epoch, ["reader"])


@pytest.mark.parametrize("person", ["sam", "olga"])
async def test_who_answers_for_the_agent_that_asks_does_not_approve(
    tmp_path: Path, database_url: str, person: str
) -> None:
    async with office(tmp_path, database_url) as it:
        held = await asked(it, "desk", "presser")
        with pytest.raises(Forbidden):
            await it.house.approve(held.action, person)
        assert roles(it, "desk") == ["asker"]


async def test_no_rule_gives_access_without_a_person(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, policy=_permits()) as it:
        epoch = it.system.catalog.organisation().epoch
        reply = await asked(it)
        assert (reply.status, reply.code) == ("failed", "access.not_approved")
        assert (it.system.catalog.organisation().epoch, roles(it)) == (epoch, ["reader"])


def _permits() -> str:
    """The rules that allow, without those that ask people."""
    return "".join(f"@id({rule}" for rule in RULES.split("@id(")[1:] if "permit" in rule)


@pytest.mark.parametrize(
    ("agent", "role", "said"),
    [
        ("novice", "preser", "there is no role `preser` that the agent `novice` could have"),
        ("novice", "clerk", "there is no role `clerk` that the agent `novice` could have"),
        ("novise", "presser", "there is no agent `novise` in the unit of `desk` or below it"),
        ("clerk-1", "presser", "there is no agent `clerk-1` in the unit of `desk` or below it"),
    ],
    ids=["a role that is not there", "a role of another unit", "an agent that is not there", "one of another unit"],
)
async def test_what_cannot_be_is_refused_by_name_and_nobody_is_asked(
    tmp_path: Path, database_url: str, agent: str, role: str, said: str
) -> None:
    async with office(tmp_path, database_url) as it:
        epoch = it.system.catalog.organisation().epoch
        reply = await asked(it, agent, role)
        assert (reply.status, reply.code) == ("denied", "fact.failed")
        assert said in (reply.message or "")
        assert not it.system.approvals.holds(())
        assert it.system.catalog.organisation().epoch == epoch


async def test_a_role_that_went_while_people_were_asked_is_refused_and_nothing_is_written(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url) as it:
        held = await asked(it)
        gone = PEOPLE.replace("name: presser", "name: other")
        it.system.catalog.apply(read(organisation(people=gone)), "person:ada", retire=True)
        await it.house.approve(held.action, "bea")
        reply = await it.result(held.action, "desk")
        assert (reply.status, reply.code, roles(it)) == ("denied", "fact.failed", ["reader"])
        assert not granting(it.system)


async def test_what_could_not_be_applied_is_refused_with_the_fault_and_nothing_is_written(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url) as it:
        epoch = it.system.catalog.organisation().epoch
        held = await asked(it, role="boss")
        await it.house.approve(held.action, "bea")
        reply = await it.result(held.action, "desk")
        assert (reply.status, reply.code) == ("failed", "manifest.invalid")
        assert "agents have this role, but it admits no tool" in (reply.message or "")
        assert (it.system.catalog.organisation().epoch, roles(it)) == (epoch, ["reader"])


async def test_the_tool_does_not_exist_for_agents_whose_roles_do_not_grant_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url) as it:
        reply = await asked(it, by="novice")
        assert (reply.status, reply.code) == ("denied", "tool.unknown")


async def test_it_comes_with_whatever_names_it_and_never_by_a_star(tmp_path: Path) -> None:
    async with works(tmp_path, "") as it:
        organised = it.system.catalog.organisation()
        assert "access.request" not in Registry.build(organised).tools, "the workers' scope is `*`"
        assert Registry.own(organised).get("access.request").effect == "write-queryable"


async def test_two_at_once_both_hold(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url) as it, office(tmp_path, database_url, it.plant) as other:
        held = [await asked(it), await asked(it, "desk", "presser")]
        for reply in held:
            await asyncio.to_thread(_yes, it.system, reply.action)
        await asyncio.gather(*(each.system.taking_up.look() for each in (it, other)))
        await asyncio.gather(*(each.system.taking_up.idle() for each in (it, other)))
        await asyncio.gather(it.settle(), other.settle())
        assert (roles(it), roles(it, "desk")) == (["reader", "presser"], ["asker", "presser"])


@pytest.mark.parametrize("changes", [1, 2])
async def test_a_change_between_is_tried_again_on_it_once(
    tmp_path: Path, database_url: str, changes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, database_url) as it:
        held = await asked(it)
        left = list(range(changes))
        real = access.with_role

        def meanwhile(manifest: object, role: str) -> object:
            """Somebody is faster, right after the organisation was read."""
            if left:
                declare(it.system, organisation(policy=f"{RULES}\n// {left.pop()}\n"))
            return real(manifest, role)  # type: ignore[arg-type]

        monkeypatch.setattr(access, "with_role", meanwhile)
        await it.house.approve(held.action, "bea")
        reply = await it.result(held.action, "desk")
        expected = ("done", None) if changes == 1 else ("failed", "catalog.moved")
        assert (reply.status, reply.code) == expected
        assert ("presser" in roles(it)) == (changes == 1)


async def test_a_role_the_agent_has_already_is_no_change(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url) as it:
        epoch = it.system.catalog.organisation().epoch
        held = await asked(it, role="reader")
        await it.house.approve(held.action, "bea")
        reply = await it.result(held.action, "desk")
        assert (reply.status, reply.result) == ("done", {"agent": "novice", "role": "reader", "approved_by": ["bea"]})
        assert it.system.catalog.organisation().epoch == epoch


def test_an_object_that_nobody_declared_is_not_amended(tmp_path: Path) -> None:
    system = opened(tmp_path, "")
    try:
        with pytest.raises(NotFound):
            system.catalog.amend("Agent", "nobody", lambda manifest: manifest, "person:ada", "")
    finally:
        system.close()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "point",
    [
        pytest.param("intent.durable", marks=pytest.mark.slow),
        pytest.param("apply.checked", marks=pytest.mark.slow),
        "effect.done",
    ],
)
async def test_it_is_given_once_although_the_process_dies_between(
    tmp_path: Path, database_url: str, point: str
) -> None:
    async with house(tmp_path, database_url, organisation(), functions={"plant": Plant()}) as before:
        held = await before.ask(
            "desk", "access.request", {"agent": "novice", "role": "presser", "reason": "the press stands still"}
        )
        await asyncio.to_thread(_yes, before.system, held.action)
        await asyncio.to_thread(_die_at, point, tmp_path, database_url)
        assert len(granting(before.system)) == (point == "effect.done")
    async with works(tmp_path, database_url, clock=lambda: now() + LATER) as it:
        await _recovered(it)
        assert (await it.result(held.action, "desk")).status == "done"
        assert roles(it) == ["reader", "presser"]
        assert len(granting(it.system)) == 1


async def test_what_people_took_away_again_is_not_given_by_recovery(tmp_path: Path, database_url: str) -> None:
    async with house(tmp_path, database_url, organisation(), functions={"plant": Plant()}) as before:
        held = await before.ask("desk", "access.request", {"agent": "novice", "role": "presser", "reason": "today"})
        await asyncio.to_thread(_yes, before.system, held.action)
        await asyncio.to_thread(_die_at, "effect.done", tmp_path, database_url)
        declare(before.system, organisation())
        assert roles(before.system) == ["reader"]
    async with works(tmp_path, database_url, clock=lambda: now() + LATER) as it:
        await _recovered(it)
        assert (await it.result(held.action, "desk")).status == "done", "it happened, and was undone since"
        assert roles(it) == ["reader"]


def _yes(system: System, held: str) -> None:
    system.approvals.decide(held, "bea", "approve", system.approvals.get(held).shown)


def _die_at(point: str, folder: Path, database: str) -> None:
    """A process that takes up what was approved, until it dies at a named place."""
    command = [sys.executable, "-m", "tests.gate.access_driver", str(folder), database]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | {"AUTONOMY_FAILPOINT": point}, check=False, timeout=90)
    assert ended.returncode == -signal.SIGKILL


async def _recovered(it: Works) -> None:
    """Take up what the dead process left, until nothing is open."""
    open_ones = select(action.c.id).where(action.c.state == "intent").limit(1)
    async with asyncio.timeout(60):
        while await it.system.database.read(lambda connection: connection.execute(open_ones).first()):
            await it.system.taking_up.look()
            await it.settle()
