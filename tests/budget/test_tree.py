"""Budgets as a tree: who lies below whom, what is refused, and that every limit above is charged."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.budget import Balance, charges, judge, limits_for
from autonomy.budget.limits import read_limits
from autonomy.budget.model import Charge, Limit, Usage
from autonomy.budget.rules import reserve, settle
from autonomy.catalog.allowances import Tree, budgets
from autonomy.catalog.organisation import Organisation, Revision
from tests.budget.organisations import AGENTS, UNITS, budget, organisation
from tests.examples import tried

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z

COMPANY = organisation(
    budget("company-month", {"unit": "larkspur"}, "9000", period="month"),
    budget("company-day", {"unit": "larkspur"}, "900"),
    budget("procurement-day", {"unit": "procurement"}, "500"),
    budget("sourcing-day", {"unit": "sourcing"}, "300"),
    budget("sourcing-hour", {"unit": "sourcing"}, "300", period="hour"),
    budget("buyer-2-day", {"agent": "buyer-2"}, "200"),
    budget("buyers-day", {"role": "buyer"}, "400", unit="procurement"),
    budget("onboarding-day", {"workflow": "vendor-onboarding"}, "100", unit="sourcing"),
    budget("orders-day", {"tool": "order.*"}, "350", unit="procurement"),
    budget("orders-placed-day", {"tool": "order.create"}, "350", unit="sourcing"),
    budget("everything-day", {"tool": "*"}, "800"),
    budget("calls-day", {"tool": "order.create"}, 10, "calls"),
)


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("company-month", None),
        ("company-day", "company-month"),
        ("procurement-day", "company-day"),
        ("sourcing-day", "procurement-day"),
        ("sourcing-hour", "sourcing-day"),
        ("buyer-2-day", "sourcing-day"),
        ("buyers-day", "procurement-day"),
        ("onboarding-day", "sourcing-day"),
        ("orders-placed-day", "orders-day"),
        ("orders-day", "everything-day"),
        ("calls-day", None),
    ],
)
def test_the_parent_is_the_nearest_limit_that_binds_all_this_one_binds(name: str, parent: str | None) -> None:
    (found,) = [limit for limit in read_limits(COMPANY) if limit.name == name]
    assert found.parent == parent


def problems(*declared: Revision) -> list[str]:
    return [f"{problem.name}: {problem.field}: {problem.message}" for problem in budgets(organisation(*declared))]


PARENT = budget("above", {"unit": "procurement"}, "500.00")


@pytest.mark.parametrize(
    "child",
    [
        budget("b", {"unit": "sourcing"}, "500.01"),
        budget("b", {"agent": "buyer-2"}, "500.01"),
        budget("b", {"role": "buyer"}, "500.01", unit="sourcing"),
        budget("b", {"workflow": "onboarding"}, "500.01", unit="procurement"),
        budget("b", {"tool": "order.create"}, "500.01", unit="procurement"),
        budget("b", {"unit": "procurement"}, "500.01", period="hour"),
    ],
    ids=lambda child: str(child.spec.scope.subject),
)
def test_a_limit_above_that_of_its_parent_is_refused_with_its_field_and_what_would_be_right(child: Revision) -> None:
    period = " a day" if child.spec.period == "hour" else ""
    assert problems(PARENT, child) == [
        f"b: spec.limit: the limit is above that of the unit `procurement`: `500.00`{period} in budget `above`"
    ]
    (problem,) = budgets(organisation(PARENT, child))
    assert problem.hint == "write at most `500.00`, or raise the one above first"


@pytest.mark.parametrize(
    "free",
    [
        budget("b", {"unit": "sourcing"}, "500.00"),
        budget("b", {"unit": "larkspur"}, "500.01"),
        budget("b", {"unit": "finance"}, "500.01"),
        budget("b", {"unit": "procurement"}, "500.01"),
        budget("b", {"unit": "sourcing"}, "500.01", period="month"),
        budget("b", {"unit": "sourcing"}, 50_001, "calls"),
        budget("b", {"agent": "payables-1"}, "500.01"),
        budget("b", {"role": "buyer"}, "500.01"),
        budget("b", {"tool": "order.create"}, "500.01"),
    ],
    ids=lambda free: str(free.spec.scope.subject),
)
def test_a_limit_that_is_not_below_another_is_compared_with_none(free: Revision) -> None:
    assert problems(PARENT, free) == []


def test_the_tightest_of_all_limits_above_counts_however_far_above_it_is() -> None:
    found = problems(
        budget("company", {"unit": "larkspur"}, "100"), PARENT, budget("agent", {"agent": "buyer-2"}, "200")
    )
    assert [line.partition(":")[0] for line in found] == ["above", "agent"]
    assert all("in budget `company`" in line for line in found)


def test_a_tool_lies_below_every_pattern_that_covers_it() -> None:
    found = problems(budget("wide", {"tool": "order.*"}, "5"), budget("narrow", {"tool": "order.line.add"}, "6"))
    assert found == ["narrow: spec.limit: the limit is above that of the tool `order.*`: `5` in budget `wide`"]


ROLES = ("buyer", "payer")
TOOLS = ("order.create", "order.line.add", "pay")
scopes = st.one_of(
    st.sampled_from([{"unit": unit} for unit in UNITS]),
    st.sampled_from([{"agent": agent} for agent in AGENTS]),
    st.sampled_from([{"role": role} for role in ROLES]),
    st.just({"workflow": "onboarding"}),
    st.sampled_from([{"tool": pattern} for pattern in (*TOOLS, "order.*", "order.line.*", "*")]),
)


@st.composite
def companies(draw: st.DrawFn) -> Organisation:
    """Any tree of budgets in which no child is larger than its parent."""
    count = draw(st.integers(1, 8))
    declared: list[Revision] = []
    for number in range(count):
        scope, period = draw(scopes), draw(st.sampled_from(["hour", "day", "month"]))
        unit = "larkspur" if "unit" in scope or "agent" in scope else draw(st.sampled_from(sorted(UNITS)))
        wanted = budget(f"b{number}", scope, f"{draw(st.integers(1, 40))}.00", period=period, unit=unit)
        if not list(budgets(organisation(*declared, wanted))):
            declared.append(wanted)
    return organisation(*declared)


actions = st.tuples(
    st.sampled_from(sorted(AGENTS)),
    st.sampled_from(TOOLS),
    st.sets(st.sampled_from(ROLES)),
    st.sampled_from([None, "onboarding"]),
    st.integers(1, 1_500),
)


def bound(company: Organisation, action: tuple[str, str, set[str], str | None, int]) -> tuple[Limit, ...]:
    agent, tool, roles, workflow, _ = action
    return limits_for(company, agent, AGENTS[agent], tool, sorted(roles), workflow)


@settings(max_examples=tried(200), deadline=None)
@given(companies(), actions)
def test_whoever_is_charged_every_limit_above_is_charged_too(
    company: Organisation, action: tuple[str, str, set[str], str | None, int]
) -> None:
    tree = Tree(company)
    charged = {limit.name for limit in bound(company, action)}
    for found in tree.all():
        if found.budget.name in charged:
            assert {above.budget.name for above in tree.above(found)} <= charged


@settings(max_examples=tried(150), deadline=None)
@given(companies(), st.lists(actions, min_size=5, max_size=60), st.randoms(use_true_random=False))
def test_over_any_tree_nothing_is_overspent_and_nothing_refused_that_would_fit(
    company: Organisation, asked: list[tuple[str, str, set[str], str | None, int]], luck: random.Random
) -> None:
    accounts: dict[str, Balance] = {}
    under_way: list[tuple[Charge, ...]] = []
    for action in asked:
        wanted = charges(bound(company, action), NOON, action[-1])
        refusal = judge(wanted, accounts)
        fits = all(used(accounts, each) + each.amount <= each.limit for each in wanted)
        assert (refusal is None) == fits
        if refusal is None:
            accounts.update(reserve(accounts, wanted))
            under_way.append(wanted)
        if under_way and luck.random() < 0.5:
            done = under_way.pop(luck.randrange(len(under_way)))
            taken = luck.randint(0, max((each.amount for each in done), default=0))
            accounts.update(settle(accounts, done, Usage(taken, 1, 0)).balances)
        assert all(used(accounts, each) <= each.limit for each in every_charge(company))
    assert_children_within_parents(company, accounts)


def used(accounts: dict[str, Balance], charge: Charge) -> int:
    return accounts.get(charge.account, Balance()).used


def every_charge(company: Organisation) -> Iterator[Charge]:
    yield from charges(read_limits(company), NOON, 1)


def assert_children_within_parents(company: Organisation, accounts: dict[str, Balance]) -> None:
    """What a child has used, its parent has used at least as much of, for all of it was charged to both."""
    by_name = {charge.budget: used(accounts, charge) for charge in every_charge(company)}
    for limit in read_limits(company):
        if limit.parent is not None:
            assert by_name[limit.name] <= by_name[limit.parent]
