"""Who may write and read what, and what inherits which restriction. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from autonomy.catalog.memory_space import Audience, Embedding, MemorySpaceSpec
from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation
from autonomy.policy.labels import UNTRUSTED, data_label, space_label, spaces_of, tags_of

from .model import Member, Shelf

Allowed = Callable[[Organisation, str, Iterable[Member]], bool]
"""Whether all of the members may do something in a space."""


SNAPSHOTS = 2  # the organisation in force and the one before it, which writes under way still hold

_NAMING_DATA: Mapping[str, Callable[[Any], Iterable[str]]] = {
    "Unit": lambda said: said.data,
    "Role": lambda said: said.scope.data,
    "Tool": lambda said: said.tags,
    "MemorySpace": lambda said: said.data,
}
"""Which kinds of manifests name classes of data, and where."""


def agent(organisation: Organisation, name: str) -> Member | None:
    """The agent as declared now; None where it is declared no more."""
    found = organisation.get("Agent", name)
    if found is None or not isinstance(found.spec, AgentSpec):
        return None
    roles = frozenset(found.spec.roles)
    lineage = organisation.lineage(found.unit)
    return Member(name, roles, _data_of(organisation, roles), lineage, found.spec.site)


def person(organisation: Organisation, name: str, roles: Iterable[str]) -> Member:
    """A person who holds these business roles."""
    held = frozenset(roles)
    return Member(name, held, _data_of(organisation, held), is_person=True)


def space_of(organisation: Organisation, name: str) -> MemorySpaceSpec | None:
    """The space as declared now; None where there is none."""
    found = organisation.get("MemorySpace", name)
    return found.spec if found is not None and isinstance(found.spec, MemorySpaceSpec) else None


def may_enter(said: MemorySpaceSpec, audience: Audience, member: Member) -> bool:
    """Whether the member is one of the audience, at a place where the space may be."""
    if member.is_person:
        return member.name == said.owner or not member.roles.isdisjoint(audience.roles)
    if said.residency and member.site not in said.residency:
        return False
    named = member.name in audience.agents or not member.roles.isdisjoint(audience.roles)
    return named or any(unit in audience.units for unit in member.lineage)


def may_write(organisation: Organisation, space: str, members: Iterable[Member]) -> bool:
    """Whether all of them may write there."""
    said = space_of(organisation, space)
    return said is not None and all(may_enter(said, said.writers, member) for member in members)


def may_read_space(organisation: Organisation, space: str, members: Iterable[Member]) -> bool:
    """Whether all of them read there."""
    said = space_of(organisation, space)
    return said is not None and all(may_enter(said, said.readers, member) for member in members)


def may_read(organisation: Organisation, shelf: Shelf, members: Iterable[Member]) -> bool:
    """Whether all of them may read what stands there: they are readers of its space and of every space it came from,
    and may see every class of data in it."""
    return all(_may_read(organisation, shelf, member) for member in members)


def restriction(space: str, tags: Iterable[str], labels: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Tags and origins of what is written into `space` by a case that bears `labels`: nothing it has seen is lost."""
    seen = frozenset(labels)
    return frozenset(tags) | tags_of(seen), spaces_of(seen) - {space}


def unfit(said: MemorySpaceSpec, tags: Iterable[str]) -> frozenset[str]:
    """The classes of data that the space may not hold."""
    return frozenset() if "*" in said.data else frozenset(tags) - frozenset(said.data)


@lru_cache(maxsize=SNAPSHOTS)
def declared_data(organisation: Organisation) -> frozenset[str]:
    """The classes of data that anything in the organisation names: units, roles, tools, memory spaces."""
    found = set[str]()
    for kind, named in _NAMING_DATA.items():
        for revision in organisation.all(kind).values():
            found.update(named(revision.spec))
    return frozenset(found) - {"*"}


def sent_to(organisation: Organisation, space: str, tags: Iterable[str], origins: Iterable[str]) -> Embedding | None:
    """The endpoint of the space, where what bears these restrictions may be sent to it: the space, and every space it
    was made of, declare that very endpoint for each class of data in it."""
    said, bears = space_of(organisation, space), frozenset(tags)
    if said is None or said.embedding is None:
        return None
    for each in (space, *origins):
        other = space_of(organisation, each)
        declared = other.embedding if other else None
        if declared is None or declared.connector != said.embedding.connector:
            return None
        if "*" not in declared.data and not bears <= frozenset(declared.data):
            return None
    return said.embedding


def seen(organisation: Organisation, shelf: Shelf, untrusted: bool) -> frozenset[str]:
    """What a case bears for having read something of the shelf."""
    labels = {data_label(tag) for tag in shelf.tags}
    labels |= {space_label(space) for space in (shelf.space, *shelf.origins) if _restricts(organisation, space)}
    return frozenset(labels | {UNTRUSTED} if untrusted else labels)


def readable(organisation: Organisation, shelves: Iterable[Shelf], members: Sequence[Member]) -> list[Shelf]:
    """The shelves all of the members may read."""
    return [shelf for shelf in shelves if may_read(organisation, shelf, members)]


def _restricts(organisation: Organisation, space: str) -> bool:
    """Whether what is made of its items stays with its readers; so does what came from a space that is gone."""
    said = space_of(organisation, space)
    return said is None or said.derived == "readers"


def _may_read(organisation: Organisation, shelf: Shelf, member: Member) -> bool:
    for space in (shelf.space, *shelf.origins):
        said = space_of(organisation, space)
        if said is None or not may_enter(said, said.readers, member):
            return False
    return _may_see(organisation, shelf, member)


def _may_see(organisation: Organisation, shelf: Shelf, member: Member) -> bool:
    if member.is_person:
        said = space_of(organisation, shelf.space)
        owns = said is not None and said.owner == member.name
        return owns or "*" in member.data or shelf.tags <= member.data
    within = "*" in member.data or shelf.tags <= member.data
    return within and bool(member.lineage) and organisation.grants_data(member.lineage[0], shelf.tags)


def _data_of(organisation: Organisation, roles: Iterable[str]) -> frozenset[str]:
    declared = (organisation.get("Role", role) for role in roles)
    scopes = (found.spec.scope for found in declared if found and isinstance(found.spec, RoleSpec))
    return frozenset(tag for scope in scopes for tag in scope.data)
