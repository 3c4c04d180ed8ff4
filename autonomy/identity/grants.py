"""What groups outside admit people to: by membership that SCIM told, or by what the provider said at sign-on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select

from autonomy.db import Reader
from autonomy.kernel.errors import Conflict

from . import rows, store
from .outside_store import group_grant, scim_group, scim_member


@dataclass(frozen=True, slots=True)
class Granted:
    """Console roles and business roles, beyond those declared for the person alone."""

    access: frozenset[str]
    roles: frozenset[str]


def granted(reader: Reader, person: str, provider: str | None = None, groups: Collection[str] = ()) -> Granted:
    """What a person has by their groups; `groups` are those that `provider` told for one session."""
    found = {(row.kind, row.value) for row in reader.execute(_BY_MEMBERSHIP.where(scim_member.c.person == person))}
    if provider and groups:
        table = group_grant
        told = table.c.provider == provider, table.c.group_name.in_(sorted(groups))
        found |= {(row.kind, row.value) for row in reader.execute(select(table.c.kind, table.c.value).where(*told))}
    return Granted(
        frozenset(value for kind, value in found if kind == "access"),
        frozenset(value for kind, value in found if kind == "role"),
    )


def members_with(reader: Reader, kind: str, value: str) -> frozenset[str]:
    """The people whose membership, as SCIM told it, admits to `value`."""
    wanted = group_grant.c.kind == kind, group_grant.c.value == value
    return frozenset(row.person for row in reader.execute(_BY_MEMBERSHIP.where(*wanted)))


def signed_in_with(reader: Reader, role: str, at: int) -> frozenset[str]:
    """The people who have a business role for as long as the session lives at whose beginning a provider said so."""
    wanted = group_grant.c.kind == "role", group_grant.c.value == role
    pairs = {(row.provider, row.group_name) for row in reader.execute(select(group_grant).where(*wanted))}
    if not pairs:
        return frozenset()
    table = store.session
    live = table.c.ended_at.is_(None), table.c.expires_at > at
    told = select(table.c.person, table.c.provider, table.c.groups)
    told = told.where(table.c.provider.in_(sorted({provider for provider, _ in pairs})), *live)
    return frozenset(
        row.person
        for row in reader.execute(told)
        if any((row.provider, group) in pairs for group in rows.to_names(row.groups))
    )


_BY_MEMBERSHIP = (
    select(scim_member.c.person, group_grant.c.kind, group_grant.c.value)
    .join(scim_group, scim_group.c.id == scim_member.c.group_id)
    .join(
        group_grant,
        (group_grant.c.provider == scim_group.c.provider) & (group_grant.c.group_name == scim_group.c.display_name),
    )
)


def administrators(reader: Reader) -> frozenset[str]:
    """The active people who may administer, by declaration or by membership."""
    by_group = members_with(reader, "access", "admin")
    found = reader.execute(select(store.person.c.name, store.person.c.access).where(store.person.c.state == "active"))
    return frozenset(row.name for row in found if row.name in by_group or "admin" in rows.to_names(row.access))


@contextmanager
def check_administered(reader: Reader) -> Iterator[None]:
    """Refuse what leaves nobody to administer, where there was somebody: Conflict (`person.last_admin`)."""
    before = administrators(reader)
    yield
    if before and not administrators(reader):
        raise Conflict(
            f"`{min(before)}` is the last who administers here",
            code="person.last_admin",
            hint="let somebody else administer first",
        )
