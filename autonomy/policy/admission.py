"""Why a tool is none of an agent's business, in words for whoever asks."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.catalog.scope import is_covered, is_granted

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
        if not is_granted(self._organisation, unit, tool.name, tool.spec.tags):
            return f"`{tool.name}` or its data is not granted to unit `{unit}`"
        if is_covered(self._organisation, roles, tool.name, tool.spec.tags):
            return ""
        data = f" with data {_listed(tool.spec.tags)}" if tool.spec.tags else ""
        return f"`{tool.name}`{data} is outside the scope of {_listed(roles)}"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
