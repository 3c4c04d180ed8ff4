"""Budgets as declared: every amount has a rate, and no unit's limit is above that of a unit it belongs to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.kernel import money
from autonomy.kernel.errors import Invalid

from .model import BudgetSpec
from .organisation import Organisation, Revision, spec
from .problem import Problem, about


def budgets(organisation: Organisation) -> Iterator[Problem]:
    """Limits that cannot be converted, and limits of units above those of the units they belong to."""
    limits: dict[tuple[str, str, str], list[tuple[Revision, int]]] = {}
    for budget in organisation.all("Budget").values():
        said = spec(budget, BudgetSpec)
        try:
            limit = _minor(organisation, said)
        except Invalid as error:
            yield about(budget, "spec.limit", error.message, error.hint)
            continue
        if said.scope.unit:
            limits.setdefault((said.scope.unit, said.measure, said.period), []).append((budget, limit))
    for (unit, measure, period), own in limits.items():
        for ancestor in organisation.lineage(unit)[1:]:
            for wide, most in limits.get((ancestor, measure, period), []):
                yield from _above(own, wide, most)


def outside(organisation: Organisation) -> Iterator[Problem]:
    """Budgets that a unit declares for a unit or an agent which is not below it."""
    for budget in organisation.all("Budget").values():
        scope = spec(budget, BudgetSpec).scope
        agent = organisation.get("Agent", scope.agent) if scope.agent else None
        bound = agent.unit if agent else scope.unit
        if bound and organisation.lineage(bound) and budget.unit not in organisation.lineage(bound):
            hint = f"declare it in `{bound}` or in a unit above it"
            yield about(budget, "spec.scope", f"`{budget.unit}` cannot limit what belongs to `{bound}`", hint)


def _above(own: list[tuple[Revision, int]], wide: Revision, most: int) -> Iterator[Problem]:
    for budget, limit in own:
        if limit > most:
            unit, limit_there = spec(wide, BudgetSpec).scope.unit, spec(wide, BudgetSpec).limit
            yield about(
                budget,
                "spec.limit",
                f"the limit is above that of the unit `{unit}`: `{limit_there}` in budget `{wide.name}`",
                "lower it, or raise the one above first",
            )


def _minor(organisation: Organisation, said: BudgetSpec) -> int:
    """The limit in minor units of the base currency; calls and tokens as they are."""
    if isinstance(said.limit, int):
        return said.limit
    currency = organisation.currency
    return currency.minor(*money.parse(said.limit, currency.base))
