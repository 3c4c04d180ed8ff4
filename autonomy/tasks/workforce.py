"""Who works here and how they stand: roles, units and capabilities, what they have in hand, what they may spend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, func, select

from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.db import Reader
from autonomy.gate import Admission, Watch
from autonomy.identity import PersonCaller
from autonomy.identity.store import person
from autonomy.kernel.clock import Clock

from . import sight
from .funding import purse
from .model import AGENT, PERSON, Candidate
from .store import tally, task

MANY = 1_000_000  # tasks of a person, whom nobody limits


class Workforce:
    """Agents and people as candidates."""

    def __init__(self, admission: Admission, watch: Watch, clock: Clock) -> None:
        self._admission = admission
        self._watch = watch
        self._clock = clock

    @property
    def organisation(self) -> Organisation:
        return self._watch.organisation()

    def agents(self, connection: Connection, names: Collection[str]) -> list[Candidate]:
        """These agents as they stand now; those that are not declared are left out."""
        declared = self.organisation.all("Agent")
        found = [name for name in names if name in declared]
        held, counted = _held(connection, found), _counted(connection, found)
        return [self._agent(connection, name, held[AGENT + name], counted.get(AGENT + name, (0, 0))) for name in found]

    def holders_of(self, connection: Connection, role: str) -> list[Candidate]:
        """Every agent that is declared with the role."""
        declared = self.organisation.all("Agent").items()
        return self.agents(connection, [name for name, one in declared if role in spec(one, AgentSpec).roles])

    def stopped(self, connection: Connection, holders: Iterable[str]) -> list[str]:
        """Those of the holders who may not act any more: contained, suspended, retired, offboarded."""
        named = list(holders)
        agents = [
            one for one in named if one.startswith(AGENT) and not self._admission.may_act(one.removeprefix(AGENT))
        ]
        people = [one.removeprefix(PERSON) for one in named if one.startswith(PERSON)]
        if not people:
            return agents
        active = select(person.c.name).where(person.c.name.in_(people), person.c.state == "active")
        still = set(connection.execute(active).scalars())
        return agents + [PERSON + name for name in people if name not in still]

    def above(self, role: str) -> str | None:
        """The role that decides what this one may not: the first of its escalation targets that is another."""
        declared = self.organisation.get("Role", role)
        targets = [] if declared is None else spec(declared, RoleSpec).escalationTargets
        return next((one for one in targets if one != role and self.organisation.get("Role", one)), None)

    def boundaries(self, role: str) -> list[str]:
        """What a role may not decide, in the words of its declaration."""
        declared = self.organisation.get("Role", role)
        return [] if declared is None else list(spec(declared, RoleSpec).decisionBoundaries)

    def person(self, who: PersonCaller) -> Candidate:
        """A signed-in person as a candidate."""
        seen = sight.of_person(self.organisation, who.name, who.roles)
        return Candidate(who.actor, "person", who.roles, at_once=MANY, data=seen.data, spaces=seen.spaces)

    def _agent(self, connection: Connection, name: str, busy: int, counted: tuple[int, int]) -> Candidate:
        revision = self.organisation.all("Agent")[name]
        said, found = spec(revision, AgentSpec), purse(connection, self.organisation, name, self._clock())
        seen = sight.of_agent(self.organisation, name)
        return Candidate(
            id=AGENT + name,
            kind="agent",
            roles=tuple(said.roles),
            lineage=self.organisation.lineage(revision.unit),
            capabilities=tuple(said.capabilities),
            at_once=said.tasksAtOnce,
            busy=busy,
            done=counted[0],
            missed=counted[1],
            funded=found.funded,
            spent_for=found.spent_for,
            data=seen.data,
            spaces=seen.spaces,
            fit=self._admission.may_act(name),
        )


def _held(reader: Reader, names: Collection[str]) -> Counter[str]:
    """How many tasks each agent has in hand."""
    claimed = task.c.ended_at.is_(None), task.c.state == "claimed"
    wanted = *claimed, task.c.holder.in_([AGENT + name for name in names])
    rows = reader.execute(select(task.c.holder, func.count()).where(*wanted).group_by(task.c.holder))
    return Counter({str(row[0]): int(row[1]) for row in rows})


def in_hand(reader: Reader, found: Candidate) -> int:
    """How many tasks a candidate has in hand now."""
    return _held(reader, [found.name])[found.id]


def _counted(reader: Reader, names: Collection[str]) -> dict[str, tuple[int, int]]:
    sums = select(
        tally.c.holder, func.sum(tally.c.done).label("done"), func.sum(tally.c.missed).label("missed")
    ).group_by(tally.c.holder)
    wanted = tally.c.holder.in_([AGENT + name for name in names])
    rows = reader.execute(sums.where(wanted).group_by(tally.c.holder))
    return {str(row.holder): (int(row.done), int(row.missed)) for row in rows}
