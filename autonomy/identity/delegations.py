"""Delegation: an agent lets another use some of its tools for it, for a while."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import insert, select, update

from autonomy.db import Tx
from autonomy.kernel.clock import DAY, SECOND
from autonomy.kernel.errors import Conflict, Forbidden, Invalid
from autonomy.kernel.ids import new_id

from . import rows, rules, store
from .base import Base
from .ending import Stamp
from .model import AgentView, Delegation, State

LONGEST_TTL = 30 * DAY
SHORTEST_TTL = SECOND  # tokens count in whole seconds


class Delegations(Base):
    """Granting and ending."""

    def delegate(self, from_agent: str, to_agent: str, tools: Collection[str], ttl: int, by: str) -> Delegation:
        """Let `to_agent` use `tools` (exact names) for `from_agent` during `ttl` milliseconds. Agents by id or name.

        It never widens anything: both agents must be entitled at every use. A new grant between the same two replaces
        the one before. Raises Invalid, NotFound, Forbidden (an agent delegates only for itself) and Conflict
        (`delegation.cycle`, `delegation.depth`, `agent.retired`).
        """
        rules.check_actor(by)
        granted = rules.check_tools(tools)
        if not SHORTEST_TTL <= ttl <= LONGEST_TTL:
            raise Invalid("a delegation lasts from 1s to 30d", code="delegation.ttl")

        def work(tx: Tx) -> Delegation:
            giver, taker = _live(tx, from_agent), _live(tx, to_agent)
            if by.startswith("agent:") and by != f"agent:{giver.id}":
                raise Forbidden("an agent delegates only for itself", code="delegation.giver")
            stamp = self._stamp(tx)
            _end(tx, (store.delegation.c.from_agent == giver.id, store.delegation.c.to_agent == taker.id), stamp)
            rules.check_delegation(_edges(tx, stamp.at), giver.id, taker.id)
            grant = Delegation(new_id("del"), giver.id, taker.id, granted, stamp.at + ttl, None, by)
            _insert(tx, grant, stamp)
            self._leaf(
                tx,
                stamp,
                "delegation.granted",
                by,
                delegation=grant.id,
                from_agent=giver.id,
                to_agent=taker.id,
                tools=sorted(granted),
                expires_at=grant.expires_at,
            )
            return grant

        return self._write(work)

    def revoke_delegation(self, delegation: str, by: str) -> None:
        """End a grant, and with it every token that rests on it. Raises NotFound; ending twice does nothing."""
        rules.check_actor(by)

        def work(tx: Tx) -> None:
            table = store.delegation
            row = store.find(tx, table.c.id, delegation, "delegation")
            if by.startswith("agent:") and by.removeprefix("agent:") not in (row.from_agent, row.to_agent):
                raise Forbidden("an agent ends only delegations of its own", code="delegation.giver")
            if row.revoked_at is None:
                stamp = self._stamp(tx)
                _end(tx, (table.c.id == delegation,), stamp)
                self._leaf(tx, stamp, "delegation.revoked", by, delegation=delegation)

        self._write(work)

    def delegations(self, agent: str | None = None) -> list[Delegation]:
        """Every grant ever given, or those from or to one agent (id or name), newest first."""
        directory = self._directory.refresh()
        party = None if agent is None else directory.agent(agent).id
        found = [one for one in tuple(directory.delegations.values()) if party in (None, one.from_agent, one.to_agent)]
        return sorted(found, key=lambda one: one.id, reverse=True)


def _live(tx: Tx, agent: str) -> AgentView:
    found = store.find_agent(tx, agent)
    if found.state is State.RETIRED:
        raise Conflict(f"the agent `{found.name}` is retired", code="agent.retired")
    return found


def _edges(tx: Tx, at: int) -> list[tuple[str, str]]:
    table = store.delegation
    in_force = table.c.revoked_at.is_(None), table.c.expires_at > at
    rows = tx.execute(select(table.c.from_agent, table.c.to_agent).where(*in_force))
    return [(row.from_agent, row.to_agent) for row in rows]


def _end(tx: Tx, which: tuple[object, ...], stamp: Stamp) -> None:
    table = store.delegation
    ended = {"revoked_at": stamp.at, "changed": stamp.epoch}
    tx.execute(update(table).where(*which, table.c.revoked_at.is_(None)).values(**ended))  # type: ignore[arg-type]


def _insert(tx: Tx, grant: Delegation, stamp: Stamp) -> None:
    tx.execute(
        insert(store.delegation).values(
            id=grant.id,
            from_agent=grant.from_agent,
            to_agent=grant.to_agent,
            tools=rows.names(sorted(grant.tools)),
            created_at=stamp.at,
            expires_at=grant.expires_at,
            revoked_at=None,
            granted_by=grant.granted_by,
            changed=stamp.epoch,
        )
    )
