"""Budgets and how much of them is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from autonomy.budget import amount_in_words, spend
from autonomy.budget.forecast import Forecast, outlook
from autonomy.budget.store import Spend
from autonomy.budget.warnings import crossings
from autonomy.catalog.budget import Measure, Period, ScopeKind
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import NotFound

from ..access import allowed
from ..answers import PAGE, After, Answer, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..parts import Parts
from ..route import api

router = api("budgets")

Reader = Annotated[PersonCaller, allowed(Permission.BUDGET_ACCOUNT_READ)]


class ForecastAnswer(Answer):
    """What becomes of a limit if its users go on as they did in this period, which ends at `ends`.

    `per_hour` is the rate of use and `at_end` what will have been used by then, both null while it is too early to
    say. `reached_at` is when the limit is reached; null where it lasts.
    """

    ends: int
    per_hour: int | None
    at_end: int | None
    reached_at: int | None
    summary: str = Field(examples=["used up on 2026-11-24 at 08:30 UTC"])


class BudgetAnswer(Answer):
    """A limit in the period that began at `since`. Money is minor units of `currency`; calls and tokens are counts.

    `parent` is the nearest limit that binds all this one binds; `warn` the amount from which its users are warned.
    """

    name: str
    unit: str
    scope: ScopeKind
    target: str = Field(description="the unit, agent, role, workflow or tool that is bound")
    parent: str | None
    measure: Measure
    period: Period
    since: int
    currency: str | None
    limit: int
    settled: int
    reserved: int
    left: int
    percent: int = Field(description="of the limit used, rounded down")
    warn: int | None
    warned: bool = Field(description="whether the warning is reached")
    forecast: ForecastAnswer
    summary: str = Field(examples=["1,200.00 EUR of 25,000.00 EUR"])


class CrossingAnswer(Answer):
    """`action` took the budget to `used` at `at`, which was `warn` or more of its `limit`."""

    action: str
    at: int
    used: int
    warn: int
    limit: int


class BudgetDetailAnswer(BudgetAnswer):
    """A limit with those above it, nearest first, those directly below it, and when it last came to its warning."""

    above: list[str]
    below: list[str]
    tell: list[str] = Field(description="roles whose holders are told of a warning")
    crossings: list[CrossingAnswer]


@router.get("/budgets", summary="budgets and what is spent")
def list_budgets(
    _person: Reader,
    here: Here,
    target: Annotated[str | None, Query(max_length=200, description="what is bound")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[BudgetAnswer]:
    """Every declared limit by name, as it stands now."""
    at, currency, found = _spent(here)
    wanted = (one for one in found if target in (None, one.limit.scope))
    items, following = page(wanted, lambda one: one.limit.name, after, limit)
    return Page(items=[BudgetAnswer(**_budget(one, currency, at)) for one in items], next=following)


@router.get("/budgets/{name}", summary="one budget", responses=refusals(404))
def describe_budget(name: str, _person: Reader, here: Here) -> BudgetDetailAnswer:
    """How it stands, where it belongs, and when it came to its warning."""
    at, currency, found = _spent(here)
    by_name = {one.limit.name: one for one in found}
    if name not in by_name:
        raise NotFound(f"there is no budget `{name[:80]}`", code="budget.unknown")
    with here.system.database.reading() as connection:
        crossed = crossings(connection, name)
    return BudgetDetailAnswer(
        **_budget(by_name[name], currency, at),
        above=list(_above(by_name, name)),
        below=[one.limit.name for one in found if one.limit.parent == name],
        tell=list(by_name[name].limit.tell),
        crossings=[
            CrossingAnswer(action=one.action, at=one.at, used=one.used, warn=one.warn, limit=one.limit)
            for one in crossed
        ],
    )


def most_used(here: Parts, count: int) -> list[BudgetAnswer]:
    """The limits of which most is used, the most used first."""
    at, currency, found = _spent(here)
    ordered = sorted(found, key=lambda one: (-one.percent, one.limit.name))
    return [BudgetAnswer(**_budget(one, currency, at)) for one in ordered[:count]]


def _spent(here: Parts) -> tuple[int, str, list[Spend]]:
    """The time, the base currency, and every limit as it stands at that time."""
    organisation, at = here.system.catalog.organisation(), here.clock()
    with here.system.database.reading() as connection:
        return at, organisation.currency.base, spend(connection, organisation, at)


def _above(found: Mapping[str, Spend], name: str) -> Iterator[str]:
    while (parent := found[name].limit.parent) is not None:
        yield parent
        name = parent


def _budget(one: Spend, currency: str, at: int) -> dict[str, Any]:
    limit = one.limit

    def say(amount: int) -> str:
        return amount_in_words(amount, limit.measure, currency)

    return {
        "name": limit.name,
        "unit": limit.unit,
        "scope": limit.scope_kind,
        "target": limit.scope,
        "parent": limit.parent,
        "measure": limit.measure,
        "period": limit.period,
        "since": one.since,
        "currency": currency if limit.measure == "money" else None,
        "limit": limit.amount,
        "settled": one.balance.settled,
        "reserved": one.balance.reserved,
        "left": one.left,
        "percent": one.percent,
        "warn": limit.warn,
        "warned": limit.warn is not None and one.balance.used >= limit.warn,
        "forecast": _forecast(one.forecast(at), at, say),
        "summary": f"{say(one.balance.used)} of {say(limit.amount)}",
    }


def _forecast(found: Forecast, at: int, say: Callable[[int], str]) -> ForecastAnswer:
    return ForecastAnswer(
        ends=found.ends,
        per_hour=found.per_hour,
        at_end=found.at_end,
        reached_at=found.reached_at,
        summary=outlook(found, at, say),
    )
