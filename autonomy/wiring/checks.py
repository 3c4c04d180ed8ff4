"""What is looked at before a change goes live: every fault of tools, policies and budgets, in the catalog's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autonomy import policy, tools
from autonomy.budget.limits import read_limits
from autonomy.catalog import Organisation, Problem
from autonomy.kernel.errors import Invalid

Functions = Mapping[str, Any]
"""Python connectors by the name of their entry point."""


def check_tools(functions: Functions | None, organisation: Organisation) -> list[Problem]:
    """Every fault of declared tools and connectors, in the catalog's words."""
    return [
        Problem(message=found.message, hint=found.hint, kind=found.kind, name=found.name, field=found.field)
        for found in tools.check(organisation, functions)
    ]


def check_decisions(organisation: Organisation) -> list[Problem]:
    """Every fault of declared decision tables: gaps, overlaps, conditions that are wrong, tests that do not hold."""
    if not organisation.all("Decision"):
        return []
    # The engine of expressions is only loaded where there is a table.
    from autonomy.decisions import check  # noqa: PLC0415

    return check(organisation)


def check_policies(organisation: Organisation) -> list[Problem]:
    """Every fault of policies and budgets: what cannot be enforced as written is not applied."""
    return [*_policy_problems(organisation), *_budget_problems(organisation)]


def _policy_problems(organisation: Organisation) -> list[Problem]:
    try:
        bundle = policy.bundle_of(organisation)
    except Invalid as error:
        return [_policy_problem(found) for found in error.detail.get("problems", ())] or [Problem(message=str(error))]
    return [_policy_problem(asdict(found)) for found in policy.unanswerable(bundle)]


def _policy_problem(found: Mapping[str, Any]) -> Problem:
    return Problem(
        message=str(found["what"]),
        hint=str(found["fix"]),
        kind="Policy",
        name=str(found["file"]),
        line=int(found["line"]),
    )


def _budget_problems(organisation: Organisation) -> list[Problem]:
    try:
        read_limits(organisation)
    except Invalid as error:
        return [Problem(message=error.message, hint=error.hint, kind="Budget")]
    return []
