"""What is remembered of runs: definitions, runs, and the commands that are to be carried out or waited for.

A run that waits is rows and nothing else. States and commands are sealed: they hold what goes through the run.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Index, Integer, LargeBinary, Table, Text, exists

from autonomy.db import metadata
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import equals

definition = Table(
    "workflow_definition",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("live_key", Text),
    Column("started_by", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("parent", Text),
    Column("state", LargeBinary, nullable=False),
    Column("ver", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("origin", Text, nullable=False),
)
partial_index(
    "run_live_key",
    run.c.live_key,
    unique=True,
    where=run.c.live_key.is_not(None),
)
_OVER = run.c.ended_at.is_not(None)
Index("run_newest", run.c.created_at, run.c.id)
Index("run_of_workflow", run.c.workflow, run.c.created_at, run.c.id)
partial_index("run_live", run.c.created_at, run.c.id, where=~_OVER)
partial_index("run_of_workflow_live", run.c.workflow, run.c.created_at, run.c.id, where=~_OVER)
partial_index("run_over", run.c.status, run.c.created_at, run.c.id, where=_OVER)
partial_index("run_of_workflow_over", run.c.workflow, run.c.status, run.c.created_at, run.c.id, where=_OVER)
Index("run_of_definition", run.c.digest)
partial_index("run_ended", run.c.ended_at, where=_OVER)

command = Table(
    "run_command",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("owner", Text),
    Column("due", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("action", Text),
    Column("topic", Text),
    Column("topic_key", Text),
    Column("role", Text),
    Column("person", Text),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""`due`: from when it may be taken by whoever is free; none while it is carried out (then it has an `owner`) or waits
for something else: the end of an `action`, an event of its `topic`, a person: of an exception those of its `role`, or
`person`. What has found its event has an empty topic and the id of the event as its key; the event has that topic once
all who wait are found, and counts them.
"""

IS_EXCEPTION = equals(command.c.kind, "raise_exception")
"""Of commands that are exceptions, which wait for people."""

partial_index("run_command_exception", command.c.at, command.c.id, where=IS_EXCEPTION)
Index("run_command_run", command.c.run)
partial_index(
    "run_command_due",
    command.c.due,
    where=command.c.due.is_not(None),
)
partial_index(
    "run_command_owner",
    command.c.owner,
    where=command.c.owner.is_not(None),
)
partial_index(
    "run_command_action",
    command.c.action,
    where=command.c.action.is_not(None),
)
partial_index(
    "run_command_topic",
    command.c.topic,
    command.c.topic_key,
    where=command.c.topic.is_not(None),
)

source = Table(
    "workflow_source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),
)
"""What starts runs by itself, and how far it has been looked after: a schedule with its next time (milliseconds), and
the log with the next leaf to be looked at. Whoever moves a place has seen to what came before it."""

RUN_COLUMNS = tuple(column.name for column in run.columns)
COMMAND_COLUMNS = tuple(column.name for column in command.columns)

PUT_RUN = f"INSERT INTO run ({', '.join(RUN_COLUMNS)}) VALUES ({', '.join('?' * len(RUN_COLUMNS))})"
MOVE_RUN = "UPDATE run SET state = ?, ver = ?, status = ?, priority = ? WHERE id = ?"
END_RUN = "UPDATE run SET state = ?, ver = ?, status = ?, priority = ?, live_key = NULL, ended_at = ? WHERE id = ?"
PIN_RUN = "UPDATE run SET digest = ? WHERE id = ?"
PUT_COMMAND = (
    f"INSERT INTO run_command ({', '.join(COMMAND_COLUMNS)}) VALUES ({', '.join('?' * len(COMMAND_COLUMNS))}) "
    "ON CONFLICT (id) DO NOTHING"
)
DROP_COMMAND = "DELETE FROM run_command WHERE id = ?"
PARK_COMMAND = (
    "UPDATE run_command SET owner = NULL, due = COALESCE(?, due), action = ?, attempts = attempts - ? WHERE id = ?"
)
WAKE_COMMAND = "UPDATE run_command SET due = ? WHERE id = ?"
"""What is woken while somebody carries it out is due as soon as it is left: whoever has it may die before they look."""

RAISE_COMMANDS = "UPDATE run_command SET priority = ? WHERE run = ?"


def read_live(count: int) -> str:
    """The live runs of `count` keys."""
    return f"SELECT live_key, id FROM run WHERE live_key IN ({_marks(count)})"


def read_versions(count: int) -> str:
    """The versions of `count` runs."""
    return f"SELECT id, ver FROM run WHERE id IN ({_marks(count)})"


def read_owners(count: int) -> str:
    """Who carries out `count` commands, and with which priority."""
    return f"SELECT id, owner, priority FROM run_command WHERE id IN ({_marks(count)})"


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def is_over(id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the run that a column names has ended, or is gone."""
    return ~exists().where(run.c.id == id, run.c.ended_at.is_(None))
