"""Budgets of units, agents, roles, workflows and tools at the door: who is charged, who is warned, and how often."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autonomy.budget import spend
from autonomy.budget.warnings import Warnings, crossings
from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.notices import News
from autonomy.protocols.rules import MCP_WORDS, REST_WORDS
from autonomy.tools import Refused
from tests.gate.works import Works, fail, organisation, works
from tests.house import declare


def limit(name: str, scope: str, amount: str, more: str = "", unit: str = "acme") -> str:
    return f"""---
apiVersion: autonomy/v1
kind: Budget
metadata: {{ name: {name}, unit: {unit} }}
spec: {{ scope: {{ {scope} }}, measure: money, period: month, limit: {amount} EUR {more} }}
"""


TREE = organisation(
    budgets=limit("company", "unit: acme", "1000.00", ", warnAt: 80%, tell: [boss]")
    + limit("works", "unit: works", "600.00")
    + limit("w1", "agent: w1", "250.00", ", warnAt: 50%", "works")
    + limit("workers", "role: worker", "550.00", "", "works")
    + limit("refunds", "workflow: refunds", "100.00", "", "works")
    + limit("buying", "tool: buy", "900.00")
)


async def buy(it: Works, amount: str, agent: str = "w1", case: str = "", **more: Any) -> Reply:
    arguments: dict[str, Json] = {"amount": amount}
    return await it.house.ask(agent, "buy", arguments, case=case, **more)


def settled(it: Works) -> dict[str, int]:
    organisation = it.system.catalog.organisation()
    with it.system.database.reading() as connection:
        found = spend(connection, organisation, it.leaves()[-1]["at"])
    assert all(one.balance.reserved == 0 for one in found)
    return {one.limit.name: one.balance.settled for one in found}


async def test_an_action_is_charged_to_every_limit_above_it(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        assert (await buy(it, "20.00")).status == "done"
        assert (await buy(it, "30.00", workflow="refunds")).status == "done"
        assert (await buy(it, "5.00", "clerk", workflow="refunds")).status == "done"
        await it.settle()
        assert settled(it) == {
            "company": 5_500,
            "works": 5_000,
            "w1": 5_000,
            "workers": 5_000,
            "refunds": 3_000,
            "buying": 5_500,
        }


@pytest.mark.parametrize(
    ("budget", "agents", "amount", "more"),
    [
        ("w1", ["w1"] * 3, "90.00", {}),
        ("workers", ["w1", "w2", "w2", "child"], "140.00", {}),
        ("refunds", ["w1", "w2"], "60.00", {"workflow": "refunds"}),
        ("buying", ["clerk"] * 3, "400.00", {}),
    ],
)
async def test_the_limit_that_has_no_room_is_the_one_that_is_named(
    tmp_path: Path, database_url: str, budget: str, agents: list[str], amount: str, more: dict[str, str]
) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        *earlier, last = [await buy(it, amount, agent, f"c{n}", **more) for n, agent in enumerate(agents)]
        assert {reply.status for reply in earlier} == {"done"}
        assert (last.status, last.code, last.detail["budget"]) == ("denied", "budget.exceeded", budget)


async def test_what_waits_for_people_is_charged_to_its_workflow_when_it_is_done(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        arguments: dict[str, Json] = {"payee": "x", "amount": "110.00"}
        held = await it.house.ask("w2", "pay", arguments, workflow="refunds")
        await it.house.approve(held.action, "bea")
        denied = await it.result(held.action, "w2")
        assert (denied.status, denied.code) == ("denied", "budget.exceeded")
        hold = next(leaf for leaf in it.leaves("hold") if leaf["action"] == held.action)
        assert hold["workflow"] == "refunds"


async def test_who_takes_a_budget_to_its_warning_is_told_and_the_log_says_so_once(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        replies = [await buy(it, "62.00", case=f"c{n}") for n in range(4)]
        assert [reply.notices for reply in replies] == [
            (),
            (),
            ("the budget `w1` has come to 186.00 EUR of 250.00 EUR",),
            ("the budget `w1` has come to 248.00 EUR of 250.00 EUR",),
        ]
        (leaf,) = it.leaves("budget")
        assert {name: leaf[name] for name in ("event", "budget", "measure", "limit", "warn", "used", "crossed_by")} == {
            "event": "warned",
            "budget": "w1",
            "measure": "money",
            "limit": 25_000,
            "warn": 12_500,
            "used": 18_600,
            "crossed_by": replies[2].action,
        }
        with it.system.database.reading() as connection:
            (crossing,) = crossings(connection, "w1")
        assert (crossing.action, crossing.used) == (replies[2].action, 18_600)


async def test_of_many_spends_at_once_through_two_processes_one_crosses(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=TREE) as it, works(tmp_path, database_url, it.plant) as other:
        for system in (it, other):
            await system.house.meet("w1", "w2")
        calls = [buy((it, other)[n % 2], "10.00", ("w1", "w2")[n % 2], f"c{n}") for n in range(48)]
        replies = await asyncio.gather(*calls)
        assert Counter(reply.status for reply in replies) == {"done": 48}
        (leaf,) = it.leaves("budget")
        assert leaf["budget"] == "w1" and leaf["used"] == 13_000
        assert sum(bool(reply.notices) for reply in replies) == 24 - 12


async def test_a_warning_is_not_repeated_where_what_was_reserved_comes_back_but_is_after_the_limit_was_raised(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        arguments: dict[str, Json] = {"amount": "130.00"}
        it.plant.behaves["buy"] = fail(Refused("no"))
        for number in range(2):
            await it.house.ask("w1", "buy", arguments, case=f"c{number}")
        assert len(it.leaves("budget")) == 1
        raised = TREE["budgets.yaml"].replace("limit: 250.00", "limit: 260.00")
        declare(it.system, TREE | {"budgets.yaml": raised})
        await it.house.ask("w1", "buy", arguments, case="c3")
        assert [leaf["warn"] for leaf in it.leaves("budget")] == [12_500, 13_000]


async def test_people_are_told_of_a_warning_once(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        told: list[News] = []
        system = it.system
        warnings = Warnings(
            system.database,
            system.queue,
            system.watch.organisation,
            system.identity.holders,
            lambda _tx, news, _at: told.append(news),
        )
        await buy(it, "850.00", "clerk")
        assert await asyncio.to_thread(warnings.tell) == 1
        assert await asyncio.to_thread(warnings.tell) == 0
        (news,) = told
        assert news.kind == "budget.warned" and sorted(news.people()) == ["bea", "dora", "olga", "sam"]
        assert (news.facts["budget"], news.facts["limit"], news.facts["used"]) == ("company", 100_000, 85_000)
        assert "850.00 EUR of 1,000.00 EUR a month" in news.text


async def test_a_child_above_its_parent_is_refused_at_apply_with_file_line_and_fix(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url, files=TREE) as it:
        wide = TREE["budgets.yaml"].replace("limit: 550.00 EUR", "limit: 600.01 EUR")
        line = next(number for number, text in enumerate(wide.splitlines(), 1) if "limit: 600.01" in text)
        with pytest.raises(Invalid) as refused:
            declare(it.system, TREE | {"budgets.yaml": wide})
        (problem,) = refused.value.detail["problems"]
        assert (problem["file"], problem["line"], problem["field"]) == ("budgets.yaml", line, "spec.limit")
        assert "above that of the unit `works`" in problem["message"]
        assert problem["hint"] == "write at most `600.00 EUR`, or raise the one above first"


def test_no_agent_names_the_workflow_whose_budget_it_uses_up() -> None:
    assert "workflow" not in {*REST_WORDS.values(), *MCP_WORDS.values()}
