"""People as an identity provider tells of them (SCIM): their accounts, whether they are in, and when they leave.

An account belongs to the provider that made it and is a person here, new or declared by its `userName`. What it says of
them (name, e-mail, whether they are active) is its own; roles and access come from manifests and from groups.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from autonomy.db import Reader, Tx
from autonomy.kernel.errors import Conflict, NotFound

from . import rows, rules, store
from .account import Account, WantedAccount
from .base import Base
from .ending import Stamp, offboard_person, resume_sponsored
from .grants import check_administered
from .outside_store import scim_account, scim_group, scim_member

Change = Callable[[Account], WantedAccount]
"""What an account is to be, from what it is. It may take its time, so it is called outside the transaction, and again
where the account has changed meanwhile: no other change is lost."""


class Accounts(Base):
    """Each change takes effect on the next call in every process, and leaves one record in the log."""

    def accounts(self, provider: str, user_name: str | None = None) -> list[Account]:
        """The accounts of a provider by id, or the one with this user name."""
        table = scim_account
        query = select(table).where(table.c.provider == provider).order_by(table.c.person)
        if user_name is not None:
            query = query.where(table.c.user_key == rules.user_key(user_name))
        with self._database.reading() as connection:
            groups = _groups_of(connection, provider)
            return [to_account(row, groups[row.person]) for row in connection.execute(query)]

    def account(self, provider: str, account: str) -> Account:
        """One account. Raises NotFound (`account.unknown`), also for another provider's."""
        with self._database.reading() as connection:
            return to_account(_find(connection, provider, account), _groups_of(connection, provider, account)[account])

    def create_account(self, provider: str, wanted: WantedAccount, by: str) -> Account:
        """A new account, and the person it is. Raises Invalid, Conflict (`account.taken`, `person.offboarded`)."""
        rules.check_actor(by)

        def work(tx: Tx) -> Account:
            stamp = self._now(tx)
            _check_free(tx, provider, wanted, None)
            person = _declared_person(tx, provider, wanted.user_name)
            name = _new_person(tx, wanted, stamp) if person is None else str(person.name)
            tx.execute(insert(scim_account).values(_new_row(name, provider, wanted, stamp)))
            state = "inactive" if person is None else str(person.state)
            self._describe_person(tx, name, wanted)
            self._move_person(tx, name, state, wanted.active, stamp)
            self._leaf(tx, stamp, "account.created", by, person=name, provider=provider)
            return to_account(_find(tx, provider, name), ())

        return self._write(work)

    def change_account(
        self, provider: str, account: str, change: Change, by: str, version: int | None = None
    ) -> Account:
        """Let an account be what `change` makes of it, if it is at `version` (where given).

        Raises NotFound, Invalid, Conflict (`account.taken`, `scim.version`, `person.last_admin`, `person.offboarded`).
        """
        rules.check_actor(by)

        def attempt() -> Account | None:
            before = self.account(provider, account)
            rules.check_version(before.version, version)
            wanted = change(before)
            return self._write(lambda tx: self._change_account(tx, provider, before, wanted, by))

        return self._once_unmoved(attempt)

    def _change_account(self, tx: Tx, provider: str, before: Account, wanted: WantedAccount, by: str) -> Account | None:
        """The account as it is then; None where it is not as it was before."""
        account = before.id
        stamp, row = self._now(tx), _find(tx, provider, account)
        if to_account(row, _groups_of(tx, provider, account)[account]) != before:
            return None
        if _same(before, wanted):
            return before
        _check_free(tx, provider, wanted, account)
        _check_renamed(tx, provider, before, wanted)
        values = {**_columns(wanted), "version": row.version + 1, "changed_at": stamp.at}
        tx.execute(update(scim_account).where(scim_account.c.person == account).values(**values))
        self._describe_person(tx, account, wanted)
        moved = self._move_person(tx, account, str(store.find_person(tx, account).state), wanted.active, stamp)
        self._leaf(tx, stamp, moved or "account.changed", by, person=account, provider=provider)
        return to_account(_find(tx, provider, account), before.groups)

    def delete_account(self, provider: str, account: str, by: str, version: int | None = None) -> None:
        """End an account and the person's access for good; what it told of them is erased.

        Raises NotFound, Conflict (`scim.version`, `person.last_admin`).
        """
        rules.check_actor(by)

        def work(tx: Tx) -> None:
            row = _find(tx, provider, account)
            rules.check_version(row.version, version)
            person, stamp = store.find_person(tx, account), self._stamp(tx)
            with check_administered(tx):
                tx.execute(delete(scim_member).where(scim_member.c.person == account))
                tx.execute(delete(scim_account).where(scim_account.c.person == account))
                offboard_person(tx, account, stamp, declared=person.declared)
            forgotten = {"display_name": account, "email": "", "external_subject": None}
            tx.execute(update(store.person).where(store.person.c.name == account).values(**forgotten))
            self._leaf(tx, stamp, "account.deleted", by, person=account, provider=provider)

        self._write(work)

    def _describe_person(self, tx: Tx, person: str, wanted: WantedAccount) -> None:
        said = {"display_name": wanted.display_name or person, "email": wanted.email, "external_subject": None}
        tx.execute(update(store.person).where(store.person.c.name == person).values(**said))

    def _move_person(self, tx: Tx, person: str, state: str, active: bool, stamp: Stamp) -> str | None:
        """Let a person in or out as the provider says; returns the event where that changed anything."""
        if active is (state == "active"):
            return None
        if state == "offboarded":
            if active:
                hint = "whoever comes back gets a new account"
                raise Conflict(f"`{person}` has left here", code="person.offboarded", hint=hint)
            return None
        stamp = self._stamp(tx)
        if active:
            tx.execute(update(store.person).where(store.person.c.name == person).values(state="active"))
            resume_sponsored(tx, person, stamp)
            return "account.activated"
        with check_administered(tx):
            declared = bool(store.find_person(tx, person).declared)
            offboard_person(tx, person, stamp, declared, "inactive")
        return "account.deactivated"


def to_account(row: Row[Any], groups: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> Account:
    """An account as stored, with the groups it is in."""
    return Account(
        row.person,
        row.user_name,
        row.external_id,
        row.active,
        json.loads(row.document),
        row.version,
        row.created_at,
        row.changed_at,
        tuple(groups),
    )


def _find(reader: Reader, provider: str, account: str) -> Row[Any]:
    table = scim_account
    wanted = table.c.person == account, table.c.provider == provider
    row = reader.execute(select(table).where(*wanted)).one_or_none() if account.isprintable() else None
    if row is None:
        raise NotFound(f"there is no account `{account[:80]}`", code="account.unknown")
    return row


def _groups_of(reader: Reader, provider: str, account: str | None = None) -> defaultdict[str, list[tuple[str, str]]]:
    member, group = scim_member, scim_group
    query = (
        select(member.c.person, group.c.id, group.c.display_name)
        .join(group, group.c.id == member.c.group_id)
        .where(group.c.provider == provider)
        .order_by(group.c.id)
    )
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in reader.execute(query if account is None else query.where(member.c.person == account)):
        found[row.person].append((row.id, row.display_name))
    return found


def _check_free(tx: Tx, provider: str, wanted: WantedAccount, own: str | None) -> None:
    """One user name, and one id at the provider, is one account."""
    table = scim_account
    same = table.c.user_key == rules.user_key(wanted.user_name)
    if wanted.external_id is not None:
        same |= (table.c.provider == provider) & (table.c.external_id == wanted.external_id)
    taken = [row.person for row in tx.execute(select(table.c.person).where(same)) if row.person != own]
    if taken:
        raise Conflict("there is an account with this `userName` or `externalId`", code="account.taken")


def _check_renamed(tx: Tx, provider: str, before: Account, wanted: WantedAccount) -> None:
    """No account takes the name by which a manifest calls for somebody else's."""
    if rules.user_key(wanted.user_name) == rules.user_key(before.user_name):
        return
    declared = _declared_with(tx, wanted.user_name)
    if declared is not None and (declared.name, declared.account_provider) != (before.id, provider):
        raise Conflict(f"the person `{declared.name}` is declared with this `userName`", code="account.taken")


def _declared_with(tx: Tx, user_name: str) -> Row[Any] | None:
    """The person who is declared with this user name."""
    table, key = store.person, rules.user_key(user_name)
    named = tx.execute(select(table).where(table.c.user_name.is_not(None), table.c.declared.is_(True)))
    return next((one for one in named if rules.user_key(one.user_name) == key), None)


def _declared_person(tx: Tx, provider: str, user_name: str) -> Row[Any] | None:
    """The person whose manifest names this account, if there is one.

    Raises Conflict: `account.foreign` where that is the account of another provider, which alone says who they are;
    `person.offboarded` where they have left; `account.taken` where they have an account, under another name by now.
    """
    row = _declared_with(tx, user_name)
    if row is not None and row.account_provider != provider:
        raise Conflict(
            f"`{row.name}`, who is declared with this `userName`, is not of this identity provider",
            code="account.foreign",
            hint="whoever declares people names the provider of each",
        )
    if row is not None and tx.execute(select(scim_account.c.person).where(scim_account.c.person == row.name)).first():
        raise Conflict(
            f"`{row.name}`, who is declared with this `userName`, has an account by another name",
            code="account.taken",
            hint="whoever declares people says that name there",
        )
    if row is not None and row.state == "offboarded":
        raise Conflict(
            f"`{row.name}`, who is declared with this `userName`, has left",
            code="person.offboarded",
            hint="declare whoever comes back under a new name",
        )
    return row


def _new_person(tx: Tx, wanted: WantedAccount, stamp: Stamp) -> str:
    table = store.person
    name = rules.person_name(
        wanted.user_name,
        lambda one: tx.execute(select(func.count()).select_from(table).where(table.c.name == one)).scalar_one() > 0,
    )
    tx.execute(
        insert(table).values(
            name=name,
            display_name=name,
            email="",
            roles=rows.names([]),
            access=rows.names([]),
            state="inactive",
            declared=False,
            created_at=stamp.at,
        )
    )
    return name


def _new_row(name: str, provider: str, wanted: WantedAccount, stamp: Stamp) -> dict[str, Any]:
    made = {"person": name, "provider": provider, "version": 1, "created_at": stamp.at, "changed_at": stamp.at}
    return {**made, **_columns(wanted)}


def _columns(wanted: WantedAccount) -> dict[str, Any]:
    return {
        "user_name": wanted.user_name,
        "user_key": rules.user_key(wanted.user_name),
        "external_id": wanted.external_id,
        "active": wanted.active,
        "document": json.dumps(dict(wanted.document), ensure_ascii=False),
    }


def _same(before: Account, wanted: WantedAccount) -> bool:
    said = wanted.user_name, wanted.external_id, wanted.active, dict(wanted.document)
    return said == (before.user_name, before.external_id, before.active, dict(before.document))
