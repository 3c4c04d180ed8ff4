"""Access that an agent asks for: which role for whom, and what is declared once it is given. Pure."""

from __future__ import annotations

from typing import NamedTuple

from autonomy.kernel.errors import NotFound

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
    below = _below(organisation, asker)
    if agent not in below:
        message = f"there is no agent `{agent}` in the unit of `{asker}` or below it"
        raise NotFound(message, code="access.unknown_agent", hint=nearest(agent, below))
    lineage = organisation.lineage(below[agent].unit)
    roles = {name: found for name, found in organisation.all("Role").items() if found.unit in lineage}
    if role not in roles:
        message = f"there is no role `{role}` that the agent `{agent}` could have"
        raise NotFound(message, code="access.unknown_role", hint=nearest(role, roles))
    return Access(below[agent], roles[role])


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


def _below(organisation: Organisation, asker: str) -> dict[str, Revision]:
    """The agents of the asker's unit and of every unit below it, by name."""
    agents = organisation.all("Agent")
    if asker not in agents:
        return {}
    unit = agents[asker].unit
    return {name: one for name, one in agents.items() if unit in organisation.lineage(one.unit)}
