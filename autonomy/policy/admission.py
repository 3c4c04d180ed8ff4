"""Whether a tool is an agent's business at all: within its unit's grant and the scope of one of its roles."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation, Revision, matches

from .tool import Tool

CACHED = 65_536  # combinations of unit, roles and tool; a few strings each


class Admission:
    """The scopes of an organisation; answers are kept, because agents share units and roles."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._refusal = lru_cache(CACHED)(self._worked_out)

    def refusal(self, agent: Revision, tool: Tool) -> str:
        """Why the tool is none of the agent's business; empty when it is."""
        return self._refusal(agent.unit, tuple(cast(AgentSpec, agent.spec).roles), tool)

    def _worked_out(self, unit: str, roles: tuple[str, ...], tool: Tool) -> str:
        if not may_grant(self._organisation, unit, tool):
            return f"`{tool.name}` or its data is not granted to unit `{unit}`"
        declared = [self._organisation.get("Role", name) for name in roles]
        if any(role and role_admits(cast(RoleSpec, role.spec), tool) for role in declared):
            return ""
        data = f" with data {_listed(tool.spec.tags)}" if tool.spec.tags else ""
        return f"`{tool.name}`{data} is outside the scope of {_listed(roles)}"


def may_grant(organisation: Organisation, unit: str, tool: Tool) -> bool:
    """Whether the unit and all above it were given this tool and every class of data it touches."""
    return organisation.grants(unit, tool.name) and organisation.grants_data(unit, tool.spec.tags)


def role_admits(role: RoleSpec, tool: Tool) -> bool:
    """Whether a role's scope covers the tool and every class of data it touches."""
    covers = matches(role.scope.tools, tool.name)
    return covers and all("*" in role.scope.data or tag in role.scope.data for tag in tool.spec.tags)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
