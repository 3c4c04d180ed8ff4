"""Who can use which secret: agents by their tools, tools by their connectors, connectors by the secrets they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from autonomy.catalog.model import AgentSpec, ConnectorSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.gate.store import action
from autonomy.tools import Registry
from autonomy.tools.secret_names import filled, named_secrets, places_of

_PERFORMED = ("intent", "done", "failed", "unknown")
"""States of actions that went out to a system, or may have."""


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret and an agent that can use it. `agent` is none where nobody can.

    `stored` says whether it is in our own store; none where it lies with a provider. `last_used` is the time
    (milliseconds) of the agent's last action with one of the tools; none where the record holds no such action.
    """

    secret: str
    agent: str | None
    connectors: tuple[str, ...]
    tools: tuple[str, ...]
    stored: bool | None
    last_used: int | None


@dataclass(slots=True)
class _Use:
    connectors: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)


Used = Mapping[tuple[str, str], int]
"""When an agent last used a tool, by the names of both."""


def last_used(connection: Connection) -> Used:
    """When each agent last acted with each tool, as far as actions are kept."""
    columns = action.c
    query = select(columns.agent_name, columns.tool, func.max(columns.at)).where(columns.state.in_(_PERFORMED))
    rows = connection.execute(query.group_by(columns.agent_name, columns.tool))
    return {(agent, tool): at for agent, tool, at in rows}


def secret_uses(organisation: Organisation, registry: Registry, stored: Collection[str], used: Used) -> list[SecretUse]:
    """Every secret with every agent that can use it, by name; also those that nobody can use."""
    found = _uses(organisation, registry)
    reached = {secret for secret, _ in found}
    idle = (set(stored) | _named(organisation)) - reached
    lines = [
        _line(secret, agent, use, stored, [at for tool in use.tools if (at := used.get((agent, tool))) is not None])
        for (secret, agent), use in found.items()
    ]
    lines += [_line(secret, None, _Use(_naming(organisation, secret)), stored, []) for secret in idle]
    return sorted(lines, key=lambda one: (one.secret, one.agent or ""))


def _uses(organisation: Organisation, registry: Registry) -> dict[tuple[str, str], _Use]:
    named = {name: [secret for _, secret in _secrets(organisation, name)] for name in organisation.all("Connector")}
    found: dict[tuple[str, str], _Use] = defaultdict(_Use)
    for agent, revision in organisation.all("Agent").items():
        places = places_of(organisation, agent)
        for tool in registry.listed_for(spec(revision, AgentSpec).roles, revision.unit):
            for connector in _connectors(registry, tool):
                for secret in named.get(connector, ()):
                    if (meant := filled(secret, places)) is not None:
                        found[meant, agent].connectors.add(connector)
                        found[meant, agent].tools.add(tool)
    return found


def _connectors(registry: Registry, tool: str) -> set[str]:
    """The connectors that a tool uses: its own, and those of its facts."""
    declared = registry.tools[tool].spec
    return {declared.connector, *(fact.connector for fact in declared.facts.values() if fact.connector)}


def _secrets(organisation: Organisation, connector: str) -> Iterator[tuple[str, str]]:
    revision = organisation.get("Connector", connector)
    if revision is not None:
        yield from named_secrets(spec(revision, ConnectorSpec).use)


def _named(organisation: Organisation) -> set[str]:
    """The secrets that connectors name for everybody."""
    every = (secret for name in organisation.all("Connector") for _, secret in _secrets(organisation, name))
    return {secret for secret in every if "{" not in secret}


def _naming(organisation: Organisation, wanted: str) -> set[str]:
    return {
        name
        for name in organisation.all("Connector")
        if any(secret == wanted for _, secret in _secrets(organisation, name))
    }


def _line(secret: str, agent: str | None, use: _Use, stored: Collection[str], times: list[int]) -> SecretUse:
    ours = None if ":" in secret else secret in stored
    return SecretUse(
        secret, agent, tuple(sorted(use.connectors)), tuple(sorted(use.tools)), ours, max(times, default=None)
    )
