"""From first trial to retirement, and every way to stop on the road."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from sqlalchemy import insert, select, update

from autonomy.audit import record
from autonomy.db import Tx
from autonomy.kernel.errors import Conflict, Invalid
from autonomy.kernel.ids import new_id

from . import rows, rules, store
from .base import Base
from .directory import EVERYTHING
from .ending import Stamp, end_access, offboard_person, retire_agents, with_children
from .grants import check_administered
from .model import AgentView, Containment, Offboarding, Scope, State

T = TypeVar("T")

TOLD = 500  # agents named in one record of the log


class Lifecycle(Base):
    """Each of these takes effect on the next admission in every process, and leaves one record in the log."""

    def promote(self, agent: str, by: str) -> None:
        """Make a pilot active. Raises NotFound, Conflict (`agent.move`): drafts become active by declaring a role."""
        rules.check_actor(by)

        def work(tx: Tx) -> None:
            found = store.find_agent(tx, agent)
            if found.state is not State.PILOT:
                raise Conflict(f"`{found.name}` is {found.state}", code="agent.move", hint="only pilots are promoted")
            self._set(tx, found, "agent.promoted", by, {"stage": State.ACTIVE})

        self._write(work)

    def suspend(self, agent: str, by: str, reason: str) -> None:
        """Let an agent rest until a person reinstates it. Raises NotFound, Conflict (`agent.move`)."""
        rules.check_actor(by)
        rules.check_reason(reason)

        def work(tx: Tx) -> None:
            found = store.find_agent(tx, agent)
            rules.check_suspendable(found)
            self._set(tx, found, "agent.suspended", by, {"suspended": "person"}, reason=reason)

        self._write(work)

    def retire(self, agent: str, by: str, reason: str) -> tuple[str, ...]:
        """End an agent for good, with its child agents, credentials, tokens and delegations; returns the ids ended.

        Raises NotFound, Conflict (`agent.move`).
        """
        rules.check_actor(by)
        rules.check_reason(reason)

        def work(tx: Tx) -> tuple[str, ...]:
            found = store.find_agent(tx, agent)
            rules.check_move(found, State.RETIRED)
            stamp = self._stamp(tx)
            ended = retire_agents(tx, [found.id], stamp, declared=True)
            self._leaf(tx, stamp, "agent.retired", by, agent=found.id, agents=list(ended), reason=reason)
            return ended

        return self._write(work)

    def offboard(self, person: str, by: str, reason: str) -> Offboarding:
        """End a person's access at once and suspend the agents they sponsor until a new sponsor is declared.

        Those agents' credentials, tokens and delegations end, children included: who leaves may have kept copies.
        Raises NotFound, Conflict (`person.offboarded`, `person.last_admin`).
        """
        rules.check_actor(by)
        rules.check_reason(reason)

        def work(tx: Tx) -> Offboarding:
            row = store.find_person(tx, person)
            if row.state == "offboarded":
                raise Conflict(f"`{person}` has left already", code="person.offboarded")
            stamp = self._stamp(tx)
            with check_administered(tx):
                done = offboard_person(tx, person, stamp, declared=row.declared)
            self._leaf(tx, stamp, "person.offboarded", by, person=person, agents=list(done.suspended), reason=reason)
            return done

        return self._write(work)

    def contain(self, scope: Scope, target: str, by: str, reason: str) -> Containment:
        """Stop an agent (id or name), a unit with all below it, a tool, or `everything` (target `*`).

        Containing what is contained returns the containment in force. Raises NotFound, Invalid, Conflict.
        """
        return self._write(lambda tx: self.contain_in(tx, scope, target, by, reason))

    def together(self, work: Callable[[Tx], T]) -> T:
        """What `work` returns, which does several of these in one transaction by their forms that end in `_in`."""
        return self._write(work)

    def contain_in(self, tx: Tx, scope: Scope, target: str, by: str, reason: str) -> Containment:
        """As `contain`, within somebody's transaction."""
        rules.check_actor(by)
        rules.check_reason(reason)
        stands = self.in_force_in(tx, scope, target)
        if stands is not None:
            return stands
        found = _target(tx, scope, target)
        if scope == "agent":
            rules.check_move(store.find_agent(tx, found), State.CONTAINED)
        stop = Containment(new_id("con"), scope, found, reason, by, self._clock())
        self._impose(tx, stop)
        return stop

    def in_force_in(self, tx: Tx, scope: Scope, target: str) -> Containment | None:
        """The containment of exactly this that is in force; None where there is none. Raises NotFound, Invalid."""
        table = store.containment
        same = table.c.scope == scope, table.c.target == _target(tx, scope, target), table.c.lifted_at.is_(None)
        row = tx.execute(select(table).where(*same)).one_or_none()
        return None if row is None else rows.to_containment(row)

    def covered_in(self, tx: Tx, scope: Scope, target: str) -> dict[str, str]:
        """Id and name of every agent that a containment (its scope and target) stops, those below them included; none
        where it stops a tool."""
        table, wanted = store.agent, set[str]()
        if scope == "agent":
            wanted = {target}
        elif scope == "unit":
            units = rules.subtree({row.name: row.parent for row in tx.execute(select(store.unit))}, [target])
            for some in store.batches(units):
                wanted |= set(tx.execute(select(table.c.id).where(table.c.unit.in_(some))).scalars())
        elif scope == "everything":
            wanted = set(tx.execute(select(table.c.id)).scalars())
        found: dict[str, str] = {}
        for some in store.batches(with_children(tx, wanted)):
            living = table.c.id.in_(some), table.c.stage != State.RETIRED
            found |= {row.id: row.name for row in tx.execute(select(table.c.id, table.c.name).where(*living))}
        return found

    def void_tokens_in(self, tx: Tx, agents: Collection[str], by: str, reason: str, keys: bool) -> int:
        """End every token that these agents (ids) have been given, and with `keys` their credentials and delegations as
        well; returns how many credentials ended. Whoever keeps its credential gets new tokens by it once it may act."""
        stamp = self._stamp(tx)
        if keys:
            count = end_access(tx, agents, stamp)
        else:
            count = 0
            table = store.agent
            voided = {"tokens_since": stamp.epoch, "changed": stamp.epoch}
            for some in store.batches(agents):
                tx.execute(update(table).where(table.c.id.in_(some)).values(**voided))
        event = "agents.revoked" if keys else "agents.tokens_ended"
        self._leaf(tx, stamp, event, by, agents=sorted(agents)[:TOLD], count=len(agents), reason=reason)
        return count

    def check_lifter_in(self, tx: Tx, by: str, reason: str) -> None:
        """Raise Forbidden, Invalid or Conflict (`person.offboarded`) where this is no person who is here, and says why:
        nobody else may lift a containment."""
        rules.check_person_with_reason(by, reason)
        _check_active(tx, by.removeprefix("person:"))

    def lift_in(self, tx: Tx, containment: str, by: str, reason: str) -> None:
        """Lift a containment (`con_…`) within somebody's transaction; one that was lifted already stays so.

        Only a person may, and says why. Raises Forbidden, Invalid, NotFound, Conflict (`person.offboarded`).
        """
        self.check_lifter_in(tx, by, reason)
        found = rows.to_containment(store.find(tx, store.containment.c.id, containment, "containment"))
        if found.lifted_at is None:
            self._lift(tx, found, by, reason)

    def reinstate(self, what: str, by: str, reason: str) -> None:
        """Lift a containment (`con_…`), or what holds an agent (id or name): its containment, else its suspension.

        Only a person may, and says why. Raises Forbidden, Invalid, NotFound, Conflict (`agent.move`, `agent.sponsor`).
        """
        rules.check_actor(by)
        rules.check_person_with_reason(by, reason)

        def work(tx: Tx) -> None:
            _check_active(tx, by.removeprefix("person:"))
            if what.startswith("con_"):
                self._lift(tx, _in_force(tx, what), by, reason)
                return
            found = store.find_agent(tx, what)
            if found.state is State.CONTAINED:
                self._lift(tx, _of_agent(tx, found), by, reason)
                return
            self._resume(tx, found, by, reason)

        self._write(work)

    def _resume(self, tx: Tx, agent: AgentView, by: str, reason: str) -> None:
        if agent.state is not State.SUSPENDED:
            raise Conflict(f"`{agent.name}` is {agent.state}", code="agent.move", hint="nothing holds it")
        if store.find_person(tx, agent.sponsor).state != "active":
            raise Conflict(
                f"the sponsor `{agent.sponsor}` of `{agent.name}` has left",
                code="agent.sponsor",
                hint="declare a new sponsor",
            )
        self._set(tx, agent, "agent.reinstated", by, {"suspended": ""}, reason=reason)

    def _impose(self, tx: Tx, stop: Containment) -> None:
        stamp = Stamp(tx.bump("identity"), stop.at)
        tx.execute(
            insert(store.containment).values(
                id=stop.id,
                scope=stop.scope,
                target=stop.target,
                reason=stop.reason,
                by=stop.by,
                at=stop.at,
                changed=stamp.epoch,
            )
        )
        self._mark_contained(tx, stop, True, stamp)
        self._stop_leaf(tx, "contained", stop, stop.by, stop.reason, stamp)

    def _lift(self, tx: Tx, stop: Containment, by: str, reason: str) -> None:
        stamp = self._stamp(tx)
        table = store.containment
        lifted = {"lifted_at": stamp.at, "lifted_by": by, "lift_reason": reason, "changed": stamp.epoch}
        tx.execute(update(table).where(table.c.id == stop.id).values(**lifted))
        self._mark_contained(tx, stop, False, stamp)
        self._stop_leaf(tx, "reinstated", stop, by, reason, stamp)

    def _mark_contained(self, tx: Tx, stop: Containment, contained: bool, stamp: Stamp) -> None:
        if stop.scope == "agent":
            agent = store.agent
            values = {"contained": contained, "changed": stamp.epoch}
            tx.execute(update(agent).where(agent.c.id == stop.target).values(**values))

    def _stop_leaf(self, tx: Tx, event: str, stop: Containment, by: str, reason: str, stamp: Stamp) -> None:
        record(
            tx,
            "containment",
            stamp.at,
            event=event,
            actor=by,
            epoch=stamp.epoch,
            containment=stop.id,
            scope=stop.scope,
            target=stop.target,
            reason=reason,
        )

    def _set(self, tx: Tx, agent: AgentView, event: str, by: str, values: dict[str, Any], **told: str) -> None:
        stamp = self._stamp(tx)
        table = store.agent
        tx.execute(update(table).where(table.c.id == agent.id).values(**values, changed=stamp.epoch))
        self._leaf(tx, stamp, event, by, agent=agent.id, name=agent.name, **told)


def _target(tx: Tx, scope: Scope, target: str) -> str:
    """What a containment of `target` stops, in the form it is stored in."""
    if scope == "agent":
        return store.find_agent(tx, target).id
    if scope == "everything" and target == EVERYTHING:
        return target
    if scope == "tool" and rules.is_name(target):
        return target
    if scope == "unit":
        return str(store.find(tx, store.unit.c.name, target, "unit").name)
    raise Invalid(
        f"`{scope}` `{target[:80]}` cannot be contained",
        code="containment.scope",
        hint="`agent NAME`, `unit NAME`, `tool NAME` or `everything *`",
    )


def _in_force(tx: Tx, containment: str) -> Containment:
    found = rows.to_containment(store.find(tx, store.containment.c.id, containment, "containment"))
    if found.lifted_at is not None:
        raise Conflict(f"`{containment}` was lifted already", code="containment.lifted")
    return found


def _of_agent(tx: Tx, agent: AgentView) -> Containment:
    table = store.containment
    own = table.c.scope == "agent", table.c.target == agent.id, table.c.lifted_at.is_(None)
    return rows.to_containment(tx.execute(select(table).where(*own)).one())


def _check_active(tx: Tx, person: str) -> None:
    if store.find_person(tx, person).state != "active":
        raise Conflict(f"`{person}` has left", code="person.offboarded")
