"""From declared to lived: an applied declaration becomes units, people and agents, in the change's own transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, bindparam, insert, select, update

from autonomy.db import Tx
from autonomy.kernel.errors import Conflict, Invalid
from autonomy.kernel.ids import new_id

from . import rows, rules, store
from .base import Base
from .ending import Stamp, offboard_person, retire_agents
from .federating import put_grants, put_workloads
from .grants import check_administered
from .model import AgentRecord, GroupGrant, PersonRecord, Projection, State, UnitRecord
from .outside_store import scim_account, service_key
from .permissions import permissions_of

IN_ONE_LEAF = 500  # new agents named in one record of the log


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is projected: everything declared now, and who is declared no longer."""

    trust_domain: str
    units: Sequence[UnitRecord]
    people: Sequence[PersonRecord]
    agents: Sequence[AgentRecord]
    retire: Sequence[str] = ()
    offboard: Sequence[str] = ()
    grants: Sequence[GroupGrant] = ()
    providers: Collection[str] = ()


class Projecting(Base):
    """Called by who applies a change, inside the transaction that makes it."""

    def project(
        self,
        tx: Tx,
        trust_domain: str,
        units: Sequence[UnitRecord] = (),
        people: Sequence[PersonRecord] = (),
        agents: Sequence[AgentRecord] = (),
        retire: Sequence[str] = (),
        offboard: Sequence[str] = (),
        by: str = "system",
        grants: Sequence[GroupGrant] = (),
        providers: Collection[str] = (),
    ) -> Projection:
        """Bring identity to what is declared; returns what that did.

        New agents get the id `spiffe://<trust_domain>/agent/<number>` and become active, pilots where so declared,
        drafts while they have no role. `retire` and `offboard` name agents and people declared no longer: everything
        of theirs ends, and their names are never used again; a person with a SCIM account only loses what the manifest
        gave. Who ended here although still declared stays ended. `grants` say what groups outside admit to, `providers`
        which identity providers there are: of all others the keys end, and the sessions they vouched for.
        Agents suspended because their sponsor left resume when their new sponsor is active. Raises Invalid and
        Conflict (`person.last_admin` where nobody would administer any more); the transaction is then to be given up.
        """
        rules.check_actor(by)
        declared = Declaration(trust_domain, units, people, agents, retire, offboard, grants, providers)
        # The epoch this change makes; it moves only if there is a change.
        stamp = Stamp(tx.epochs.identity + 1, self._clock())
        work = _Work(tx, stamp, declared)
        with check_administered(tx):
            done = work.run()
        if work.changed:
            tx.bump("identity")
            self._tell(tx, stamp, done, by)
        return done

    def _tell(self, tx: Tx, stamp: Stamp, done: Projection, by: str) -> None:
        new = sorted(done.created.items())
        for start in range(0, len(new), IN_ONE_LEAF):
            self._leaf(tx, stamp, "agents.created", by, agents=dict(new[start : start + IN_ONE_LEAF]))
        if done.retired:
            self._leaf(tx, stamp, "agents.retired", by, agents=list(done.retired))
        for person in done.offboarded:
            self._leaf(tx, stamp, "person.offboarded", by, person=person)
        for key, name in done.keys:
            why = "its identity provider is declared no longer"
            self._leaf(tx, stamp, "service_key.revoked", by, credential=key, name=name, reason=why)


class _Work:
    """One projection. Reads what is stored once, compares, and writes only what differs."""

    def __init__(self, tx: Tx, stamp: Stamp, declared: Declaration) -> None:
        self._tx = tx
        self._stamp = stamp
        self._declared = declared
        self._people = _by_name(tx, store.person)
        self._agents = _by_name(tx, store.agent)
        self._accounts = {row.person: row for row in tx.execute(select(scim_account))}
        self._awaited = {one.name for one in declared.people if one.user_name is not None}
        self.changed = False

    def run(self) -> Projection:
        self._units()
        ended = self._put_people()
        created, ended_agents = self._put_agents()
        retired = self._retire()
        offboarded = self._offboard()
        self._put_outside(created)
        revoked = self._end_providers()
        return Projection(created, retired, offboarded, tuple(sorted([*ended, *ended_agents])), revoked)

    def _units(self) -> None:
        stored = {row.name: row.parent for row in self._tx.execute(select(store.unit))}
        self._unit_names = rules.unit_parents(stored, self._declared.units)
        new = [unit for unit in self._declared.units if unit.name not in stored]
        moved = [unit for unit in self._declared.units if stored.get(unit.name, unit.parent) != unit.parent]
        self._insert(store.unit, [self._unit(one) for one in new])
        self._update(store.unit, "name", [self._unit(one) for one in moved])

    def _unit(self, unit: UnitRecord) -> dict[str, Any]:
        return {"name": unit.name, "parent": unit.parent, "changed": self._stamp.epoch}

    def _put_people(self) -> list[str]:
        """Returns who is declared although they have left."""
        declared = self._declared.people
        rules.check_once("person", (person.name for person in declared))
        known = {*self._people, *(person.name for person in declared)}
        rules.check_references(self._unit_names, known, declared)
        _check_subjects(self._people, declared)
        rules.check_accounts(declared, {name: row.user_name for name, row in self._accounts.items()})
        new: list[dict[str, Any]] = []
        changed: dict[bool, list[dict[str, Any]]] = {True: [], False: []}  # two kinds of rows, each of the same columns
        left = []
        for person in declared:
            permissions_of(person.access)
            row = self._people.get(person.name)
            if row is None:
                new.append(self._new_person(person))
                continue
            self._check_account(person, row)
            if person.name not in self._accounts:
                _check_still_declared("person", row)
            left += [person.name] if row.state == "offboarded" else []
            values = _person_values(person, row)
            changed[person.user_name is None] += [values] if _differs(row, values) else []
        self._insert(store.person, new)
        for rows_of_one_kind in changed.values():
            self._update(store.person, "name", rows_of_one_kind)
        return left

    def _check_account(self, person: PersonRecord, row: Row[Any]) -> None:
        """Where the declaration is new; later the account may be renamed at its provider."""
        account, same = self._accounts.get(person.name), (row.user_name, row.account_provider)
        if account is not None and not (row.declared and same == (person.user_name, person.provider)):
            rules.check_own_account(person, account.user_name, account.provider)

    def _new_person(self, person: PersonRecord) -> dict[str, Any]:
        rules.check_name("person", person.name)
        return {
            **_declared_values(person),
            "display_name": person.display_name or person.name,
            "email": person.email,
            "external_subject": person.external_subject,
            # Who is known by an account alone begins when the identity provider says so.
            "state": "active" if person.user_name is None else "inactive",
            "created_at": self._stamp.at,
        }

    def _put_agents(self) -> tuple[dict[str, str], list[str]]:
        """Returns the new agents with their ids, and who is declared although retired."""
        declared = self._declared.agents
        rules.check_once("agent", (agent.name for agent in declared))
        rules.check_references(
            self._unit_names, {*self._people, *(one.name for one in self._declared.people)}, declared
        )
        created = {one.name: self._new_id() for one in declared if one.name not in self._agents}
        ids = {**{name: row.id for name, row in self._agents.items()}, **created}
        self._check_family()
        new, changed, ended = [], [], []
        for agent in declared:
            row = self._agents.get(agent.name)
            values = self._agent_values(agent, ids)
            if row is None:
                new.append(self._new_agent(agent, values))
                continue
            _check_still_declared("agent", row)
            if row.stage == State.RETIRED:
                ended.append(agent.name)
                continue
            values.update(self._resumed(agent, row))
            changed += [{**values, "changed": self._stamp.epoch}] if _differs(row, values) else []
        self._insert(store.agent, new)
        self._update(store.agent, "id", changed)
        return created, ended

    def _new_id(self) -> str:
        if not rules.is_trust_domain(self._declared.trust_domain):
            raise Invalid(f"`{self._declared.trust_domain[:80]}` is no trust domain", code="agent.trust_domain")
        return f"spiffe://{self._declared.trust_domain}/agent/{new_id('agent').removeprefix('agent_')}"

    def _agent_values(self, agent: AgentRecord, ids: Mapping[str, str]) -> dict[str, Any]:
        return {
            "id": ids[agent.name],
            "unit": agent.unit,
            "roles": rows.names(agent.roles),
            "sponsor": agent.sponsor,
            "owner": agent.owner,
            "supervisor": agent.supervisor,
            "parent": None if agent.parent is None else ids[agent.parent],
            "site": agent.site,
            "revision": agent.revision,
            "rate_per_minute": agent.rate_per_minute,
        }

    def _new_agent(self, agent: AgentRecord, values: dict[str, Any]) -> dict[str, Any]:
        rules.check_name("agent", agent.name)
        return {
            **values,
            "name": agent.name,
            "created_at": self._stamp.at,
            "stage": rules.first_stage(agent),
            "suspended": "" if self._is_active(agent.sponsor) else "sponsor",
            "contained": False,
            "tokens_since": 0,
            "declared": True,
            "changed": self._stamp.epoch,
        }

    def _resumed(self, agent: AgentRecord, row: Row[Any]) -> dict[str, Any]:
        """Stage and suspension of a known agent under its new declaration."""
        if not agent.roles and row.stage != State.DRAFT:
            raise Invalid(f"the agent `{agent.name}` is {row.stage} and needs a role", code="agent.roles")
        sponsored = self._is_active(agent.sponsor)
        suspended = row.suspended
        if suspended != "person":
            suspended = "" if sponsored else "sponsor"
        return {
            "stage": rules.first_stage(agent) if row.stage == State.DRAFT else row.stage,
            "suspended": suspended,
        }

    def _is_active(self, person: str) -> bool:
        row = self._people.get(person)
        return person not in self._awaited if row is None else row.state == "active"

    def _check_family(self) -> None:
        by_id = {row.id: name for name, row in self._agents.items()}
        parents = {name: None if row.parent is None else by_id[row.parent] for name, row in self._agents.items()}
        parents.update({agent.name: agent.parent for agent in self._declared.agents})
        rules.check_tree("agent", parents)
        for agent in self._declared.agents:
            row = self._agents.get(agent.parent) if agent.parent else None
            own = self._agents.get(agent.name)
            if row is not None and row.stage == State.RETIRED and (own is None or own.stage != State.RETIRED):
                raise Conflict(f"the parent `{agent.parent}` of `{agent.name}` is retired", code="agent.parent")

    def _retire(self) -> tuple[str, ...]:
        ids = [row.id for name in self._declared.retire if (row := self._known("agent", self._agents, name))]
        retired = retire_agents(self._tx, ids, self._stamp, declared=False) if ids else ()
        self.changed = self.changed or bool(retired)
        return retired

    def _offboard(self) -> tuple[str, ...]:
        names = [name for name in self._declared.offboard if self._known("person", self._people, name)]
        leaving = [name for name in names if self._people[name].state != "offboarded" and name not in self._accounts]
        for name in names:
            if name in leaving:
                offboard_person(self._tx, name, self._stamp, declared=False)
            else:
                gone = {"declared": False, "roles": rows.names([]), "access": rows.names([]), "manager": None}
                self._tx.execute(update(store.person).where(store.person.c.name == name).values(**gone))
        self.changed = self.changed or bool(leaving)
        return tuple(leaving)

    def _put_outside(self, created: Mapping[str, str]) -> None:
        """What identity providers may say: which workloads are agents, what groups admit to."""
        ids = {**{name: row.id for name, row in self._agents.items()}, **created}
        resumed = {
            one.name
            for one in self._declared.agents
            if (row := self._agents.get(one.name)) is not None and row.sponsor != one.sponsor
        }
        ended = {name for name, row in self._agents.items() if row.stage == State.RETIRED}
        wanted = {ids[one.name]: one.workloads for one in self._declared.agents if one.name not in ended}
        again = {ids[name] for name in resumed}
        self.changed = put_workloads(self._tx, wanted, again, self._stamp) or self.changed
        put_grants(self._tx, self._declared.grants)

    def _end_providers(self) -> tuple[tuple[str, str], ...]:
        """Who is no identity provider any more speaks for nobody; returns ids and names of the keys that end."""
        kept, at = list(self._declared.providers), self._stamp.at
        theirs = service_key.c.provider != "", service_key.c.provider.not_in(kept), service_key.c.revoked_at.is_(None)
        columns = service_key.c.id, service_key.c.name
        keys = tuple((row.id, row.name) for row in self._tx.execute(select(*columns).where(*theirs).order_by("id")))
        self._tx.execute(update(service_key).where(*theirs).values(revoked_at=at))
        session = store.session
        open_sessions = session.c.provider.is_not(None), session.c.provider.not_in(kept), session.c.ended_at.is_(None)
        ended = self._tx.execute(update(session).where(*open_sessions).values(ended_at=at)).rowcount
        self.changed = self.changed or bool(keys) or ended > 0
        return keys

    def _known(self, kind: str, stored: Mapping[str, Row[Any]], name: str) -> Row[Any]:
        if name not in stored:
            raise Invalid(f"there is no {kind} `{name}` to end", code=f"{kind}.unknown")
        return stored[name]

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.changed = True
            self._tx.execute(insert(table), rows)

    def _update(self, table: Table, key: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.changed = True
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != key}
            statement = update(table).where(table.c[key] == bindparam(f"new_{key}")).values(**values)
            self._tx.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in rows])


def _by_name(tx: Tx, table: Table) -> dict[str, Row[Any]]:
    return {row.name: row for row in tx.execute(select(table))}


def _differs(row: Row[Any], values: Mapping[str, Any]) -> bool:
    stored = row._mapping
    return any(stored[name] != value for name, value in values.items())


def _check_still_declared(kind: str, row: Row[Any]) -> None:
    if not row.declared:
        raise Conflict(
            f"the name `{row.name}` belonged to an earlier {kind}",
            code=f"{kind}.name_used",
            hint="names are never used again: choose another",
        )


def _check_subjects(stored: Mapping[str, Row[Any]], declared: Iterable[PersonRecord]) -> None:
    """One subject at the identity provider is one person."""
    owners = {row.external_subject: name for name, row in stored.items() if row.external_subject}
    for person in declared:
        owner = owners.setdefault(person.external_subject, person.name) if person.external_subject else person.name
        if owner != person.name:
            raise Invalid(f"`{person.name}` and `{owner}` have the same external subject", code="person.subject")


def _person_values(person: PersonRecord, row: Row[Any]) -> dict[str, Any]:
    """What a known person is to be: all of it where the manifest says who they are, else what it alone may say."""
    if person.user_name is not None:
        return _declared_values(person)
    return {
        **_declared_values(person),
        "display_name": person.display_name,
        "email": person.email,
        "external_subject": person.external_subject,
        "state": "active" if row.state == "inactive" else row.state,
    }


def _declared_values(person: PersonRecord) -> dict[str, Any]:
    return {
        "name": person.name,
        "roles": rows.names(person.roles),
        "access": rows.names(person.access),
        "manager": person.manager,
        "user_name": person.user_name,
        "account_provider": person.provider,
        "declared": True,
    }
