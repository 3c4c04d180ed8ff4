"""People: one-time links, passwords, sessions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from autonomy.db import Reader, Tx, upsert
from autonomy.kernel.clock import HOUR
from autonomy.kernel.errors import Busy, Conflict, Invalid, NotFound, Unauthenticated

from . import passwords, rows, rules, store
from .base import Base
from .grants import granted, members_with, signed_in_with
from .model import PersonCaller, PersonView
from .outside_store import scim_account
from .permissions import Permission, permissions_of

INVITATION_TTL = 24 * HOUR
SESSION_TTL = 12 * HOUR
MAX_GROUPS = 200  # what an identity provider sends for one person; beyond it something is wrong there

_INVITATION, _SESSION = "aosi_", "aosp_"


class People(Base):
    """Sign-in and everything about it. Secrets are 256 random bits, stored as SHA-256; passwords as Argon2id."""

    def invite(self, name: str, by: str = "system") -> str:
        """The token of a one-time link by which `name` sets a password, good for 24 hours; earlier ones end.

        While nobody at all is declared, the invited person becomes the first administrator. Raises NotFound,
        Conflict (`person.offboarded`).
        """
        rules.check_actor(by)
        token = _INVITATION + secrets.token_urlsafe(32)

        def work(tx: Tx) -> str:
            _found_admin(tx, name, self._clock())
            row = store.find_person(tx, name)
            if row.state != "active":
                raise Conflict(f"`{name}` has left", code="person.offboarded")
            stamp, table = self._now(tx), store.invitation
            tx.execute(update(table).where(table.c.person == name, table.c.used_at.is_(None)).values(used_at=stamp.at))
            link = {"person": name, "created_at": stamp.at, "expires_at": stamp.at + INVITATION_TTL}
            tx.execute(insert(table).values(hash=_hash(token), **link))
            self._leaf(tx, stamp, "person.invited", by, person=name)
            return token

        return self._write(work)

    def accept_invitation(self, token: str, password: str) -> str:
        """Set the password of whom the link was made for; returns their name. Their other sessions end.

        Raises Unauthenticated (`invitation.invalid`) for links unknown, used or expired, Invalid (`password.length`).
        """
        with self._database.reading() as connection:
            _invited(connection, token, self._clock())
        hashed = passwords.hash_password(password)

        def work(tx: Tx) -> str:
            name = _invited(tx, token, self._clock())
            stamp, table, session = self._now(tx), store.invitation, store.session
            tx.execute(update(table).where(table.c.hash == _hash(token)).values(used_at=stamp.at))
            tx.execute(update(store.person).where(store.person.c.name == name).values(password_hash=hashed))
            theirs = session.c.person == name, session.c.ended_at.is_(None)
            tx.execute(update(session).where(*theirs).values(ended_at=stamp.at))
            tx.execute(delete(store.sign_in_failure).where(store.sign_in_failure.c.key == name))
            self._leaf(tx, stamp, "person.password_set", f"person:{name}", person=name)
            return name

        return self._write(work)

    def sign_in(self, name: str, password: str) -> str:
        """The token of a new session, good for 12 hours.

        Raises Unauthenticated (`sign_in.failed`), which never says whether the name exists, and Busy
        (`sign_in.waiting`) after five failures in a row, right or wrong.
        """
        known = self._password_of(name)
        key = name if known is not None else _anonymous(name)
        # Counted before it is checked: attempts made at the same time cannot all be the first.
        self._queue.run(lambda tx: self._count_attempt(tx, key, known is not None))
        stored = None if known is None else known.password_hash
        if not passwords.check_password(stored, password) or stored is None:
            raise Unauthenticated("name or password is wrong", code="sign_in.failed")
        renewed = passwords.hash_password(password) if passwords.is_outdated(stored) else stored
        return self._write(lambda tx: self._open_session(tx, name, stored, renewed))

    def sign_in_external(self, subject: str, groups: Iterable[str], provider: str = "") -> str:
        """A session for a person whom an identity provider has vouched for; the sign-on room has verified that.

        `subject` is `issuer|subject`; `groups` admit to what the declaration of `provider` says of them, for as long
        as this session lives. Raises Unauthenticated (`sign_in.failed`), Invalid.
        """
        named = sorted(set(groups))
        if len(named) > MAX_GROUPS:
            raise Invalid(f"more than {MAX_GROUPS} groups", code="sign_in.groups")

        def work(tx: Tx) -> str:
            name = _vouched_for(tx, subject, provider)
            if name is None:
                raise Unauthenticated(
                    f"nobody here is declared with the subject `{subject[:200]}`",
                    code="sign_in.failed",
                    hint="whoever declares people names it there as `externalSubject`",
                )
            return self._begin_session(tx, name, named, provider or None)

        return self._write(work)

    def person(self, session: str) -> PersonCaller:
        """Who a session token belongs to, with what they may do now. Raises Unauthenticated (`session.invalid`)."""
        with self._database.reading() as connection:
            table, person = store.session, store.person
            row = connection.execute(
                select(person, table.c.groups, table.c.provider, table.c.expires_at)
                .join(table, table.c.person == person.c.name)
                .where(table.c.hash == _hash(session), table.c.ended_at.is_(None), person.c.state == "active")
            ).one_or_none()
            if row is None or self._clock() >= row.expires_at:
                raise Unauthenticated("the session is over", code="session.invalid", hint="sign in again")
            more = granted(connection, row.name, row.provider, rows.to_names(row.groups))
        access = more.access.union(rows.to_names(row.access))
        roles = tuple(dict.fromkeys((*rows.to_names(row.roles), *sorted(more.roles))))
        return PersonCaller(row.name, row.display_name, roles, tuple(sorted(access)), permissions_of(access))

    def sign_out(self, session: str) -> None:
        """End a session; an unknown or ended one is none of anybody's business."""

        def work(tx: Tx) -> None:
            table = store.session
            row = tx.execute(
                select(table.c.person).where(table.c.hash == _hash(session), table.c.ended_at.is_(None))
            ).one_or_none()
            if row is not None:
                stamp = self._now(tx)
                tx.execute(update(table).where(table.c.hash == _hash(session)).values(ended_at=stamp.at))
                self._leaf(tx, stamp, "session.ended", f"person:{row.person}", person=row.person)

        self._write(work)

    def people(self) -> list[PersonView]:
        """Everybody ever declared, by name."""
        with self._database.reading() as connection:
            found = connection.execute(select(store.person).order_by(store.person.c.name))
            return [rows.to_person(row) for row in found]

    def holders(self, role: str) -> tuple[str, ...]:
        """The names of the active people who hold a business role: as declared, or by a group of theirs."""
        with self._database.reading() as connection:
            found = connection.execute(select(store.person).where(store.person.c.state == "active"))
            by_group = members_with(connection, "role", role) | signed_in_with(connection, role, self._clock())
            names = [row.name for row in found if row.name in by_group or role in rows.to_names(row.roles)]
        return tuple(sorted(names))

    def may(self, name: str, permission: Permission) -> bool:
        """Whether a person is active and may do this, by what is declared and by the groups of their last sign-in."""
        return self.roles_with(name, permission) is not None

    def roles_with(self, name: str, permission: Permission) -> frozenset[str] | None:
        """The business roles of an active person who may do this; None of anybody else. By what is declared, and by
        the groups of their last sign-in, be that session over or not."""
        table, person = store.session, store.person
        last = select(table.c.provider, table.c.groups).where(table.c.person == name)
        with self._database.reading() as connection:
            query = select(person.c.access, person.c.roles).where(person.c.name == name, person.c.state == "active")
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            told = connection.execute(last.order_by(table.c.created_at.desc()).limit(1)).one_or_none()
            groups = () if told is None else (told.provider, rows.to_names(told.groups))
            more = granted(connection, name, *groups)
        if permission not in permissions_of(more.access.union(rows.to_names(row.access))):
            return None
        return more.roles.union(rows.to_names(row.roles))

    def roles_of(self, name: str) -> tuple[str, ...]:
        """The business roles of an active person, as declared or by membership; none of anybody else."""
        person = store.person
        query = select(person.c.roles).where(person.c.name == name, person.c.state == "active")
        with self._database.reading() as connection:
            declared = connection.execute(query).scalar_one_or_none()
            more = granted(connection, name).roles if declared is not None else frozenset()
        return tuple(sorted(more.union(rows.to_names(declared or "[]"))))

    def address_of(self, name: str) -> str | None:
        """The e-mail address of an active person; None for anybody else."""
        person = store.person
        query = select(person.c.email).where(person.c.name == name, person.c.state == "active")
        with self._database.reading() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def _password_of(self, name: str) -> Row[Any] | None:
        if not rules.is_name(name):
            return None
        with self._database.reading() as connection:
            try:
                return store.find_person(connection, name)
            except NotFound:
                return None

    def _count_attempt(self, tx: Tx, key: str, known: bool) -> None:
        """Take this attempt for a failure until it has succeeded. Raises Busy while waiting is due."""
        table, at = store.sign_in_failure, self._clock()
        row = tx.execute(select(table).where(table.c.key == key)).one_or_none()
        fresh = row is None or at >= row.last_at + rules.FORGET_FAILURES
        failures = 0 if row is None or fresh else row.failures
        due = 0 if row is None or fresh else row.last_at + rules.wait_after(failures) - at
        if due > 0:
            raise Busy("too many failed attempts", code="sign_in.waiting", retry_after=due / 1000)
        tx.execute(upsert(table, {"key": key, "failures": failures + 1, "last_at": at}, ["key"], tx.dialect))
        if known and failures + 1 == rules.FREE_FAILURES:
            self._leaf(tx, self._now(tx), "sign_in.waiting", "system", person=key)

    def _open_session(self, tx: Tx, name: str, checked: str, renewed: str) -> str:
        row = store.find_person(tx, name)
        if row.password_hash != checked or row.state != "active":
            raise Unauthenticated("name or password is wrong", code="sign_in.failed")
        tx.execute(delete(store.sign_in_failure).where(store.sign_in_failure.c.key == name))
        if renewed != checked:
            tx.execute(update(store.person).where(store.person.c.name == name).values(password_hash=renewed))
        return self._begin_session(tx, name, [], None)

    def _begin_session(self, tx: Tx, name: str, groups: list[str], provider: str | None) -> str:
        token, stamp = _SESSION + secrets.token_urlsafe(32), self._now(tx)
        tx.execute(
            insert(store.session).values(
                hash=_hash(token),
                person=name,
                groups=rows.names(groups),
                provider=provider,
                created_at=stamp.at,
                expires_at=stamp.at + SESSION_TTL,
            )
        )
        told = {} if provider is None else {"provider": provider}
        self._leaf(tx, stamp, "session.begun", f"person:{name}", person=name, **told)
        return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _anonymous(name: str) -> str:
    """Where failures of names that nobody has are counted: few enough rows that guessing names cannot fill the disk."""
    return f"?{_hash(name)[:4]}"


def _found_admin(tx: Tx, name: str, at: int) -> None:
    """Make `name` the first administrator where there is nobody yet."""
    if tx.execute(select(func.count()).select_from(store.person)).scalar_one():
        return
    rules.check_name("person", name)
    tx.execute(
        insert(store.person).values(
            name=name,
            display_name=name,
            email="",
            roles=rows.names([]),
            access=rows.names(["admin"]),
            state="active",
            declared=True,
            created_at=at,
        )
    )


def _vouched_for(tx: Tx, subject: str, provider: str) -> str | None:
    """The active person declared with this subject, or whose account at `provider` has it as its id there."""
    person, account = store.person, scim_account
    declared = select(person.c.name).where(person.c.external_subject == subject, person.c.state == "active")
    name = tx.execute(declared).scalar_one_or_none()
    if name is None and provider:
        own = account.c.provider == provider, account.c.external_id == subject.partition("|")[2]
        joined = select(person.c.name).join(account, account.c.person == person.c.name)
        name = tx.execute(joined.where(*own, person.c.state == "active")).scalar_one_or_none()
    return name


def _invited(reader: Reader, token: str, at: int) -> str:
    table = store.invitation
    row = reader.execute(select(table).where(table.c.hash == _hash(token), table.c.used_at.is_(None))).one_or_none()
    if row is None or at >= row.expires_at:
        raise Unauthenticated(
            "the link is not valid", code="invitation.invalid", hint="each works once, for a day: ask for a new one"
        )
    return str(row.person)
