"""Whose approval counts is looked at again: as others decide, and once more before it is used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.identity.account import WantedAccount, WantedGroup
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Forbidden
from tests.gate.test_several import BIG, TWO, decide, files
from tests.gate.works import STAFF, Works, agent, organisation, works
from tests.house import declare
from tests.protocols.directory import PROVIDER

HANDED_OVER = "---".join(
    (agent("w1", sponsor="bea"), agent("w2"), agent("child", parent="w1"), agent("clerk", "office", sponsor="bea"))
)


async def change(it: Works, **changed: str) -> None:
    await asyncio.to_thread(declare, it.system, organisation(**changed))


async def vote(it: Works, action: str, person: str) -> None:
    """The person approves; nobody carries it out yet."""
    shown = it.system.approvals.get(action).shown
    await asyncio.to_thread(it.system.approvals.decide, action, person, "approve", shown)


async def leave(it: Works, person: str) -> None:
    await asyncio.to_thread(it.system.identity.offboard, person, "person:ada", "the account was stolen")


async def take_up(it: Works) -> None:
    await it.system.taking_up.look()
    await it.system.taking_up.idle()


def void(it: Works) -> list[tuple[str, str]]:
    return [(leaf["person"], leaf["why"]) for leaf in it.leaves("approval") if leaf["event"] == "void"]


@pytest.mark.parametrize("asking", ["w1", "child"])
async def test_who_sponsors_the_agent_by_now_does_not_approve_what_it_asked_before(
    tmp_path: Path, database_url: str, asking: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", asking, **BIG)
        await change(it, agents=HANDED_OVER)
        assert it.system.approvals.could_decide([it.system.approvals.get(held.action)], "bea") == set()
        with pytest.raises(Forbidden) as refused:
            await decide(it, held.action, "bea")
        assert refused.value.code == "approval.own"
        await decide(it, held.action, "dora")
        assert (await it.result(held.action, asking)).status == "done"


async def test_who_sponsored_it_when_it_asked_does_not_approve_it_after_handing_it_over(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        await change(it, agents=HANDED_OVER)
        with pytest.raises(Forbidden) as refused:
            await decide(it, held.action, "sam")
        assert refused.value.code == "approval.own"


async def test_an_approval_of_who_became_the_sponsor_before_it_was_used_is_asked_again(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        await vote(it, held.action, "bea")
        await change(it, agents=HANDED_OVER)
        await take_up(it)
        again = it.system.approvals.get(held.action)
        assert (again.state, again.round, it.plant.executions()) == ("waiting", 1, 0)
        assert again.difference is not None and again.difference.startswith("an approval counts no more")
        assert void(it) == [("bea", "behind")]
        with pytest.raises(Forbidden):
            await decide(it, held.action, "bea")
        await decide(it, held.action, "dora")
        assert (await it.result(held.action)).status == "done"


@pytest.mark.parametrize(
    ("now", "why"),
    [("roles: [], access: [approver]", "role"), ("roles: [boss], access: [viewer]", "standing"), (None, "standing")],
)
async def test_an_approval_whose_giver_may_not_any_longer_is_not_used(
    tmp_path: Path, database_url: str, now: str | None, why: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        await vote(it, held.action, "bea")
        if now is None:
            await leave(it, "bea")
        else:
            bea = "email: bea@acme.example, roles: [boss], access: [approver]"
            assert bea in STAFF
            people = organisation()["people.yaml"].replace(bea, f"email: bea@acme.example, {now}")
            await change(it, people=people)
        await take_up(it)
        again = it.system.approvals.get(held.action)
        assert (again.state, again.waits_for, it.plant.executions()) == ("waiting", ("boss",), 0)
        assert void(it) == [("bea", why)]
        await decide(it, held.action, "dora")
        assert (await it.result(held.action)).status == "done"
        (intent,) = it.leaves("intent")
        assert intent["decision"]["approvals"] == ["boss"]


async def test_an_approval_given_by_virtue_of_a_group_ends_with_the_membership(
    tmp_path: Path, database_url: str
) -> None:
    bosses = organisation() | {"corporate.yaml": PROVIDER.format(name="corporate")}
    async with works(tmp_path, database_url, files=bosses) as it:
        identity, by = it.system.identity, "person:ada"
        told = WantedAccount("mia@acme.example", True, "mia", "mia@acme.example")
        mia = identity.create_account("corporate", told, by).id
        group = identity.create_group("corporate", WantedGroup("Bosses", members=(mia,)), by)
        held = await it.ask("pay", **BIG)
        await vote(it, held.action, mia)
        await it.system.watch.refresh()
        before = it.system.watch.identity
        identity.change_group("corporate", group.id, lambda _: WantedGroup("Bosses"), by)
        await it.system.watch.refresh()
        assert it.system.watch.identity > before, "what is just being decided is decided again"
        await take_up(it)
        assert (it.system.approvals.get(held.action).state, void(it)) == ("waiting", [(mia, "standing")])
        assert it.plant.executions() == 0


async def test_of_two_who_are_needed_one_has_left_before_the_other_approves(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(TWO)) as it:
        held = await it.ask("pay", **BIG)
        await vote(it, held.action, "bea")
        await leave(it, "bea")
        await decide(it, held.action, "dora")
        waiting = it.system.approvals.get(held.action)
        assert (waiting.state, waiting.waits_for, waiting.round) == ("waiting", ("boss",), 0), "dora's word counts"
        assert void(it) == [("bea", "standing")] and it.plant.executions() == 0
        await decide(it, held.action, "emil")
        assert (await it.result(held.action)).status == "done"


async def test_a_deputy_speaks_for_nobody_who_has_left_but_may_have_spoken_before_they_came_back(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=files(TWO)) as it:
        absences, at = it.system.absences, it.leaves()[-1]["at"]
        for person in ("bea", "dora"):
            await asyncio.to_thread(absences.declare, person, "greta", at, at + DAY, f"person:{person}")
        first, second = [await it.ask("pay", **BIG, case=f"c{n}") for n in range(2)]
        for held in (first, second):
            shown = it.system.approvals.get(held.action).shown
            await asyncio.to_thread(it.system.approvals.decide, held.action, "greta", "approve", shown)
        (spoken_for,) = {one.instead_of for one in it.system.approvals.get(first.action).given}
        other = "dora" if spoken_for == "bea" else "bea"
        (absence,) = [each for each in absences.absences() if each.person == spoken_for]
        await asyncio.to_thread(absences.end, absence.id, f"person:{spoken_for}")
        await decide(it, first.action, "emil")
        assert (await it.result(first.action)).status == "done", "greta spoke while they were away"
        await leave(it, spoken_for or "")
        await vote(it, second.action, other)
        assert it.system.approvals.get(second.action).waits_for == ("boss",)
        assert void(it) == [("greta", "standing")]
