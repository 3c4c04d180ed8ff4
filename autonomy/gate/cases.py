"""Labels that a case has before its first action: of what began it. Those of what it reads the gate adds itself.

Who has a task of a case knows what the case knows, so that the labels of the case go with them wherever they act.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select, update

from autonomy.db import Tx, upsert
from autonomy.db.ports import Row

from .store import case_holder, case_label


def labels_of(connection: Connection, case: str) -> frozenset[str]:
    """What the case has seen so far."""
    query = select(case_label.c.label).where(case_label.c.case_id == case)
    return frozenset(connection.execute(query).scalars())


def add_labels(tx: Tx, case: str, labels: Iterable[str], at: int) -> None:
    """Let the case have seen these too; every action of it is judged under them from here on."""
    rows = [{"case_id": case, "label": label, "at": at} for label in sorted(labels)]
    if rows:
        tx.execute(upsert(case_label, rows, ["case_id", "label"], tx.dialect))


def bear(tx: Tx, task: str, agent: str, case: str, origin: Sequence[str]) -> None:
    """The agent has a task of this case from here on, which came from `origin`."""
    row = {"task": task, "agent": agent, "case_id": case, "origin": json.dumps(origin), "until": None}
    tx.execute(upsert(case_holder, row, ["task", "agent"], tx.dialect))


def let_go(tx: Tx, task: str, at: int) -> None:
    """Nobody has the task any more."""
    tx.execute(update(case_holder).where(case_holder.c.task == task, case_holder.c.until.is_(None)).values(until=at))


def holdings(connection: Connection, agents: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The labels of the cases of which these agents have tasks, and where those tasks came from."""
    query = select(case_holder.c.agent, case_holder.c.origin, case_label.c.label)
    query = query.outerjoin(case_label, case_label.c.case_id == case_holder.c.case_id)
    query = query.where(case_holder.c.agent.in_(agents), case_holder.c.until.is_(None))
    return held(tuple(row) for row in connection.execute(query))


def held(rows: Iterable[Row]) -> tuple[frozenset[str], frozenset[str]]:
    """Labels and origins of rows as `read_holdings` finds them. Pure."""
    labels, origins = set[str](), set[str]()
    for _, origin, label in rows:
        origins.update(json.loads(origin))
        if label is not None:
            labels.add(label)
    return frozenset(labels), frozenset(origins)
