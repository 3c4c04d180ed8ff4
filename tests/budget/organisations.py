"""Small organisations with budgets, built in code."""

from __future__ import annotations

from typing import Any

from autonomy.catalog.budget import BudgetSpec
from autonomy.catalog.model import AgentSpec, UnitSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.catalog.words import Strict

UNITS = {"larkspur": None, "finance": "larkspur", "procurement": "larkspur", "sourcing": "procurement"}
AGENTS = {"buyer-1": "procurement", "buyer-2": "sourcing", "payables-1": "finance"}


def organisation(*budgets: Revision, rates: dict[str, str] | None = None) -> Organisation:
    """The units and agents above, with `budgets`; the base currency is EUR."""
    return Organisation(1, [*_units(rates or {}), *map(_agent, AGENTS), *budgets])


def budget(
    name: str, scope: dict[str, str], limit: str | int, measure: str = "money", period: str = "day", **place: Any
) -> Revision:
    """A Budget as declared in the unit `place["unit"]`, the root when absent."""
    spec = BudgetSpec.model_validate({"scope": scope, "measure": measure, "period": period, "limit": limit})
    return _revision("Budget", name, place.get("unit", "larkspur"), spec)


def _units(rates: dict[str, str]) -> list[Revision]:
    root = UnitSpec.model_validate({"currency": "EUR", "rates": rates})
    specs = {
        name: root if parent is None else UnitSpec.model_validate({"parent": parent}) for name, parent in UNITS.items()
    }
    return [_revision("Unit", name, UNITS[name] or name, spec) for name, spec in specs.items()]


def _agent(name: str) -> Revision:
    spec = {"roles": ["buyer"], "sponsor": "ada", "owner": "ada", "supervisor": "lead"}
    return _revision("Agent", name, AGENTS[name], AgentSpec.model_validate(spec))


def _revision(kind: str, name: str, unit: str, spec: Strict) -> Revision:
    return Revision(kind, name, unit, f"digest of {name}", "", spec)
