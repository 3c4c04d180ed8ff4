"""Labels that a case has before its first action: of what began it. Those of what it reads the gate adds itself.

Who has a task of a case knows what the case knows, so that the labels of the case go with them wherever they act; and
what they say of the task brings along what they have seen elsewhere meanwhile.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select, update

from autonomy.db import Reader, Tx, upsert
from autonomy.db.ports import Row

from .store import action, case_holder, case_label

_WHICH = (case_holder.c.task, case_holder.c.case_id)
_NOW = case_holder.c.until.is_(None)


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
    tx.execute(update(case_holder).where(case_holder.c.task == task, _NOW).values(until=at))


def learn(tx: Tx, agent: str, at: int) -> None:
    """What the agent says of a task may rest on all it has seen while it had the task, in whichever case: the cases of
    its tasks have seen that too from here on."""
    tasks = {row.task: row.case_id for row in tx.execute(select(*_WHICH).where(case_holder.c.agent == agent, _NOW))}
    acted = select(action.c.case_id).where(action.c.task.in_(list(tasks)), action.c.agent_name == agent).distinct()
    cases = frozenset(tasks.values())
    known = labels_by_case(tx, cases.union(tx.execute(acted).scalars()))
    seen = frozenset(label for labels in known.values() for label in labels)
    for case in cases:
        add_labels(tx, case, seen - known.get(case, frozenset()), at)


def labels_by_case(reader: Reader, cases: Iterable[str]) -> dict[str, frozenset[str]]:
    """What each of the cases has seen so far; those that have seen nothing are left out."""
    query = select(case_label.c.case_id, case_label.c.label).where(case_label.c.case_id.in_(list(cases)))
    found = defaultdict[str, set[str]](set)
    for row in reader.execute(query):
        found[row.case_id].add(row.label)
    return {case: frozenset(labels) for case, labels in found.items()}


def task_of(rows: Iterable[Row], named: str | None, case: str) -> str | None:
    """For which task an action in `case` is done, of those that rows as `read_holdings` finds them tell of: for the one
    that was named, else for that of the case, else for the first. Whoever has no task is believed what they named.
    Pure."""
    has: set[tuple[str, str]] = {(which, of) for *_, which, of in rows}
    if not has or any(named == which for which, _ in has):
        return named
    return min(has, key=lambda one: (one[1] != case, one[0]))[0]


def holdings(connection: Connection, agents: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The labels of the cases of which these agents have tasks, and where those tasks came from."""
    query = select(case_holder.c.agent, case_holder.c.origin, case_label.c.label, *_WHICH)
    query = query.outerjoin(case_label, case_label.c.case_id == case_holder.c.case_id)
    query = query.where(case_holder.c.agent.in_(agents), _NOW)
    return held(tuple(row) for row in connection.execute(query))


def held(rows: Iterable[Row]) -> tuple[frozenset[str], frozenset[str]]:
    """Labels and origins of rows as `read_holdings` finds them. Pure."""
    labels, origins = set[str](), set[str]()
    for _, origin, label, *_ in rows:
        origins.update(json.loads(origin))
        if label is not None:
            labels.add(label)
    return frozenset(labels), frozenset(origins)
