"""What the gate remembers: actions, record leases, windows, labels of cases, and which processes live."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from autonomy.db import metadata
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import among

action = Table(
    "action",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("agent", Text, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("tool_revision", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("repeat_key", Text),
    Column("bind", Text, nullable=False),
    Column("record", Text),
    Column("charges", Text, nullable=False),
    Column("windows", Text, nullable=False),
    Column("about", Text),
    Column("money", BigInteger, nullable=False),
    Column("context", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("code", Text),
    Column("message", Text),
    Column("again_at", BigInteger),  # when somebody began it again whose beginner had died
    Column("task", Text),
)
partial_index("action_task", action.c.task, where=action.c.task.is_not(None))
partial_index(
    "action_repeat",
    action.c.repeat_key,
    unique=True,
    where=action.c.repeat_key.is_not(None),
)
IS_OPEN = among(action.c.state, ("intent", "unknown"))
"""Of actions that are under way, or nobody knows how they ended. Few are: whoever looks for some of them says this too,
and reads no others."""

partial_index("action_open", action.c.owner, where=IS_OPEN)
Index("action_about", action.c.agent, action.c.tool, action.c.about, action.c.id)

record_state = Table(
    "record_state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text),
    Column("moved", BigInteger, nullable=False),
)

window_bucket = Table(
    "window_bucket",
    metadata,
    Column("key", Text, primary_key=True),
    Column("bucket", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

case_label = Table(
    "case_label",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

case_holder = Table(
    "case_holder",
    metadata,
    Column("task", Text, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("until", BigInteger),
)
"""Which agents have, or had, a task of a case: while they have it, whatever they do is done under its labels too."""

partial_index(
    "case_holder_now",
    case_holder.c.agent,
    where=case_holder.c.until.is_(None),
)

process = Table(
    "process",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
)

ACTION_COLUMNS = tuple(column.name for column in action.columns)

DECIDED_AGAIN = (
    "state",
    "owner",
    "unit",
    "tool_revision",
    "effect",
    "record",
    "charges",
    "windows",
    "about",
    "money",
    "context",
    "task",
)
"""What may be otherwise by the time a held action begins. Who asked for what, when and under which key stays."""

PUT_ACTION = (
    f"INSERT INTO action ({', '.join(ACTION_COLUMNS)}) VALUES ({', '.join('?' * len(ACTION_COLUMNS))}) "
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in DECIDED_AGAIN)}"
)
"""A new action, or one that was held and now begins as it was decided last."""

END_ACTION = "UPDATE action SET state = ?, ended_at = ?, code = ?, message = ?, money = ? WHERE id = ?"
PUT_WINDOW = (
    "INSERT INTO window_bucket (key, bucket, count, total, expires_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (key, bucket) DO UPDATE SET count = window_bucket.count + excluded.count, "
    "total = window_bucket.total + excluded.total"
)
PUT_RECORD = (
    "INSERT INTO record_state (key, holder, moved) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, moved = excluded.moved"
)
PUT_LABEL = "INSERT INTO case_label (case_id, label, at) VALUES (?, ?, ?) ON CONFLICT (case_id, label) DO NOTHING"


def read_states(count: int) -> str:
    """State and owner of `count` actions."""
    return f"SELECT id, state, owner FROM action WHERE id IN ({marks(count)})"


def read_repeats(count: int) -> str:
    """Actions that were asked for under `count` keys."""
    return f"SELECT repeat_key, id, bind FROM action WHERE repeat_key IN ({marks(count)})"


def read_records(count: int) -> str:
    """Who writes to `count` records, and the log index of the last write."""
    return f"SELECT key, holder, moved FROM record_state WHERE key IN ({marks(count)})"


def read_labels(count: int) -> str:
    """Trust labels of `count` cases."""
    return f"SELECT case_id, label FROM case_label WHERE case_id IN ({marks(count)})"


def read_holdings(count: int) -> str:
    """Of `count` agents: where the tasks that they have came from, the labels of the cases of these, and which they
    are."""
    return (
        "SELECT h.agent, h.origin, l.label, h.task, h.case_id FROM case_holder h "
        f"LEFT JOIN case_label l ON l.case_id = h.case_id WHERE h.until IS NULL AND h.agent IN ({marks(count)})"
    )


def read_windows(count: int) -> str:
    """Every bucket of `count` windows; the reader leaves out what is too old for its own span."""
    return f"SELECT key, bucket, count, total FROM window_bucket WHERE key IN ({marks(count)})"


def marks(count: int) -> str:
    return ", ".join("?" * count)


def padded(values: Sequence[str]) -> tuple[str, ...]:
    """The values, the last one repeated up to a power of two, so that few statements differ and stay prepared."""
    room = 1 << (len(values) - 1).bit_length()
    return (*values, *[values[-1]] * (room - len(values)))
