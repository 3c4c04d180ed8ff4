"""Whether a tool is an agent's business at all: granted to its unit, and within the scope of one of its roles. Pure.

What is not looks to the agent as if it did not exist; every room that asks, asks here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .model import RoleScope, RoleSpec
from .organisation import Organisation, matches


def is_granted(organisation: Organisation, unit: str, tool: str, tags: Collection[str]) -> bool:
    """Whether the unit and all above it were given this tool and every class of data it touches."""
    return organisation.grants(unit, tool) and organisation.grants_data(unit, tags)


def covers(scope: RoleScope, tool: str, tags: Collection[str]) -> bool:
    """Whether a role's scope covers the tool and every class of data it touches."""
    return matches(scope.tools, tool) and all("*" in scope.data or tag in scope.data for tag in tags)


def is_covered(organisation: Organisation, roles: Iterable[str], tool: str, tags: Collection[str]) -> bool:
    """Whether the scope of one of these roles covers the tool; a role that is not declared covers nothing."""
    return any(covers(scope, tool, tags) for scope in _scopes(organisation, roles))


def _scopes(organisation: Organisation, roles: Iterable[str]) -> Iterable[RoleScope]:
    declared = (organisation.get("Role", role) for role in roles)
    return (found.spec.scope for found in declared if found and isinstance(found.spec, RoleSpec))
