"""Who can use which secret: agents by their tools, tools by their connectors, connectors by the secrets they name; and
the system itself, to prove what comes in at hooks, to sign people on, to send letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from autonomy.catalog.identity_provider import IdentityProviderSpec
from autonomy.catalog.model import AgentSpec, ConnectorSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.systems import HookSpec
from autonomy.gate.store import action
from autonomy.identity.store import agent
from autonomy.tools import Registry
from autonomy.tools.deliveries import delivery
from autonomy.tools.secret_names import filled, named_secrets, places_of

_PERFORMED = ("intent", "done", "failed", "unknown")
"""States of actions that went out to a system, or may have."""

_HOOK = "hook/"


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret and an agent that can use it, or (`agent` is none) what else does: `purposes` are `hook/NAME`,
    `identity-provider/NAME` and `letters`; none at all where nobody can use it.

    `sites` are those whose workers keep it, for its connectors perform there. `stored` says whether it is in our own
    store; none where it lies with a provider, or at sites alone. `last_used` is the time
    (milliseconds) of the agent's last action with one of the tools, or of the hook's last delivery; none where the
    record holds no such thing.
    """

    secret: str
    agent: str | None
    connectors: tuple[str, ...]
    tools: tuple[str, ...]
    purposes: tuple[str, ...]
    sites: tuple[str, ...]
    stored: bool | None
    last_used: int | None


@dataclass(slots=True)
class _Use:
    connectors: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)


class _Lies(NamedTuple):
    """Where secrets lie: the names of those in our store, the site of each connector that has one, and ours."""

    stored: frozenset[str]
    sites: Mapping[str, str]
    here: str


class Used(NamedTuple):
    """When (milliseconds) an agent last used a tool, by the names of both, and when a hook last took a delivery."""

    tools: Mapping[tuple[str, str], int]
    hooks: Mapping[str, int]


def dated(connection: Connection, uses: Sequence[SecretUse]) -> list[SecretUse]:
    """The same with the time at which each was last used, as far as that is kept. For a page of them: each agent with
    each tool is looked up."""
    used = _used(connection, uses)
    return [replace(one, last_used=max(_times(one, used), default=None)) for one in uses]


def _times(use: SecretUse, used: Used) -> list[int]:
    if use.agent is not None:
        return [used.tools[use.agent, tool] for tool in use.tools if (use.agent, tool) in used.tools]
    return [used.hooks[hook] for hook in map(_hook_of, use.purposes) if hook in used.hooks]


def _used(connection: Connection, uses: Sequence[SecretUse]) -> Used:
    columns = action.c
    agents, tools = {one.agent for one in uses if one.agent is not None}, {tool for one in uses for tool in one.tools}
    theirs = select(agent.c.id).where(agent.c.name.in_(agents))
    query = select(columns.agent_name, columns.tool, func.max(columns.at)).where(
        columns.agent.in_(theirs), columns.tool.in_(tools), columns.state.in_(_PERFORMED)
    )
    rows = connection.execute(query.group_by(columns.agent_name, columns.tool)) if agents and tools else ()
    hooks = {_hook_of(one) for use in uses for one in use.purposes}
    posted = (
        select(delivery.c.hook, func.max(delivery.c.at)).where(delivery.c.hook.in_(hooks)).group_by(delivery.c.hook)
    )
    return Used({(name, tool): at for name, tool, at in rows}, {hook: at for hook, at in connection.execute(posted)})


def _hook_of(purpose: str) -> str:
    return purpose.removeprefix(_HOOK)


def secret_uses(
    organisation: Organisation, registry: Registry, stored: Collection[str], letters: str = "", site: str = ""
) -> list[SecretUse]:
    """Every secret with every agent that can use it, by name; also what the system itself uses, and what nobody can.
    `letters` is the connector by which the system sends letters, `site` where this process is. `dated` says when a page
    of them was last used."""
    lies = _Lies(frozenset(stored), _sites(organisation), site)
    found, ours = _uses(organisation, registry), _own_uses(organisation, letters)
    idle = (set(stored) | _named(organisation)) - {secret for secret, _ in found} - set(ours)
    lines = [_line(secret, name, use, lies) for (secret, name), use in found.items()]
    lines += [_line(secret, None, use, lies) for secret, use in ours.items()]
    lines += [_line(secret, None, _Use(_naming(organisation, secret)), lies) for secret in idle]
    return sorted(lines, key=lambda one: (one.secret, one.agent or ""))


def _own_uses(organisation: Organisation, letters: str) -> dict[str, _Use]:
    """What the system itself uses, by the secret."""
    found: dict[str, _Use] = defaultdict(_Use)
    for name, revision in organisation.all("Hook").items():
        found[spec(revision, HookSpec).credential].purposes.add(f"{_HOOK}{name}")
    for name, revision in organisation.all("IdentityProvider").items():
        sign_in = spec(revision, IdentityProviderSpec).signIn
        if sign_in is not None and sign_in.credential is not None:
            found[sign_in.credential].purposes.add(f"identity-provider/{name}")
    for _, secret in _secrets(organisation, letters):
        found[secret].purposes.add("letters")
        found[secret].connectors.add(letters)
    return found


def _uses(organisation: Organisation, registry: Registry) -> dict[tuple[str, str], _Use]:
    named = {name: [secret for _, secret in _secrets(organisation, name)] for name in organisation.all("Connector")}
    needing = {tool for tool in registry.tools if any(named.get(each) for each in _connectors(registry, tool))}
    found: dict[tuple[str, str], _Use] = defaultdict(_Use)
    for name, revision in organisation.all("Agent").items():
        places = places_of(organisation, name)
        for tool in needing & registry.listed_for(spec(revision, AgentSpec).roles, revision.unit):
            for connector in _connectors(registry, tool):
                for secret in named.get(connector, ()):
                    if (meant := filled(secret, places)) is not None:
                        found[meant, name].connectors.add(connector)
                        found[meant, name].tools.add(tool)
    return found


def _connectors(registry: Registry, tool: str) -> set[str]:
    """The connectors that a tool uses: its own, and those of its facts."""
    declared = registry.tools[tool].spec
    return {declared.connector, *(fact.connector for _, fact in declared.lookups if fact.connector)}


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


def _sites(organisation: Organisation) -> dict[str, str]:
    """The site of each connector that belongs to one."""
    found = {name: spec(revision, ConnectorSpec).site for name, revision in organisation.all("Connector").items()}
    return {name: site for name, site in found.items() if site is not None}


def _line(secret: str, name: str | None, use: _Use, lies: _Lies) -> SecretUse:
    elsewhere = {lies.sites.get(each, lies.here) for each in use.connectors} - {lies.here}
    at_sites_alone = bool(elsewhere) and use.connectors <= lies.sites.keys() and secret not in lies.stored
    ours = None if ":" in secret or at_sites_alone else secret in lies.stored
    every = (tuple(sorted(each)) for each in (use.connectors, use.tools, use.purposes, elsewhere))
    connectors, tools, purposes, sites = every
    return SecretUse(secret, name, connectors, tools, purposes, sites, ours, None)
