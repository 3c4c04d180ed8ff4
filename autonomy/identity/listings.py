"""What administrators and auditors look at."""

from __future__ import annotations

from collections import Counter, defaultdict

from sqlalchemy import select

from . import rows, rules, store
from .base import Base
from .directory import Directory
from .model import AccessRow, AgentView, Containment, PersonView


class Listings(Base):
    """Read-only."""

    def agents(self) -> list[AgentView]:
        """Every agent there ever was, by name."""
        return sorted(tuple(self._directory.refresh().agents.values()), key=lambda one: one.name)

    def agent(self, agent: str) -> AgentView:
        """One agent (id or name). Raises NotFound."""
        return self._directory.refresh().agent(agent)

    def containments(self, ended: bool = False) -> list[Containment]:
        """The containments in force, with `ended` also those lifted; newest first."""
        table = store.containment
        query = select(table).order_by(table.c.at.desc(), table.c.id.desc())
        with self._database.reading() as connection:
            found = connection.execute(query if ended else query.where(table.c.lifted_at.is_(None)))
            return [rows.to_containment(row) for row in found]

    def access_review(self) -> list[AccessRow]:
        """Everyone who can do anything here: agents that are not retired, then active people, each by name."""
        directory, at = self._directory.refresh(), self._clock()
        live = Counter(
            one.agent for one in tuple(directory.credentials.values()) if one.revoked_at is None and at < one.expires_at
        )
        acts_for = _acts_for(directory, at)
        agents = [one for one in self.agents() if one.state != "retired"]
        with self._database.reading() as connection:
            table = store.person
            found = connection.execute(select(table).where(table.c.state == "active").order_by(table.c.name))
            people = [rows.to_person(row) for row in found]
        return [_agent_row(one, live[one.id], acts_for[one.id]) for one in agents] + [
            _person_row(one) for one in people
        ]


def _acts_for(directory: Directory, at: int) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for grant in tuple(directory.delegations.values()):
        if rules.live(grant, at):
            found[grant.to_agent].append(directory.agents[grant.from_agent].name)
    return found


def _agent_row(agent: AgentView, credentials: int, acts_for: list[str]) -> AccessRow:
    return AccessRow(
        kind="agent",
        name=agent.name,
        state=agent.state,
        unit=agent.unit,
        roles=agent.roles,
        access=(),
        sponsor=agent.sponsor,
        owner=agent.owner,
        supervisor=agent.supervisor,
        live_credentials=credentials,
        acts_for=tuple(sorted(acts_for)),
    )


def _person_row(person: PersonView) -> AccessRow:
    return AccessRow(
        kind="person",
        name=person.name,
        state=person.state,
        unit=None,
        roles=person.roles,
        access=person.access,
        sponsor=None,
        owner=None,
        supervisor=None,
        live_credentials=0,
        acts_for=(),
    )
