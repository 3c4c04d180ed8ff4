"""Groups as an identity provider tells of them (SCIM). What a group admits to is declared with its provider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from autonomy.db import Reader, Tx
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.kernel.ids import new_id

from . import rules, store
from .account import Group, WantedGroup
from .base import Base
from .ending import Stamp
from .grants import check_administered
from .outside_store import group_grant, scim_account, scim_group, scim_member

MAX_MEMBERS = 10_000  # of one group; a group of everybody admits to nothing in particular
IN_ONE_LEAF = 500  # people named in one record of the log

Change = Callable[[Group], WantedGroup]
"""What a group is to be, from what it is. It may take its time, so it is called outside the transaction, and again
where the group has changed meanwhile."""

Members = defaultdict[str, list[str]]


class Groups(Base):
    """Each change takes effect on the next call in every process, and leaves one record in the log."""

    def groups(self, provider: str) -> list[Group]:
        """The groups of a provider by id."""
        with self._database.reading() as connection:
            members = _members_of(connection, provider)
            found = select(scim_group).where(scim_group.c.provider == provider).order_by(scim_group.c.id)
            return [_to_group(row, members) for row in connection.execute(found)]

    def group(self, provider: str, group: str) -> Group:
        """One group. Raises NotFound (`group.unknown`)."""
        with self._database.reading() as connection:
            return _to_group(_find(connection, provider, group), _members_of(connection, provider, group))

    def create_group(self, provider: str, wanted: WantedGroup, by: str) -> Group:
        """A new group. Raises Invalid (`group.member`), Conflict (`group.taken`)."""
        rules.check_actor(by)

        def work(tx: Tx) -> Group:
            stamp, group = self._stamp_for(tx, provider, wanted.display_name), new_id("grp")
            _check_free(tx, provider, wanted, None)
            made = {"id": group, "provider": provider, "version": 1, "created_at": stamp.at, "changed_at": stamp.at}
            tx.execute(insert(scim_group).values(**made, **_columns(wanted)))
            _add(tx, provider, group, wanted.members)
            self._record_group(tx, stamp, "group.created", by, provider, group, wanted.members)
            return _to_group(_find(tx, provider, group), _members_of(tx, provider, group))

        return self._write(work)

    def change_group(self, provider: str, group: str, change: Change, by: str, version: int | None = None) -> Group:
        """Let a group be what `change` makes of it, if it is at `version` (where given).

        Raises NotFound, Invalid (`group.member`), Conflict (`group.taken`, `scim.version`, `person.last_admin`).
        """
        rules.check_actor(by)

        def attempt() -> Group | None:
            before = self.group(provider, group)
            rules.check_version(before.version, version)
            wanted = change(before)
            return self._write(lambda tx: self._change_group(tx, provider, before, wanted, by))

        return self._once_unmoved(attempt)

    def _change_group(self, tx: Tx, provider: str, before: Group, wanted: WantedGroup, by: str) -> Group | None:
        """The group as it is then; None where it is not as it was before."""
        group = before.id
        row = _find(tx, provider, group)
        if _to_group(row, _members_of(tx, provider, group)) != before:
            return None
        held, members = set(before.members), set(wanted.members)
        if (wanted.display_name, wanted.external_id, members) == (before.display_name, before.external_id, held):
            return before
        _check_free(tx, provider, wanted, group)
        stamp = self._stamp_for(tx, provider, before.display_name, wanted.display_name)
        values = {**_columns(wanted), "version": row.version + 1, "changed_at": stamp.at}
        with check_administered(tx):
            tx.execute(update(scim_group).where(scim_group.c.id == group).values(**values))
            _remove(tx, group, held - members)
            _add(tx, provider, group, members - held)
        self._record_group(tx, stamp, "group.changed", by, provider, group, sorted(held ^ members))
        return _to_group(_find(tx, provider, group), _members_of(tx, provider, group))

    def delete_group(self, provider: str, group: str, by: str, version: int | None = None) -> None:
        """End a group, and what it admitted to. Raises NotFound, Conflict (`scim.version`, `person.last_admin`)."""
        rules.check_actor(by)

        def work(tx: Tx) -> None:
            row = _find(tx, provider, group)
            rules.check_version(row.version, version)
            members = _members_of(tx, provider, group)[group]
            stamp = self._stamp_for(tx, provider, row.display_name)
            with check_administered(tx):
                tx.execute(delete(scim_member).where(scim_member.c.group_id == group))
                tx.execute(delete(scim_group).where(scim_group.c.id == group))
            self._record_group(tx, stamp, "group.deleted", by, provider, group, members)

        self._write(work)

    def _stamp_for(self, tx: Tx, provider: str, *names: str) -> Stamp:
        """A change of groups that admit to something moves the identity epoch: what their members have approved is not
        carried out under the one before."""
        table = group_grant
        admits = select(table.c.value).where(table.c.provider == provider, table.c.group_name.in_(names)).limit(1)
        return self._now(tx) if tx.execute(admits).first() is None else self._stamp(tx)

    def _record_group(
        self, tx: Tx, stamp: Stamp, event: str, by: str, provider: str, group: str, people: Collection[str]
    ) -> None:
        """What changed and for whom. A group is named by its id: its name may say something about its members."""
        moved = sorted(people) or [""]
        for start in range(0, len(moved), IN_ONE_LEAF):
            some = [one for one in moved[start : start + IN_ONE_LEAF] if one]
            self._leaf(tx, stamp, event, by, provider=provider, group=group, people=some)


def _find(reader: Reader, provider: str, group: str) -> Row[Any]:
    wanted = scim_group.c.id == group, scim_group.c.provider == provider
    row = reader.execute(select(scim_group).where(*wanted)).one_or_none() if group.isprintable() else None
    if row is None:
        raise NotFound(f"there is no group `{group[:80]}`", code="group.unknown")
    return row


def _members_of(reader: Reader, provider: str, group: str | None = None) -> Members:
    member, account = scim_member, scim_account
    query = (
        select(member.c.group_id, member.c.person)
        .join(account, account.c.person == member.c.person)
        .where(account.c.provider == provider)
        .order_by(member.c.person)
    )
    found: Members = defaultdict(list)
    for row in reader.execute(query if group is None else query.where(member.c.group_id == group)):
        found[row.group_id].append(row.person)
    return found


def _check_free(tx: Tx, provider: str, wanted: WantedGroup, own: str | None) -> None:
    table = scim_group
    same = table.c.provider == provider, table.c.display_key == rules.user_key(wanted.display_name)
    if any(row.id != own for row in tx.execute(select(table.c.id).where(*same))):
        raise Conflict("there is a group of this name", code="group.taken")


def _add(tx: Tx, provider: str, group: str, people: Collection[str]) -> None:
    if len(people) > MAX_MEMBERS:
        raise Invalid(f"a group has at most {MAX_MEMBERS} members", code="group.member")
    known: set[str] = set()
    for some in store.batches([one for one in people if one.isprintable()]):
        named = scim_account.c.person.in_(some), scim_account.c.provider == provider
        known.update(tx.execute(select(scim_account.c.person).where(*named)).scalars())
    unknown = sorted(set(people) - known)
    if unknown:
        hint = "members are accounts of the same provider; groups in groups are not kept"
        raise Invalid(f"there is no account `{unknown[0][:80]}`", code="group.member", hint=hint)
    if known:
        tx.execute(insert(scim_member), [{"group_id": group, "person": person} for person in sorted(known)])


def _remove(tx: Tx, group: str, people: Collection[str]) -> None:
    for some in store.batches(people):
        named = scim_member.c.group_id == group, scim_member.c.person.in_(some)
        tx.execute(delete(scim_member).where(*named))


def _columns(wanted: WantedGroup) -> dict[str, Any]:
    return {
        "display_name": wanted.display_name,
        "display_key": rules.user_key(wanted.display_name),
        "external_id": wanted.external_id,
    }


def _to_group(row: Row[Any], members: Members) -> Group:
    return Group(
        row.id,
        row.display_name,
        row.external_id,
        row.version,
        row.created_at,
        row.changed_at,
        tuple(members[row.id]),
    )
