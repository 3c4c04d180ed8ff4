"""What must hold of an organisation before it may go live, apart from what the rooms above check. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .allowances import budgets, outside
from .federation import accounts, providers
from .hierarchy import circles, grants, roots, units_of_units
from .leaks import secrets
from .operations import unknown_operations
from .organisation import Organisation
from .prices import prices
from .problem import Problem
from .references import borrowed, roles_in_use, unresolved
from .spaces import reserved, spaces
from .workflow_checks import workflows


def check(organisation: Organisation, builtin_tools: Iterable[str] = ()) -> list[Problem]:
    """Everything wrong with the organisation as declared; empty where it may go live.

    Where the tree of units itself is broken, only that is reported: nothing else can be judged on it.
    """
    broken = [*roots(organisation), *circles(organisation)]
    if any(problem.kind in ("", "Unit") for problem in broken):
        return broken
    return [
        *broken,
        *units_of_units(organisation),
        *unresolved(organisation, builtin_tools),
        *borrowed(organisation),
        *grants(organisation),
        *roles_in_use(organisation),
        *providers(organisation),
        *accounts(organisation),
        *budgets(organisation),
        *outside(organisation),
        *prices(organisation),
        *secrets(organisation),
        *unknown_operations(organisation),
        *workflows(organisation),
        *spaces(organisation),
        *reserved(organisation),
    ]
