"""From declared Budget manifests to the limits that bind one action."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from autonomy.catalog.allowances import Allowance, Tree, amount_of
from autonomy.catalog.budget import BudgetSpec, ScopeKind
from autonomy.catalog.organisation import Organisation, Revision, matches
from autonomy.kernel.errors import Invalid

from .model import Limit

SNAPSHOTS = 2  # the organisation in force and the one before it, which calls under way still hold


def limits_for(
    organisation: Organisation, agent: str, unit: str, tool: str, roles: Iterable[str] = (), workflow: str | None = None
) -> tuple[Limit, ...]:
    """Every limit that binds `agent` of `unit`, which has `roles`, when it uses `tool` in `workflow`: its own first,
    then those of its roles and its workflow, then the others by name.

    A limit of a unit binds its whole subtree. Raises Invalid where a declared budget makes no sense: nothing is
    spent under limits that cannot be read. When an agent acts for another, join the limits of both; `charges`
    counts a limit met twice only once.
    """
    return _book(organisation).binding(agent, unit, tool, roles, workflow)


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
        for budget in organisation.all("Budget").values():
            _confine(organisation, budget)
        tree = Tree(organisation)
        limits = (_limit(organisation, found, tree.above(found)) for found in tree.all())
        self.limits = tuple(sorted(limits, key=lambda limit: limit.name))
        self._of: defaultdict[tuple[ScopeKind, str], tuple[Limit, ...]] = defaultdict(tuple)
        for limit in self.limits:
            self._of[limit.scope_kind, limit.scope] += (limit,)
        self._shared: dict[tuple[str, str], tuple[Limit, ...]] = {}

    def binding(
        self, agent: str, unit: str, tool: str, roles: Iterable[str], workflow: str | None
    ) -> tuple[Limit, ...]:
        shared = self._shared.get((unit, tool))
        if shared is None:
            shared = self._shared[unit, tool] = self._find_shared(unit, tool)
        own = self._of.get(("agent", agent), ())
        for role in roles:
            own += self._declared_above(("role", role), unit)
        if workflow is not None:
            own += self._declared_above(("workflow", workflow), unit)
        return own + shared if own else shared

    def _declared_above(self, subject: tuple[ScopeKind, str], unit: str) -> tuple[Limit, ...]:
        """The limits on `subject` that the unit or one above it declares."""
        found = self._of.get(subject)
        if not found:
            return ()
        lineage = self._organisation.lineage(unit)
        return tuple(limit for limit in found if limit.unit in lineage)

    def _find_shared(self, unit: str, tool: str) -> tuple[Limit, ...]:
        lineage = self._organisation.lineage(unit)
        return tuple(limit for limit in self.limits if _binds(limit, lineage, tool))


def _binds(limit: Limit, lineage: tuple[str, ...], tool: str) -> bool:
    if limit.scope_kind == "unit":
        return limit.scope in lineage
    return limit.scope_kind == "tool" and limit.unit in lineage and matches([limit.scope], tool)


def _limit(organisation: Organisation, found: Allowance, above: list[Allowance]) -> Limit:
    said, amount = found.said, amount_of(found.said, organisation.currency)
    return Limit(
        found.budget.name,
        found.budget.unit,
        found.kind,
        found.subject,
        said.measure,
        said.period,
        amount,
        warn=_share(amount, said.warnAt),
        tell=tuple(said.tell),
        parent=above[0].budget.name if above else None,
    )


def _share(amount: int, percent: str | None) -> int | None:
    """The part of `amount` from which to warn, rounded up: a warning is never early."""
    return None if percent is None else max(1, -(-amount * int(percent.removesuffix("%")) // 100))


def _confine(organisation: Organisation, revision: Revision) -> None:
    """A unit limits only itself and what lies below it; a limit on others would bind nobody and look as if it did."""
    if not isinstance(revision.spec, BudgetSpec):
        raise Invalid(f"`{revision.name}` is not a budget", code="catalog.kind")
    kind, scope = revision.spec.scope.subject
    if kind not in ("unit", "agent"):
        return
    agent = organisation.get("Agent", scope) if kind == "agent" else None
    place = agent.unit if agent else scope if kind == "unit" else ""
    if revision.unit not in organisation.lineage(place):
        raise Invalid(
            f"the budget `{revision.name}` names the {kind} `{scope}`, which is not in the unit `{revision.unit}`",
            code="budget.scope",
            hint=f"declare it in the unit of `{scope}` or in one above",
        )
