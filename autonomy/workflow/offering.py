"""What is free is offered anew where its priority changes: an offer keeps the one it was made with."""

from __future__ import annotations

from sqlalchemy import update

from autonomy.db import Tx

from .ports import Offer
from .store import command as table


def offer_anew(tx: Tx, run: str, priority: int, at: int) -> None:
    """Free what of a run is free already once more, at `at` (milliseconds): older offers are then seen to be old."""
    free = (table.c.run == run, table.c.owner.is_(None), table.c.due <= at)
    freed = tx.execute(update(table).where(*free).values(due=at).returning(table.c.id)).scalars()
    tx.hand_over([Offer(id, at, priority) for id in freed])
