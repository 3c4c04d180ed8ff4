"""Budgets as declared: every amount has a rate, and no limit is above one that binds all it binds. Pure.

Budgets form a tree by what they bind. A limit lies below another of the same measure where everything it binds is bound
by the other as well: a unit below its parents, an agent below its units, a role, a workflow or a tool below the unit
that declares the limit, `order.create` below `order.*`, an hour below a day below a month. An action is charged to the
limits that bind it, and therefore to every limit above them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from autonomy.kernel import money
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency

from .budget import BudgetSpec, ScopeKind
from .model import AgentSpec
from .organisation import Organisation, Revision, spec
from .problem import Problem, about

_PERIODS = ("hour", "day", "month")
_DECLARED_PLACE = frozenset({"role", "workflow", "tool"})
"""Kinds whose limits bind only in the unit that declares them and below it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One declared budget. `place` are the units it lies in, nearest first; `exact` is its limit without rounding."""

    budget: Revision
    said: BudgetSpec
    kind: ScopeKind
    subject: str
    place: tuple[str, ...]
    exact: Decimal

    @property
    def length(self) -> int:
        """How long its period is, among hour, day and month."""
        return _PERIODS.index(self.said.period)


class Tree:
    """The budgets of an organisation, each with those above it. Raises Invalid where an amount cannot be read."""

    def __init__(self, organisation: Organisation) -> None:
        self._by_subject: defaultdict[tuple[ScopeKind, str], list[Allowance]] = defaultdict(list)
        for budget in organisation.all("Budget").values():
            found = allowance(organisation, budget)
            self._by_subject[found.kind, found.subject].append(found)

    def all(self) -> Iterator[Allowance]:
        """Every budget."""
        for found in self._by_subject.values():
            yield from found

    def above(self, lower: Allowance) -> list[Allowance]:
        """The budgets that bind all that `lower` binds, nearest first: by unit, then by period, then by amount."""
        found = [
            (distance, upper.length, upper.exact, upper.budget.name, upper)
            for distance, subject in enumerate(_wider(lower))
            for upper in self._by_subject.get(subject, ())
            if _contains(upper, lower)
        ]
        return [upper for *_, upper in sorted(found, key=lambda one: one[:-1])]


def allowance(organisation: Organisation, budget: Revision) -> Allowance:
    """The budget with its subject, its place and its amount; raises Invalid where the amount cannot be read."""
    said = spec(budget, BudgetSpec)
    kind, subject = said.scope.subject
    place = organisation.lineage(_place(organisation, budget, kind, subject))
    return Allowance(budget, said, kind, subject, place, _exact(said, organisation.currency))


def amount_of(said: BudgetSpec, currency: Currency) -> int:
    """Calls and tokens as declared; money in minor units, rounded down: conversion never makes a limit larger."""
    if isinstance(said.limit, int):
        return said.limit
    amount, code = money.parse(said.limit, currency.base)
    return -currency.minor(-amount, code)


def _exact(said: BudgetSpec, currency: Currency) -> Decimal:
    if isinstance(said.limit, int):
        return Decimal(said.limit)
    return currency.exact(*money.parse(said.limit, currency.base))


def budgets(organisation: Organisation) -> Iterator[Problem]:
    """Limits that cannot be converted, and limits above one of those they lie below."""
    unread = list(_unread(organisation))
    if unread:
        yield from unread
        return
    tree = Tree(organisation)
    for lower in tree.all():
        tightest = min(tree.above(lower), key=lambda upper: upper.exact, default=None)
        if tightest is not None and lower.exact > tightest.exact:
            yield _too_large(lower, tightest)


def outside(organisation: Organisation) -> Iterator[Problem]:
    """Budgets that a unit declares for a unit or an agent which is not below it."""
    for budget in organisation.all("Budget").values():
        scope = spec(budget, BudgetSpec).scope
        agent = organisation.get("Agent", scope.agent) if scope.agent else None
        bound = agent.unit if agent else scope.unit
        if bound and organisation.lineage(bound) and budget.unit not in organisation.lineage(bound):
            hint = f"declare it in `{bound}` or in a unit above it"
            yield about(budget, "spec.scope", f"`{budget.unit}` cannot limit what belongs to `{bound}`", hint)


def _place(organisation: Organisation, budget: Revision, kind: ScopeKind, subject: str) -> str:
    """The unit in which the budget binds: all it binds lies there or below."""
    if kind == "unit":
        return subject
    agent = organisation.get("Agent", subject) if kind == "agent" else None
    return agent.unit if agent and isinstance(agent.spec, AgentSpec) else budget.unit


def _wider(lower: Allowance) -> Iterator[tuple[ScopeKind, str]]:
    """The subjects that may contain that of `lower`, nearest first, its own included."""
    yield lower.kind, lower.subject
    if lower.kind == "tool":
        yield from (("tool", pattern) for pattern in _patterns(lower.subject))
    yield from (("unit", unit) for unit in lower.place if ("unit", unit) != (lower.kind, lower.subject))


def _patterns(tool: str) -> Iterator[str]:
    """The patterns that cover a tool's name or pattern, narrowest first: `a.b.c` is covered by `a.b.*`, `a.*`, `*`."""
    parts = tool.removesuffix(".*").split(".")
    yield from (".".join(parts[:count]) + ".*" for count in range(len(parts) - 1, 0, -1))
    if tool != "*":
        yield "*"


def _contains(upper: Allowance, lower: Allowance) -> bool:
    """Whether all that `lower` binds is bound by `upper` too, given that the subjects fit."""
    if upper.said.measure != lower.said.measure or upper.length < lower.length:
        return False
    if upper.kind in _DECLARED_PLACE and upper.place[0] not in lower.place:
        return False
    # Two limits on the very same thing are equals: neither is above the other.
    same = (upper.kind, upper.subject, upper.place) == (lower.kind, lower.subject, lower.place)
    return not same or upper.length > lower.length


def _unread(organisation: Organisation) -> Iterator[Problem]:
    for budget in organisation.all("Budget").values():
        try:
            amount_of(spec(budget, BudgetSpec), organisation.currency)
        except Invalid as error:
            yield about(budget, "spec.limit", error.message, error.hint)


def _too_large(lower: Allowance, upper: Allowance) -> Problem:
    period = "" if upper.said.period == lower.said.period else f" a {upper.said.period}"
    limit = f"`{upper.said.limit}`{period} in budget `{upper.budget.name}`"
    return about(
        lower.budget,
        "spec.limit",
        f"the limit is above that of the {upper.kind} `{upper.subject}`: {limit}",
        f"write at most `{upper.said.limit}`, or raise the one above first",
    )
