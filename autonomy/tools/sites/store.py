"""Assignments on their way to a site and back, and the keys of sites. Times are the store's own."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from autonomy.db import metadata
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import equals

assignment = Table(
    "assignment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("write", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("worker", Text),
    Column("lease_until", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
    Column("sealed_order", LargeBinary, nullable=False),
    Column("sealed_ending", LargeBinary),
)
"""`state` is waiting, claimed, ended or left (nobody waits for it any more). Rows live as long as their call may."""

IS_WAITING = equals(assignment.c.state, "waiting")

partial_index(
    "assignment_waiting",
    assignment.c.site,
    assignment.c.expires_at,
    where=IS_WAITING,
)

site_key = Table(
    "site_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
