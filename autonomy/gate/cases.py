"""Labels that a case has before its first action: of what began it. Those of what it reads the gate adds itself."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from autonomy.db import Tx, upsert

from .store import case_label


def labels_of(connection: Connection, case: str) -> frozenset[str]:
    """What the case has seen so far."""
    query = select(case_label.c.label).where(case_label.c.case_id == case)
    return frozenset(connection.execute(query).scalars())


def add_labels(tx: Tx, case: str, labels: Iterable[str], at: int) -> None:
    """Let the case have seen these too; every action of it is judged under them from here on."""
    rows = [{"case_id": case, "label": label, "at": at} for label in sorted(labels)]
    if rows:
        tx.execute(upsert(case_label, rows, ["case_id", "label"], tx.dialect))
