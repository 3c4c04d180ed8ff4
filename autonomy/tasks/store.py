"""What is remembered of tasks: where each is, and its body, sealed; and what became of whose tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Row, Table, Text, text

from autonomy.db import Reader, metadata
from autonomy.db.indexes import partial_index
from autonomy.gate.cases import labels_by_case

from .model import ENDED, Task

task = Table(
    "task",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("home_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("handovers_most", Integer, nullable=False),
    Column("capability", Text),
    Column("prefer", Text, nullable=False),
    Column("command", Text),
    Column("run", Text),
    Column("path", Text),
    Column("workflow", Text),
    Column("case", Text, nullable=False),
    Column("holder", Text),
    Column("claim", Integer, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("giver", Text),
    Column("giver_role", Text),
    Column("meant", Text),
    Column("refused", Text, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("handovers", Integer, nullable=False),
    Column("returns", Integer, nullable=False),
    Column("escalated", Boolean, nullable=False),
    Column("limit", Text, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("moved_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("parent", Text),
    Column("depth", Integer, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_LIVE = task.c.ended_at.is_(None)
partial_index("task_live", task.c.role, task.c.priority, task.c.opened_at, where=_LIVE)
_HELD = task.c.lease_until.is_not(None)
partial_index("task_lease", task.c.lease_until, where=_HELD)
partial_index("task_until", task.c.until, where=_LIVE)
partial_index("task_run", task.c.run, where=task.c.run.is_not(None))
Index("task_newest", task.c.opened_at, task.c.id)
partial_index("task_waiting", task.c.opened_at, task.c.id, where=_LIVE)
partial_index("task_over", task.c.state, task.c.opened_at, task.c.id, where=~_LIVE)
partial_index("task_ended", task.c.ended_at, where=~_LIVE)

tally = Table(
    "task_tally",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("done", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
)
"""How many tasks somebody has brought to their end, and how many they have lost, or given a result that did not fit."""

waiter = Table(
    "task_waiter",
    metadata,
    Column("process", Text, primary_key=True),
    Column("agent", Text, primary_key=True),
)
"""Which agents wait for work at which process, where there is more than one: what is free goes to the best of all."""

request = Table(
    "request",
    metadata,
    Column("key", Text, primary_key=True),
    Column("bind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("joined", Integer, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
"""Idempotency keys: who used which, for what (a keyed hash), and the task, run or event that came of it."""

COUNT = text(
    "INSERT INTO task_tally (holder, role, done, missed) VALUES (:holder, :role, :done, :missed) "
    "ON CONFLICT (holder, role) DO UPDATE SET "
    "done = task_tally.done + excluded.done, missed = task_tally.missed + excluded.missed"
)

_LISTS = ("prefer", "refused", "origin")

COLUMNS = tuple(column for column in task.c if column.name != "body")


def to_row(found: Task) -> dict[str, Any]:
    """The columns of a task, but its body."""
    row = structs.asdict(found)
    del row["bears"]
    return row | {name: json.dumps(row[name]) for name in _LISTS}


def to_task(row: Row[Any]) -> Task:
    """The task of a row."""
    said = {column.name: row._mapping[column] for column in COLUMNS}
    return Task(**said | {name: tuple(json.loads(said[name])) for name in _LISTS})


def with_labels(reader: Reader, found: Sequence[Task]) -> list[Task]:
    """The tasks with what their cases have seen so far."""
    known = labels_by_case(reader, {one.case for one in found})
    return [structs.replace(one, bears=known[one.case]) if one.case in known else one for one in found]


def is_over(state: str | None) -> bool:
    """Whether a task in this state has something to tell whoever waits for it; None where there is no task any more."""
    return state is None or state in ENDED or state == "returned"
