"""Tables of identity. Rows of agents and people are never deleted, so that no id or name is ever used again.

Tables that the directory keeps in memory carry `changed`, the identity epoch of the row's last change: a process
that knows an epoch reads only what changed after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    select,
)

from autonomy.db import Reader, metadata
from autonomy.db.indexes import partial_index
from autonomy.kernel.errors import NotFound

from .model import AgentView
from .rows import to_agent

BATCH = 500  # values in one IN list, far below what either database takes

unit = Table(
    "unit",
    metadata,
    Column("name", Text, primary_key=True),
    Column("parent", Text),
    Column("changed", BigInteger, nullable=False, index=True),
)

person = Table(
    "person",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("access", Text, nullable=False),
    Column("manager", Text),
    Column("external_subject", Text, unique=True),
    Column("user_name", Text),
    Column("account_provider", Text),
    Column("password_hash", Text),
    Column("state", Text, nullable=False),
    Column("declared", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("offboarded_at", BigInteger),
)

agent = Table(
    "agent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("unit", Text, ForeignKey("unit.name"), nullable=False),
    Column("roles", Text, nullable=False),
    Column("sponsor", Text, ForeignKey("person.name"), nullable=False, index=True),
    Column("owner", Text, ForeignKey("person.name"), nullable=False),
    Column("supervisor", Text, nullable=False),
    Column("parent", Text, index=True),
    Column("site", Text),
    Column("revision", Text, nullable=False),
    Column("rate_per_minute", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("suspended", Text, nullable=False),
    Column("contained", Boolean, nullable=False),
    Column("tokens_since", BigInteger, nullable=False),
    Column("declared", Boolean, nullable=False),
    Column("changed", BigInteger, nullable=False, index=True),
)

credential = Table(
    "credential",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agent", Text, ForeignKey("agent.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("issued_by", Text, nullable=False),
    Column("changed", BigInteger, nullable=False, index=True),
)

session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("person.name"), nullable=False, index=True),
    Column("groups", Text, nullable=False),
    Column("provider", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

Index("session_expired", session.c.expires_at)

invitation = Table(
    "invitation",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("person.name"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

Index("invitation_expired", invitation.c.expires_at)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

delegation = Table(
    "delegation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("from_agent", Text, ForeignKey("agent.id"), nullable=False, index=True),
    Column("to_agent", Text, ForeignKey("agent.id"), nullable=False, index=True),
    Column("tools", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("granted_by", Text, nullable=False),
    Column("changed", BigInteger, nullable=False, index=True),
)
_not_revoked = delegation.c.revoked_at.is_(None)
partial_index(
    "delegation_live",
    delegation.c.from_agent,
    delegation.c.to_agent,
    unique=True,
    where=_not_revoked,
)

containment = Table(
    "containment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger),
    Column("lifted_by", Text),
    Column("lift_reason", Text),
    Column("changed", BigInteger, nullable=False, index=True),
)
_in_force = containment.c.lifted_at.is_(None)
partial_index(
    "containment_live",
    containment.c.scope,
    containment.c.target,
    unique=True,
    where=_in_force,
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("private", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),
    Column("changed", BigInteger, nullable=False, index=True),
)


def batches(values: Collection[str]) -> Iterator[list[str]]:
    """`values`, sorted, in pieces that fit into one statement."""
    ordered = sorted(values)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def find(reader: Reader, column: Column[Any], value: str, kind: str) -> Row[Any]:
    """The one row whose `column`, a unique one, holds `value`. Raises NotFound (`<kind>.unknown`)."""
    # What cannot be printed cannot be stored either (PostgreSQL takes no NUL): there is no such thing.
    found = column == value
    row = reader.execute(select(column.table).where(found)).one_or_none() if value.isprintable() else None
    if row is None:
        raise NotFound(f"there is no {kind} `{value[:200]}`", code=f"{kind}.unknown")
    return row


def find_agent(reader: Reader, agent_or_name: str) -> AgentView:
    """The agent with this id or name. Raises NotFound."""
    column = agent.c.id if agent_or_name.startswith("spiffe://") else agent.c.name
    return to_agent(find(reader, column, agent_or_name, "agent"))


def find_person(reader: Reader, name: str) -> Row[Any]:
    """The row of the person `name`. Raises NotFound."""
    return find(reader, person.c.name, name, "person")


def agent_parents(reader: Reader) -> Mapping[str, str | None]:
    """Every agent that has a parent, by id."""
    rows = reader.execute(select(agent.c.id, agent.c.parent).where(agent.c.parent.is_not(None)))
    return {row.id: row.parent for row in rows}
