"""Tables of what comes from outside: accounts and groups by SCIM, groups of identity providers, keys of services."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from autonomy.db import metadata

service_key = Table(
    "service_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("issued_by", Text, nullable=False),
)

used_token = Table(
    "used_token",
    metadata,
    Column("key", Text, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
"""Tokens of others that count once, by their keyed digest, until they would be refused as expired anyway."""

group_grant = Table(
    "group_grant",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
)
"""What members of a provider's group may do (`access`) and which business roles they hold (`role`), as declared."""

scim_account = Table(
    "scim_account",
    metadata,
    Column("person", Text, ForeignKey("person.name"), primary_key=True),
    Column("provider", Text, nullable=False, index=True),
    Column("user_name", Text, nullable=False),
    Column("user_key", Text, nullable=False, unique=True),
    Column("external_id", Text),
    Column("document", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""A person's account at an identity provider. `user_key` is the user name without regard to case, unique for all."""

scim_group = Table(
    "scim_group",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("display_key", Text, nullable=False),
    Column("external_id", Text),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
Index("scim_group_name", scim_group.c.provider, scim_group.c.display_key, unique=True)

scim_member = Table(
    "scim_member",
    metadata,
    Column("group_id", Text, ForeignKey("scim_group.id"), primary_key=True),
    Column("person", Text, ForeignKey("person.name"), primary_key=True, index=True),
)
