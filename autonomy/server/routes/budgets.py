"""Budgets and how much of them is used."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from autonomy.budget.model import ScopeKind
from autonomy.budget.store import Spend, spend
from autonomy.catalog.model import Measure, Period
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.money import show

from ..access import allowed
from ..answers import PAGE, After, Answer, Limit, Page
from ..paging import page
from ..parts import Here
from ..route import api

router = api("budgets")

Reader = Annotated[PersonCaller, allowed(Permission.BUDGET_ACCOUNT_READ)]


class BudgetAnswer(Answer):
    """A limit in the period that began at `since`. Money is minor units of `currency`; calls and tokens are counts."""

    name: str
    unit: str
    scope: ScopeKind
    target: str = Field(description="the unit, agent or tool that is bound")
    measure: Measure
    period: Period
    since: int
    currency: str | None
    limit: int
    settled: int
    reserved: int
    left: int
    summary: str = Field(examples=["1,200.00 EUR of 25,000.00 EUR"])


@router.get("/budgets", summary="budgets and what is spent")
def list_budgets(
    _person: Reader,
    here: Here,
    target: Annotated[str | None, Query(max_length=200, description="the unit, agent or tool that is bound")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[BudgetAnswer]:
    """Every declared limit by name, as it stands now."""
    organisation = here.system.catalog.organisation()
    with here.system.database.reading() as connection:
        found = spend(connection, organisation, here.clock())
    wanted = (one for one in found if target in (None, one.limit.scope))
    items, following = page(wanted, lambda one: one.limit.name, after, limit)
    return Page(items=[_budget(one, organisation.currency.base) for one in items], next=following)


def _budget(one: Spend, currency: str) -> BudgetAnswer:
    limit, money = one.limit, one.limit.measure == "money"

    def say(amount: int) -> str:
        return show(amount, currency) if money else f"{amount:,} {limit.measure}"

    return BudgetAnswer(
        name=limit.name,
        unit=limit.unit,
        scope=limit.scope_kind,
        target=limit.scope,
        measure=limit.measure,
        period=limit.period,
        since=one.since,
        currency=currency if money else None,
        limit=limit.amount,
        settled=one.balance.settled,
        reserved=one.balance.reserved,
        left=one.left,
        summary=f"{say(one.balance.used)} of {say(limit.amount)}",
    )
