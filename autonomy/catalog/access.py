"""Access that an agent asks for: which role for whom, and what is declared once it is given. Pure."""

from __future__ import annotations

from typing import NamedTuple

from autonomy.kernel.errors import NotFound

from . import scope
from .model import AgentSpec, Manifest
from .organisation import Organisation, Revision, spec
from .problem import nearest


class Access(NamedTuple):
    """An agent, and the role it shall have."""

    agent: Revision
    role: Revision


def find(organisation: Organisation, asker: str, agent: str, role: str) -> Access:
    """What the agent `asker` asks for, by its names.

    Raises NotFound (`access.unknown_agent`) for whoever is not of the asker's unit or below it, and
    (`access.unknown_role`) for a role that an agent there cannot have.
    """
    agents, roles = organisation.all("Agent"), organisation.all("Role")
    if not _is_below(organisation, agents.get(asker), agents.get(agent)):
        below = [name for name, one in agents.items() if _is_below(organisation, agents.get(asker), one)]
        message = f"there is no agent `{agent}` in the unit of `{asker}` or below it"
        raise NotFound(message, code="access.unknown_agent", hint=nearest(agent, below))
    lineage = organisation.lineage(agents[agent].unit)
    if role not in roles or roles[role].unit not in lineage:
        possible = [name for name, one in roles.items() if one.unit in lineage]
        message = f"there is no role `{role}` that the agent `{agent}` could have"
        raise NotFound(message, code="access.unknown_role", hint=nearest(role, possible))
    return Access(agents[agent], roles[role])


def askers(organisation: Organisation, agent: str, tool: str) -> list[str]:
    """The names of the agents that have the `tool` to ask for access, and could ask for `agent`."""
    agents = organisation.all("Agent")
    return sorted(
        name
        for name, one in agents.items()
        if _is_below(organisation, one, agents.get(agent))
        and scope.is_granted(organisation, one.unit, tool, ())
        and scope.is_covered(organisation, spec(one, AgentSpec).roles, tool, ())
    )


def has_role(agent: Revision, role: str) -> bool:
    """Whether the agent is declared with the role."""
    return role in spec(agent, AgentSpec).roles


def with_role(manifest: Manifest, role: str) -> Manifest:
    """The agent's manifest with the role added, the last of its roles; unchanged where it is there."""
    said = manifest.spec
    assert isinstance(said, AgentSpec)  # only agents are asked for
    if role in said.roles:
        return manifest
    return manifest.model_copy(update={"spec": said.model_copy(update={"roles": [*said.roles, role]})})


def _is_below(organisation: Organisation, asker: Revision | None, agent: Revision | None) -> bool:
    """Whether both are there and the agent is of the asker's unit or of one below it."""
    return asker is not None and agent is not None and asker.unit in organisation.lineage(agent.unit)
