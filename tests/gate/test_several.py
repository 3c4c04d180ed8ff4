"""Approvals of several people at the door: as many as the rules ask when it is done, not when it was asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import Conflict, Forbidden, Invalid
from tests.approvals.house import Time
from tests.gate.works import POLICY, Works, organisation, say, works
from tests.house import declare

TWO = POLICY.replace('@escalate("boss")', '@approvals("2 of boss")')
THREE = (
    TWO
    + """
@id("hot-three")
@outcome("require_approval")
@approvals("3 of boss")
forbid (principal, action == Action::"heat", resource)
when { context.facts.level >= 3 }
unless { context.approvals.contains("boss") };
"""
)
MORE_STAFF = """---
apiVersion: autonomy/v1
kind: Person
metadata: { name: emil }
spec: { displayName: emil, email: emil@acme.example, roles: [boss], access: [approver] }
---
apiVersion: autonomy/v1
kind: Person
metadata: { name: greta }
spec: { displayName: greta, email: greta@acme.example, roles: [], access: [approver] }
"""
BIG = {"payee": "x", "amount": "500.00"}


def files(policy: str) -> dict[str, str]:
    found = organisation(policy=policy)
    return found | {"people.yaml": found["people.yaml"] + MORE_STAFF}


async def decide(it: Works, action: str, *people: str) -> None:
    await it.house.approve(action, *people)


async def test_two_of_a_role_are_two_different_people(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(TWO)) as it:
        held = await it.ask("pay", **BIG)
        assert held.message is not None and held.message.startswith("waits for 2 of boss; ")
        await decide(it, held.action, "bea")
        waiting = await it.result(held.action)
        assert waiting.status == "held" and waiting.message is not None
        assert waiting.message.startswith("waits for boss; ")
        with pytest.raises(Conflict):
            await decide(it, held.action, "bea")
        with pytest.raises(Forbidden):
            await decide(it, held.action, "sam")
        await decide(it, held.action, "dora")
        assert (await it.result(held.action)).status == "done"
        assert it.story(held.action) == ["hold", "approval", "approval", "intent", "outcome done"]
        (hold,) = it.leaves("hold")
        assert {(ask["role"], ask["people"]) for ask in hold["asks"]} == {("boss", 2)}


async def test_two_who_approved_are_not_enough_where_the_rules_now_ask_for_three(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=files(THREE)) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        await decide(it, held.action, "bea")
        it.plant.behaves["level"] = say(3)
        await decide(it, held.action, "dora")
        again = it.system.approvals.get(held.action)
        assert (again.state, again.round) == ("waiting", 1)
        assert again.difference is not None and "3 of boss" in again.difference
        assert again.waits_for == ("3 of boss", "chief")
        assert it.plant.executions() == 0


async def test_a_rule_that_was_changed_meanwhile_counts_as_it_is_now(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(POLICY)) as it:
        held = await it.ask("pay", **BIG)
        declare(it.system, files(TWO))
        await decide(it, held.action, "bea")
        again = it.system.approvals.get(held.action)
        assert (again.state, again.waits_for) == ("waiting", ("2 of boss",))
        await decide(it, held.action, "bea", "dora")
        assert (await it.result(held.action)).status == "done"


async def test_what_the_window_adds_in_the_transaction_asks_for_its_people_too(
    tmp_path: Path, database_url: str
) -> None:
    """One approval was enough for the payment alone; by the time it is done, the day's sum wants two."""
    split_wants_two = POLICY.replace(
        '@escalate("boss")\n@expires("1d")\nforbid (principal, action == Action::"pay", resource)\n'
        "when { context.windows",
        '@approvals("2 of boss")\n@expires("1d")\nforbid (principal, action == Action::"pay", resource)\n'
        "when { context.windows",
    )
    assert split_wants_two != POLICY
    async with works(tmp_path, database_url, files=files(split_wants_two)) as it:
        first, second = [await it.ask("pay", payee="x", amount="600.00", case=f"c{n}") for n in range(2)]
        await decide(it, first.action, "bea")
        assert (await it.result(first.action)).status == "done"
        await decide(it, second.action, "bea")
        again = it.system.approvals.get(second.action)
        assert (again.state, again.waits_for) == ("waiting", ("2 of boss",))
        assert it.plant.executions() == 1


async def test_a_deputy_of_somebody_away_approves_in_their_place(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(TWO)) as it:
        absences, at = it.system.absences, it.leaves()[-1]["at"]
        held = await it.ask("pay", **BIG)
        with pytest.raises(Forbidden):
            await decide(it, held.action, "greta")
        await asyncio.to_thread(absences.declare, "bea", "greta", at, at + DAY, "person:bea")
        await decide(it, held.action, "greta")
        with pytest.raises(Conflict):
            await decide(it, held.action, "bea")
        await decide(it, held.action, "dora")
        assert (await it.result(held.action)).status == "done"
        votes = [leaf for leaf in it.leaves("approval") if leaf["event"] == "approve"]
        assert [(leaf["actor"], leaf.get("instead_of")) for leaf in votes] == [
            ("person:greta", "bea"),
            ("person:dora", None),
        ]


async def test_who_is_behind_the_action_has_no_deputy_for_it(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(POLICY)) as it:
        at = it.leaves()[-1]["at"]
        await asyncio.to_thread(it.system.absences.declare, "sam", "greta", at, at + DAY, "person:sam")
        held = await it.ask("pay", **BIG)
        with pytest.raises(Forbidden) as refused:
            await decide(it, held.action, "greta")
        assert refused.value.code == "approval.own"


async def test_a_viewer_is_nobodys_deputy(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=files(POLICY)) as it:
        at = it.leaves()[-1]["at"]
        with pytest.raises(Forbidden) as refused:
            await asyncio.to_thread(it.system.absences.declare, "bea", "ada", at, at + DAY, "person:bea")
        assert refused.value.code == "absence.deputy"


async def test_people_are_reminded_in_time_and_only_those_who_can_still_decide(
    tmp_path: Path, database_url: str
) -> None:
    time = Time()
    reminding = TWO.replace('@expires("1d")', '@expires("1d") @remind("4h")')
    async with works(tmp_path, database_url, files=files(reminding), clock=time) as it:
        held = await it.ask("pay", **BIG)
        await decide(it, held.action, "bea")
        time.forward(20 * HOUR)
        assert (await asyncio.to_thread(it.system.approvals.sweep)).reminded == 1
        (leaf,) = [leaf for leaf in it.leaves("approval") if leaf["event"] == "remind"]
        assert leaf["to"] == ["boss"] and leaf["state"] == "waiting"


async def test_more_people_than_hold_the_role_are_refused_at_apply_with_file_line_and_fix(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        many = POLICY.replace('@escalate("chief")', '@approvals("2 of chief")')
        line = many[: many.index('@id("heat-chief")')].count("\n") + 1
        with pytest.raises(Invalid) as refused:
            declare(it.system, organisation(policy=many))
        (problem,) = refused.value.detail["problems"]
        assert (problem["file"], problem["line"]) == ("policy.cedar", line)
        assert problem["message"] == "rule `heat-chief` asks for 2 of `chief`, a role that one person holds"
        assert problem["hint"] == "give the role to 1 more, or ask for fewer people"
