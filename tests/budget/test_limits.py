"""Which limits bind whom, and which declarations are refused."""

from __future__ import annotations

import pytest

from autonomy.budget import limits_for
from autonomy.budget.limits import read_limits
from autonomy.catalog.organisation import Revision
from autonomy.kernel.errors import Invalid
from tests.budget.organisations import budget, organisation

COMPANY = organisation(
    budget("company-month", {"unit": "larkspur"}, "50000.00", period="month"),
    budget("procurement-month", {"unit": "procurement"}, "20000.00 EUR", period="month"),
    budget("buyer-calls", {"agent": "buyer-1"}, 100, "calls", "hour"),
    budget("payments-day", {"tool": "payment.*"}, "5000"),
    budget("sourcing-orders", {"tool": "order.create"}, 10, "calls", unit="procurement"),
)


@pytest.mark.parametrize(
    ("agent", "unit", "tool", "bound"),
    [
        ("buyer-1", "procurement", "stock.get", ["buyer-calls", "company-month", "procurement-month"]),
        ("buyer-2", "sourcing", "stock.get", ["company-month", "procurement-month"]),
        ("buyer-2", "sourcing", "order.create", ["company-month", "procurement-month", "sourcing-orders"]),
        ("payables-1", "finance", "payment.release", ["company-month", "payments-day"]),
        ("payables-1", "finance", "payments", ["company-month"]),
        ("payables-1", "finance", "order.create", ["company-month"]),
        ("nobody", "nowhere", "payment.release", []),
    ],
)
def test_an_action_is_bound_by_its_agent_its_units_up_to_the_root_and_its_tool(
    agent: str, unit: str, tool: str, bound: list[str]
) -> None:
    assert [limit.name for limit in limits_for(COMPANY, agent, unit, tool)] == bound


def test_the_limits_of_one_organisation_are_not_taken_for_those_of_the_next() -> None:
    before = organisation(budget("b", {"unit": "larkspur"}, "100"))
    after = organisation(budget("b", {"unit": "larkspur"}, "200"))
    found = [limits_for(each, "buyer-1", "procurement", "t")[0].amount for each in (before, after, before)]
    assert found == [100_00, 200_00, 100_00]


@pytest.mark.parametrize(
    ("limit", "measure", "minor"),
    [("1200.00 EUR", "money", 120_000), ("1200", "money", 120_000), (7, "tokens", 7)],
)
def test_a_limit_is_read_in_minor_units_or_as_a_plain_number(limit: str | int, measure: str, minor: int) -> None:
    (found,) = read_limits(organisation(budget("b", {"unit": "finance"}, limit, measure)))
    assert found.amount == minor


def test_a_converted_limit_is_never_larger_than_what_was_declared() -> None:
    found = read_limits(organisation(budget("b", {"unit": "finance"}, "0.99 USD"), rates={"USD": "0.937"}))
    assert found[0].amount == 92  # 0.92763 EUR


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (budget("b", {"unit": "atlantis"}, "1"), "budget.scope"),
        (budget("b", {"agent": "nobody"}, "1"), "budget.scope"),
        (budget("b", {"unit": "finance"}, "1", unit="procurement"), "budget.scope"),
        (budget("b", {"unit": "larkspur"}, "1", unit="procurement"), "budget.scope"),
        (budget("b", {"agent": "payables-1"}, "1", unit="procurement"), "budget.scope"),
        (budget("b", {"unit": "finance"}, "10.00 USD"), "money.no_rate"),
        (budget("b", {"unit": "finance"}, "900000000000000.00"), "money.too_large"),
    ],
)
def test_a_budget_that_makes_no_sense_lets_nothing_be_spent(declared: Revision, code: str) -> None:
    company = organisation(declared)
    with pytest.raises(Invalid) as caught:
        limits_for(company, "buyer-1", "procurement", "stock.get")
    assert caught.value.code == code
