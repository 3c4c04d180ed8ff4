"""What of the seen an agent or a person may see: classes of data, and memory spaces whose readers they are."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from autonomy.catalog.model import UnitSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.memory import rules
from autonomy.memory.model import Member

SNAPSHOTS = 2  # the organisation in force and the one before it, which looks under way still hold
EVERY = frozenset({"*"})
"""All classes of data."""


class Sight(NamedTuple):
    """Classes of data, `*` for every one; and names of memory spaces."""

    data: frozenset[str]
    spaces: frozenset[str]


NOTHING = Sight(frozenset(), frozenset())


def of_agent(organisation: Organisation, name: str) -> Sight:
    """What an agent may see: what its roles and every unit above it admit. Found once for each organisation."""
    known = _known(organisation)
    if name not in known:
        member = rules.agent(organisation, name)
        known[name] = NOTHING if member is None else _of(organisation, member)
    return known[name]


def of_person(organisation: Organisation, name: str, roles: tuple[str, ...]) -> Sight:
    """What a person may see who holds these business roles."""
    return _of(organisation, rules.person(organisation, name, roles))


@lru_cache(maxsize=SNAPSHOTS)
def _known(organisation: Organisation) -> dict[str, Sight]:  # noqa: ARG001 - what is remembered belongs to it
    """The sights of agents that were asked for so far."""
    return {}


def _of(organisation: Organisation, member: Member) -> Sight:
    data = member.data
    for name in member.lineage:
        if (unit := organisation.get("Unit", name)) is not None:
            data = _within(data, frozenset(spec(unit, UnitSpec).data))
    spaces = (one for one in organisation.all("MemorySpace") if rules.may_read_space(organisation, one, [member]))
    return Sight(data, frozenset(spaces))


def _within(data: frozenset[str], granted: frozenset[str]) -> frozenset[str]:
    if "*" in granted:
        return data
    return granted if "*" in data else data & granted
