"""Which records were changed is forgotten with whom it was about, and with what the action carried: afterwards nobody
could tell any more whom it was about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, delete, select, update

from autonomy.audit.store import leaf, payload
from autonomy.db import Tx

from .store import IS_OPEN, action, record_state


def forget_records(tx: Tx, subject: str) -> int:
    """Let nobody find out by a guess which records the subject's actions changed; by the name the store knows the
    subject under. The vault calls it as it erases, before the payloads go; returns 0, for no payload goes here.

    A record that is being changed stays taken until that has ended. Of one that is known no longer the next change
    begins as the first: whoever had read it before looks again.
    """
    about = select(payload.c.action).where(payload.c.subject == subject)
    _forget(tx, about, select(action.c.record).where(*_changed(about)))
    return 0


def forget_old_records(tx: Tx, actions: Sequence[str]) -> None:
    """The same of actions whose payloads go because their time is over, before they go. What somebody changed again
    since is known until what that one carried goes."""
    last = select(action.c.record).join(record_state, record_state.c.key == action.c.record)
    last = last.join(leaf, leaf.c.idx == record_state.c.moved)
    _forget(tx, actions, last.where(*_changed(actions), leaf.c.at <= action.c.ended_at))


def _changed(actions: Sequence[str] | Select[tuple[str]]) -> tuple[ColumnElement[bool], ...]:
    return action.c.id.in_(actions), action.c.record.is_not(None), ~IS_OPEN


def _forget(tx: Tx, actions: Sequence[str] | Select[tuple[str]], records: Select[tuple[str | None]]) -> None:
    tx.execute(delete(record_state).where(record_state.c.key.in_(records), record_state.c.holder.is_(None)))
    tx.execute(update(action).where(*_changed(actions)).values(record=None))
