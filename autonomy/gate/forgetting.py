"""What the gate forgets of a subject that is erased, beyond what goes with the subject's key."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from autonomy.audit.store import payload
from autonomy.db import Tx

from .store import IS_OPEN, action, record_state


def forget_records(tx: Tx, subject: str) -> int:
    """Let nobody find out by a guess which records the subject's actions changed; by the name the store knows the
    subject under. The vault calls it as it erases, before the payloads go; returns 0, for no payload goes here.

    A record that is being changed stays taken until that has ended. Of one that is known no longer the next change
    begins as the first: whoever had read it before looks again.
    """
    about = select(payload.c.action).where(payload.c.subject == subject)
    ended = action.c.id.in_(about), action.c.record.is_not(None), ~IS_OPEN
    changed = select(action.c.record).where(*ended)
    tx.execute(delete(record_state).where(record_state.c.key.in_(changed), record_state.c.holder.is_(None)))
    tx.execute(update(action).where(*ended).values(record=None))
    return 0
