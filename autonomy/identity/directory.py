"""Identity in memory: every agent, credential, grant and stop as of one epoch, so that admission costs no query.

Any change of these moves the identity epoch and stamps its rows with it. A process that is told of a newer epoch reads
the rows changed since the one it knows. A revocation therefore needs no time to live: what was read before it is not
used after it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from autonomy.audit.store import read_head
from autonomy.db import Database
from autonomy.kernel.errors import NotFound, Unauthenticated

from . import rows, rules, store
from .model import AgentView, Containment, Credential, Delegation, SigningKey, Workload

EVERYTHING = "*"
"""The target of a containment of everything."""


class Directory:
    """Thread-safe; `at` is the only way in, so that nobody reads what an epoch has overtaken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = threading.Lock()
        self.epoch = -1
        self.agents: dict[str, AgentView] = {}
        self.credentials: dict[str, Credential] = {}
        self.delegations: dict[str, Delegation] = {}
        self.keys: dict[str, SigningKey] = {}
        self._names: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._workloads: dict[tuple[str, str], dict[str, Workload]] = {}
        self._units: dict[str, str | None] = {}
        self._contained: dict[tuple[str, str], Containment] = {}
        self._granted: dict[tuple[str, str], str] = {}

    def at(self, epoch: int) -> Directory:
        """The directory, at least as new as `epoch`; blocks only where that epoch is not known yet.

        Raises Unavailable where the store cannot be read.
        """
        if epoch > self.epoch:
            self.refresh()
        return self

    def refresh(self) -> Directory:
        """The directory as the store is now."""
        with self._database.reading() as connection:
            self.read(connection)
        return self

    def read(self, connection: Connection) -> int:
        """Become as new as what `connection` reads; returns the epoch known from now on."""
        with self._reading:
            # The epoch first: rows that change between these reads are then read again, never missed.
            _, _, _, epoch = read_head(connection)
            if epoch > self.epoch:
                self._read_changes(connection)
                self.epoch = epoch
            return self.epoch

    def id_of(self, agent_or_name: str) -> str:
        """The id of the agent with this name; anything else comes back as it is."""
        return self._names.get(agent_or_name, agent_or_name)

    def agent(self, agent_or_name: str) -> AgentView:
        """The agent with this id or name. Raises NotFound."""
        found = self.agents.get(self.id_of(agent_or_name))
        if found is None:
            raise NotFound(f"there is no agent `{agent_or_name}`", code="agent.unknown")
        return found

    def hash_of(self, credential: str) -> str | None:
        """The hash of a credential's secret, or its public key as JSON; None for an unknown credential."""
        return self._hashes.get(credential)

    def workloads(self, provider: str, subject: str) -> tuple[tuple[Credential, Workload], ...]:
        """The credentials that a subject at an identity provider may make, each with what else its token must say."""
        found = tuple(self._workloads.get((provider, subject), {}).items())
        return tuple((self.credentials[credential], workload) for credential, workload in found)

    def grant(self, giver: str, taker: str) -> Delegation | None:
        """The grant not revoked from one agent to another; it may have expired."""
        return self.delegations.get(self._granted.get((giver, taker), ""))

    def lineage(self, agent: AgentView) -> tuple[AgentView, ...]:
        """`agent` and the agents above it, nearest first."""
        found = [agent]
        while (parent := found[-1].parent) is not None and parent in self.agents:
            found.append(self.agents[parent])
        return tuple(found)

    def check_admissible(self, agent: AgentView) -> None:
        """Raise Unauthenticated where `agent` may not act: by its own state, an agent's above it, or a containment."""
        rules.check_working(agent)
        for above in self.lineage(agent)[1:]:
            if above.state not in rules.WORKING:
                message = f"the agent `{above.name}` above `{agent.name}` is {above.state}"
                raise Unauthenticated(message, code="agent.parent")
        stop = self.containment_over(agent)
        if stop is not None:
            what = "everything" if stop.scope == "everything" else f"the {stop.scope} `{stop.target}`"
            raise Unauthenticated(f"{what} is contained", code="agent.contained", containment=stop.id)

    def containment_over(self, agent: AgentView) -> Containment | None:
        """The containment that stops `agent`, itself or through an agent or a unit above it; None where none does."""
        if not self._contained:
            return None
        above = self.lineage(agent)
        units = {name for one in above for name in rules.lineage(self._units, one.unit)}
        scopes = [("everything", EVERYTHING)]
        scopes += [("agent", one.id) for one in above] + [("unit", name) for name in sorted(units)]
        return self._first_contained(scopes)

    def containment_of_tool(self, tool: str) -> Containment | None:
        """The containment that stops `tool` for everybody; None where none does."""
        return self._first_contained([("everything", EVERYTHING), ("tool", tool)])

    def _first_contained(self, scopes: Iterable[tuple[str, str]]) -> Containment | None:
        return next((self._contained[scope] for scope in scopes if scope in self._contained), None)

    def _read_changes(self, connection: Connection) -> None:
        for row in self._changed(connection, store.unit):
            self._units[row.name] = row.parent
        for row in self._changed(connection, store.agent):
            self.agents[row.id] = rows.to_agent(row)
            self._names[row.name] = row.id
        for row in self._changed(connection, store.credential):
            self._hashes[row.id] = row.hash
            self.credentials[row.id] = rows.to_credential(row)
            if row.kind == "federated":
                self._take_workload(row.id, row.hash)
        for row in self._changed(connection, store.signing_key):
            self.keys[row.kid] = rows.to_signing_key(row)
        self._take_delegations(map(rows.to_delegation, self._changed(connection, store.delegation)))
        self._take_containments(map(rows.to_containment, self._changed(connection, store.containment)))

    def _changed(self, connection: Connection, table: Table) -> list[Row[Any]]:
        return list(connection.execute(select(table).where(table.c.changed > self.epoch)).all())

    def _take_workload(self, credential: str, text: str) -> None:
        if text:
            workload = rows.to_workload(text)
            self._workloads.setdefault((workload.provider, workload.subject), {})[credential] = workload
            return
        for named in self._workloads.values():
            named.pop(credential, None)

    def _take_delegations(self, changed: Iterable[Delegation]) -> None:
        for one in changed:
            self.delegations[one.id] = one
            pair = one.from_agent, one.to_agent
            if one.revoked_at is None:
                self._granted[pair] = one.id
            elif self._granted.get(pair) == one.id:  # another may have replaced it in the same epoch
                del self._granted[pair]

    def _take_containments(self, changed: Iterable[Containment]) -> None:
        for one in changed:
            if one.lifted_at is None:
                self._contained[one.scope, one.target] = one
            elif (held := self._contained.get((one.scope, one.target))) and held.id == one.id:
                del self._contained[one.scope, one.target]
