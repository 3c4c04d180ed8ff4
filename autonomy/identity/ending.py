"""How access ends: inside somebody's transaction, for whole families of agents at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select, update

from autonomy.db import Tx

from . import rules, store
from .model import Offboarding, PersonState, State


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a change happens: the identity epoch it makes, and milliseconds."""

    epoch: int
    at: int


def with_children(tx: Tx, agents: Iterable[str]) -> frozenset[str]:
    """The ids `agents` and those of everything below them."""
    return rules.subtree(store.agent_parents(tx), agents)


def end_access(tx: Tx, agents: Collection[str], stamp: Stamp) -> int:
    """End every credential, token and delegation of these agents (ids); returns how many credentials ended."""
    agent, credential, delegation = store.agent, store.credential, store.delegation
    ended = {"revoked_at": stamp.at, "changed": stamp.epoch}
    count = 0
    for some in store.batches(agents):
        tx.execute(update(agent).where(agent.c.id.in_(some)).values(tokens_since=stamp.epoch, changed=stamp.epoch))
        live = credential.c.agent.in_(some), credential.c.revoked_at.is_(None)
        count += tx.execute(update(credential).where(*live).values(**ended)).rowcount
        touching = or_(delegation.c.from_agent.in_(some), delegation.c.to_agent.in_(some))
        tx.execute(update(delegation).where(touching, delegation.c.revoked_at.is_(None)).values(**ended))
    return count


def retire_agents(tx: Tx, agents: Collection[str], stamp: Stamp, declared: bool) -> tuple[str, ...]:
    """Retire these agents (ids) and everything below them, for good; returns the ids that were not retired before.

    `declared` tells whether the declaration still names them: only then may it go on doing so.
    """
    agent = store.agent
    family = with_children(tx, agents)
    live: list[str] = []
    for some in store.batches(family):
        working = agent.c.id.in_(some), agent.c.stage != State.RETIRED
        live += tx.execute(select(agent.c.id).where(*working)).scalars()
    for some in store.batches(live):
        tx.execute(update(agent).where(agent.c.id.in_(some)).values(stage=State.RETIRED, changed=stamp.epoch))
    if not declared:
        for some in store.batches(agents):
            tx.execute(update(agent).where(agent.c.id.in_(some)).values(declared=False))
    end_access(tx, live, stamp)
    return tuple(sorted(live))


def offboard_person(tx: Tx, name: str, stamp: Stamp, declared: bool, state: PersonState = "offboarded") -> Offboarding:
    """End a person's access and suspend the agents they answer for, whose secrets they may have kept.

    `state` is where they stand then: `offboarded` for good, or `inactive` for as long as their provider says so.
    """
    person, session, invitation = store.person, store.session, store.invitation
    left_at = stamp.at if state == "offboarded" else None
    gone = {"state": state, "offboarded_at": left_at, "password_hash": None, "declared": declared}
    tx.execute(update(person).where(person.c.name == name).values(**gone))
    open_sessions = session.c.person == name, session.c.ended_at.is_(None)
    tx.execute(update(session).where(*open_sessions).values(ended_at=stamp.at))
    unused = invitation.c.person == name, invitation.c.used_at.is_(None)
    tx.execute(update(invitation).where(*unused).values(used_at=stamp.at))
    suspended, revoked = _suspend_sponsored(tx, name, stamp)
    return Offboarding(suspended, revoked, _known_to(tx, name, stamp.at))


def resume_sponsored(tx: Tx, sponsor: str, stamp: Stamp) -> None:
    """Let the agents go on that rest only because their sponsor was away. Their secrets stay ended."""
    agent = store.agent
    theirs = agent.c.sponsor == sponsor, agent.c.suspended == "sponsor", agent.c.stage != State.RETIRED
    tx.execute(update(agent).where(*theirs).values(suspended="", changed=stamp.epoch))


def _suspend_sponsored(tx: Tx, sponsor: str, stamp: Stamp) -> tuple[tuple[str, ...], int]:
    agent = store.agent
    theirs = agent.c.sponsor == sponsor, agent.c.stage != State.RETIRED
    ids = list(tx.execute(select(agent.c.id).where(*theirs)).scalars())
    tx.execute(update(agent).where(*theirs, agent.c.suspended == "").values(suspended="sponsor", changed=stamp.epoch))
    return tuple(sorted(ids)), end_access(tx, with_children(tx, ids), stamp)


def _known_to(tx: Tx, name: str, at: int) -> tuple[str, ...]:
    credential = store.credential
    live = credential.c.revoked_at.is_(None), credential.c.expires_at > at
    shown = select(credential.c.id).where(credential.c.issued_by == f"person:{name}", *live)
    return tuple(tx.execute(shown.order_by(credential.c.id)).scalars())
