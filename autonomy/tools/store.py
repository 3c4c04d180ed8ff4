"""Tables of this room: secrets, the accepted wording of each tool, and where MCP servers drifted from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from autonomy.db import Tx, metadata, upsert

secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("retired_at", BigInteger),
)
"""One row for each version. Retired versions stay as a record of who set what when; their ciphertext is emptied."""

tool_pin = Table(
    "tool_pin",
    metadata,
    Column("tool", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
)
"""The wording of each tool that was accepted; another one is quarantined."""


tool_drift = Table(
    "tool_drift",
    metadata,
    Column("connector", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("pinned", Text, primary_key=True),
    Column("found", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("accepted", Text),
    Column("accepted_by", Text),
)
"""A tool of an MCP server that was found in another wording than a manifest pins; empty where it was gone."""


def latest_version(tx: Tx, name: str) -> int:
    """The newest version of the secret, retired or not; 0 where there never was one."""
    return int(tx.execute(select(func.max(secret.c.version)).where(secret.c.name == name)).scalar() or 0)


def retire_versions(tx: Tx, name: str, at: int) -> int:
    """End every version in force and forget its ciphertext; returns how many there were."""
    ended = update(secret).where(secret.c.name == name, secret.c.retired_at.is_(None))
    return int(tx.execute(ended.values(retired_at=at, nonce=b"", ciphertext=b"")).rowcount)


def add_version(tx: Tx, **row: Any) -> None:
    tx.execute(insert(secret).values(**row))


def version_in_force(connection: Connection, name: str, renewer: str) -> Row[Any] | None:
    """The row of the secret's version that is not retired, and as `given` the last version not stored by `renewer`."""
    before = secret.alias()
    given = select(func.max(before.c.version)).where(before.c.name == name, before.c.created_by != renewer)
    in_force = select(secret, func.coalesce(given.scalar_subquery(), 0).label("given"))
    in_force = in_force.where(secret.c.name == name, secret.c.retired_at.is_(None))
    return connection.execute(in_force.order_by(secret.c.version.desc()).limit(1)).first()


def all_versions(connection: Connection) -> Sequence[tuple[str, int, int, str, int | None]]:
    """Every version of every secret, without nonce and ciphertext."""
    c = secret.c
    listed = select(c.name, c.version, c.created_at, c.created_by, c.retired_at).order_by(c.name, c.version)
    return [tuple(row) for row in connection.execute(listed)]


def pins(connection: Connection) -> dict[str, str]:
    """The accepted digest of each tool."""
    return {row.tool: row.digest for row in connection.execute(select(tool_pin.c.tool, tool_pin.c.digest))}


def pins_within(tx: Tx) -> dict[str, str]:
    """The accepted digest of each tool, as the transaction sees it."""
    return {row.tool: row.digest for row in tx.execute(select(tool_pin.c.tool, tool_pin.c.digest))}


def put_pins(tx: Tx, digests: Mapping[str, str], by: str, at: int) -> None:
    """Replace the accepted digests of these tools."""
    rows = [{"tool": tool, "digest": digest, "at": at, "by": by} for tool, digest in digests.items()]
    tx.execute(upsert(tool_pin, rows, ["tool"], tx.dialect))


def drifts(executor: Connection | Tx) -> Sequence[tuple[str, str, str, str, str | None]]:
    """Connector, tool, pinned, found and accepted wording of everything that drifted."""
    c = tool_drift.c
    return [tuple(row) for row in executor.execute(select(c.connector, c.tool, c.pinned, c.found, c.accepted))]


def put_drift(tx: Tx, connector: str, tool: str, pinned: str, **found: Any) -> None:
    """Write what was found, or accepted, in place of a pinned wording."""
    row = {"connector": connector, "tool": tool, "pinned": pinned, **found}
    tx.execute(upsert(tool_drift, [row], ["connector", "tool", "pinned"], tx.dialect))
