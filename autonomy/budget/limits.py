"""From declared Budget manifests to the limits that bind one action."""

from __future__ import annotations

from functools import lru_cache

from autonomy.catalog.model import BudgetScope, BudgetSpec
from autonomy.catalog.organisation import Organisation, Revision, matches
from autonomy.kernel import money
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency

from .model import Limit, ScopeKind

SNAPSHOTS = 2  # the organisation in force and the one before it, which calls under way still hold


def limits_for(organisation: Organisation, agent: str, unit: str, tool: str) -> tuple[Limit, ...]:
    """Every limit that binds `agent` of `unit` when it uses `tool`: its own first, then the others by name.

    A limit of a unit binds its whole subtree. Raises Invalid where a declared budget makes no sense: nothing is
    spent under limits that cannot be read. When an agent acts for another, join the limits of both; `charges`
    counts a limit met twice only once.
    """
    return _book(organisation).binding(agent, unit, tool)


def read_limits(organisation: Organisation) -> tuple[Limit, ...]:
    """Every declared limit, in the order of their names; raises Invalid for the first one that makes no sense."""
    return _book(organisation).limits


@lru_cache(maxsize=SNAPSHOTS)
def _book(organisation: Organisation) -> _Book:
    return _Book(organisation)


class _Book:
    """The limits of one organisation by what they bind; what it remembers is bounded by what is declared."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.limits = tuple(sorted(_limit(organisation, found) for found in organisation.all("Budget").values()))
        self._of_agents: dict[str, tuple[Limit, ...]] = {}
        for limit in self.limits:
            if limit.scope_kind == "agent":
                self._of_agents[limit.scope] = (*self._of_agents.get(limit.scope, ()), limit)
        self._shared: dict[tuple[str, str], tuple[Limit, ...]] = {}

    def binding(self, agent: str, unit: str, tool: str) -> tuple[Limit, ...]:
        shared = self._shared.get((unit, tool))
        if shared is None:
            shared = self._shared[unit, tool] = self._find_shared(unit, tool)
        own = self._of_agents.get(agent)
        return own + shared if own else shared

    def _find_shared(self, unit: str, tool: str) -> tuple[Limit, ...]:
        lineage = self._organisation.lineage(unit)
        return tuple(limit for limit in self.limits if _binds(limit, lineage, tool))


def _binds(limit: Limit, lineage: tuple[str, ...], tool: str) -> bool:
    if limit.scope_kind == "unit":
        return limit.scope in lineage
    return limit.scope_kind == "tool" and limit.unit in lineage and matches([limit.scope], tool)


def _limit(organisation: Organisation, revision: Revision) -> Limit:
    spec = revision.spec
    if not isinstance(spec, BudgetSpec):
        raise Invalid(f"`{revision.name}` is not a budget", code="catalog.kind")
    kind, scope = _scope(spec.scope)
    _confine(organisation, revision, kind, scope)
    amount = _amount(spec.limit, organisation.currency)
    return Limit(revision.name, revision.unit, kind, scope, spec.measure, spec.period, amount)


def _scope(scope: BudgetScope) -> tuple[ScopeKind, str]:
    if scope.unit is not None:
        return "unit", scope.unit
    if scope.agent is not None:
        return "agent", scope.agent
    if scope.tool is not None:
        return "tool", scope.tool
    raise Invalid("a budget binds nobody", code="budget.scope", hint="name one of `unit`, `agent`, `tool`")


def _confine(organisation: Organisation, revision: Revision, kind: ScopeKind, scope: str) -> None:
    """A unit limits only itself and what lies below it; a limit on others would bind nobody and look as if it did."""
    if kind == "tool":
        return
    agent = organisation.get("Agent", scope) if kind == "agent" else None
    place = agent.unit if agent else scope if kind == "unit" else ""
    if revision.unit not in organisation.lineage(place):
        raise Invalid(
            f"the budget `{revision.name}` names the {kind} `{scope}`, which is not in the unit `{revision.unit}`",
            code="budget.scope",
            hint=f"declare it in the unit of `{scope}` or in one above",
        )


def _amount(limit: str | int, currency: Currency) -> int:
    """Calls and tokens as declared; money in minor units, rounded down: conversion never makes a limit larger."""
    if isinstance(limit, int):
        return limit
    amount, code = money.parse(limit, currency.base)
    return -currency.minor(-amount, code)
