"""Which object names which other, and whether all that is named exists. Pure: an organisation in, problems out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from .budget import BudgetSpec
from .identity_provider import IdentityProviderSpec
from .memory_space import Audience, MemorySpaceSpec
from .model import AgentSpec, PersonSpec, RoleSpec, ToolSpec, UnitSpec
from .organisation import Organisation, Revision, matches, spec
from .problem import Problem, about, nearest
from .workflow import WorkflowSpec
from .workflow_references import named

_HOLD = "give the role to a person: `spec.roles` of a Person"


@dataclass(frozen=True, slots=True)
class Link:
    """The field of one object that names another of `kind`; a tool also as `prefix.*`. `*` names nothing."""

    field: str
    kind: str
    target: str


def links(revision: Revision, root: str) -> Iterator[Link]:
    """Every reference `revision` makes; `root` is the unit that declares what names none."""
    if revision.kind != "Unit" and revision.unit != root:
        yield Link("metadata.unit", "Unit", revision.unit)
    if found := _LINKS.get(revision.kind):
        yield from found(revision)


def users(organisation: Organisation, kind: str, name: str) -> list[Revision]:
    """The objects that refer to the object `name` of `kind`."""
    revisions, by_kind = _named(organisation)
    places = by_kind.get(kind, {})
    targets = [one for one in places if one == name or (kind == "Tool" and matches([one], name))]
    return [revisions[place] for place in sorted({place for target in targets for place in places[target]})]


@lru_cache(maxsize=1)
def _named(organisation: Organisation) -> tuple[list[Revision], Mapping[str, Mapping[str, list[int]]]]:
    """Everything that is declared, and where in it those stand that name something: by kind and name. Somebody who
    looks around asks this of one organisation again and again."""
    revisions, root = list(organisation.revisions()), organisation.root.name
    found: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, revision in enumerate(revisions):
        for link in links(revision, root):
            found[link.kind][link.target].append(place)
    return revisions, found


def unresolved(organisation: Organisation, builtin_tools: Iterable[str]) -> Iterator[Problem]:
    """References to what is not declared. `builtin_tools` exist without a manifest."""
    tools = frozenset(organisation.all("Tool")) | frozenset(builtin_tools)
    for revision in organisation.revisions():
        yield from unresolved_of(organisation, revision, tools)


def unresolved_of(organisation: Organisation, revision: Revision, tools: frozenset[str]) -> Iterator[Problem]:
    """References of one object, which need not be declared itself, to what is not declared."""
    for link in links(revision, organisation.root.name):
        if not _exists(organisation, tools, link):
            yield _missing(organisation, tools, revision, link)


def borrowed(organisation: Organisation) -> Iterator[Problem]:
    """Roles of agents and connectors of tools and memory spaces that belong to a unit that is not above their user.

    Only a unit's own and its ancestors' count: a role carries authority, a connector carries a credential.
    """
    root = organisation.root.name
    for kind, lent in (("Agent", "Role"), ("Tool", "Connector"), ("MemorySpace", "Connector")):
        for user in organisation.all(kind).values():
            for link in links(user, root):
                if link.kind == lent and link.field != "spec.supervisor":
                    yield from _foreign(organisation, user, link)


def roles_in_use(organisation: Organisation) -> Iterator[Problem]:
    """Roles of agents that admit no tool, and roles that must decide for agents but that nobody holds."""
    held = {role for person in organisation.all("Person").values() for role in spec(person, PersonSpec).roles}
    for provider in organisation.all("IdentityProvider").values():
        held |= {role for group in spec(provider, IdentityProviderSpec).groups for role in group.roles}
    vacant = frozenset(organisation.all("Role")) - held
    used = {role for agent in organisation.all("Agent").values() for role in spec(agent, AgentSpec).roles}
    for name in sorted(used):
        if role := organisation.get("Role", name):
            yield from _incomplete(role, vacant)
    for agent in organisation.all("Agent").values():
        if (supervisor := spec(agent, AgentSpec).supervisor) in vacant:
            yield about(agent, "spec.supervisor", f"nobody holds the role `{supervisor}`", _HOLD)


def _incomplete(role: Revision, vacant: frozenset[str]) -> Iterator[Problem]:
    said = spec(role, RoleSpec)
    if not said.scope.tools:
        yield about(role, "spec.scope.tools", "agents have this role, but it admits no tool", "name the tools it needs")
    for index, target in enumerate(said.escalationTargets):
        field = f"spec.escalationTargets[{index}]"
        if target == role.name:
            yield about(role, field, "a role cannot escalate to itself", "name another role")
        elif target in vacant:
            yield about(role, field, f"nobody holds the role `{target}`", _HOLD)


def _foreign(organisation: Organisation, user: Revision, link: Link) -> Iterator[Problem]:
    used = organisation.get(link.kind, link.target)
    if used and used.unit not in organisation.lineage(user.unit):
        kind = link.kind.lower()
        yield about(
            user,
            link.field,
            f"the {kind} `{used.name}` belongs to the unit `{used.unit}`, not to `{user.unit}` or a unit above it",
            f"use a {kind} of `{user.unit}`, or declare this one in a unit above both",
        )


def _exists(organisation: Organisation, tools: frozenset[str], link: Link) -> bool:
    if link.kind != "Tool":
        return organisation.get(link.kind, link.target) is not None
    return link.target in tools or (link.target.endswith(".*") and any(matches([link.target], tool) for tool in tools))


def _missing(organisation: Organisation, tools: frozenset[str], revision: Revision, link: Link) -> Problem:
    known = tools if link.kind == "Tool" else organisation.all(link.kind)
    if link.target.endswith(".*"):
        message = f"no tool's name begins with `{link.target[:-1]}`"
    else:
        message = f"there is no {link.kind.lower()} `{link.target}`"
    return about(revision, link.field, message, nearest(link.target, known) or f"declare the {link.kind.lower()} first")


def _unit_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, UnitSpec)
    if said.parent:
        yield Link("spec.parent", "Unit", said.parent)
    yield from _each("spec.tools", "Tool", said.tools)


def _role_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, RoleSpec)
    yield from _each("spec.scope.tools", "Tool", said.scope.tools)
    yield from _each("spec.escalationTargets", "Role", said.escalationTargets)


def _person_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, PersonSpec)
    yield from _each("spec.roles", "Role", said.roles)
    if said.manager:
        yield Link("spec.manager", "Person", said.manager)


def _agent_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, AgentSpec)
    yield from _each("spec.roles", "Role", said.roles)
    yield Link("spec.sponsor", "Person", said.sponsor)
    yield Link("spec.owner", "Person", said.owner)
    yield Link("spec.supervisor", "Role", said.supervisor)
    if said.parent:
        yield Link("spec.parent", "Agent", said.parent)
    for index, identity in enumerate(said.federated):
        yield Link(f"spec.federated[{index}].provider", "IdentityProvider", identity.provider)


def _provider_links(revision: Revision) -> Iterator[Link]:
    for index, grant in enumerate(spec(revision, IdentityProviderSpec).groups):
        yield from _each(f"spec.groups[{index}].roles", "Role", grant.roles)


def _tool_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, ToolSpec)
    yield Link("spec.connector", "Connector", said.connector)
    if said.call.post and said.call.post.answer:
        yield Link("spec.call.post.answer", "Hook", said.call.post.answer)
    for field, fact in said.lookups:
        if fact.connector:
            yield Link(f"{field}.connector", "Connector", fact.connector)


def _budget_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, BudgetSpec)
    scope = said.scope
    for field, kind, target in (
        ("unit", "Unit", scope.unit),
        ("agent", "Agent", scope.agent),
        ("role", "Role", scope.role),
        ("tool", "Tool", scope.tool),
    ):
        if target and target != "*":
            yield Link(f"spec.scope.{field}", kind, target)
    yield from _each("spec.tell", "Role", said.tell)


def _workflow_links(revision: Revision) -> Iterator[Link]:
    return (Link(field, kind, target) for field, kind, target in named(spec(revision, WorkflowSpec)))


def _space_links(revision: Revision) -> Iterator[Link]:
    said = spec(revision, MemorySpaceSpec)
    yield Link("spec.owner", "Person", said.owner)
    yield from _audience("spec.readers", said.readers)
    yield from _audience("spec.writers", said.writers)
    if said.embedding:
        yield Link("spec.embedding.connector", "Connector", said.embedding.connector)


def _audience(field: str, said: Audience) -> Iterator[Link]:
    yield from _each(f"{field}.agents", "Agent", said.agents)
    yield from _each(f"{field}.roles", "Role", said.roles)
    yield from _each(f"{field}.units", "Unit", said.units)


def _each(field: str, kind: str, targets: Iterable[str]) -> Iterator[Link]:
    for index, target in enumerate(targets):
        if target != "*":
            yield Link(f"{field}[{index}]", kind, target)


_LINKS: Mapping[str, Callable[[Revision], Iterator[Link]]] = {
    "Unit": _unit_links,
    "Role": _role_links,
    "IdentityProvider": _provider_links,
    "Person": _person_links,
    "Agent": _agent_links,
    "Tool": _tool_links,
    "Workflow": _workflow_links,
    "Budget": _budget_links,
    "MemorySpace": _space_links,
}
