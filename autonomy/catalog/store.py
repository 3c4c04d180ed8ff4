"""Tables of what was declared: every wording once, and when which was in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from autonomy.db import Tx, metadata
from autonomy.kernel.errors import Corrupt

from .plan import Held, Key

revision = Table(
    "revision",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("first_epoch", BigInteger, nullable=False),
)

declared = Table(
    "declared",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("since_epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("until_epoch", BigInteger),
    Column("digest", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("scope", Text, nullable=False),
)
Index("declared_until", declared.c.until_epoch)

change = Table(
    "change",
    metadata,
    Column("id", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False, unique=True),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("summary", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

CHUNK = 500  # values in one IN list; SQLite admits 32,766 in a statement, older ones 999


@dataclass(frozen=True, slots=True)
class Row:
    """One object at one epoch, as stored."""

    kind: str
    name: str
    held: Held
    body: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One step of the organisation from an epoch to the next, as a list shows it."""

    id: str
    epoch: int
    by: str
    at: int
    summary: str
    message: str


@dataclass(frozen=True, slots=True)
class Change(Listed):
    """One step of the organisation in full.

    `detail` maps `added`, `changed`, `retired` to objects as `Kind/name`, with their digests.
    """

    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """One object in one wording: in force from `since_epoch` until before `until_epoch`, and who declared it when."""

    digest: str
    unit: str
    scope: str
    since_epoch: int
    until_epoch: int | None
    by: str
    at: int
    message: str


def rows_at(connection: Connection, epoch: int) -> list[Row]:
    """Every object in force at `epoch`, by kind and name."""
    in_force = and_(
        declared.c.since_epoch <= epoch, or_(declared.c.until_epoch.is_(None), declared.c.until_epoch > epoch)
    )
    query = _rows().where(in_force).order_by(declared.c.kind, declared.c.name)
    return [_row(found) for found in connection.execute(query)]


def held_now(connection: Connection) -> dict[Key, Held]:
    """Every object in force now, without its wording."""
    query = select(
        declared.c.kind, declared.c.name, declared.c.digest, declared.c.unit, declared.c.scope, declared.c.since_epoch
    ).where(declared.c.until_epoch.is_(None))
    return {(kind, name): Held(*rest) for kind, name, *rest in connection.execute(query)}


def bodies(connection: Connection, digests: Iterable[str]) -> dict[str, str]:
    """The stored wordings by digest."""
    wanted = list(digests)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        query = select(revision.c.digest, revision.c.body).where(revision.c.digest.in_(part))
        found.update((digest, body) for digest, body in connection.execute(query))
    return found


def known(tx: Tx, digests: Sequence[str]) -> set[str]:
    """Which of `digests` are stored already."""
    found: set[str] = set()
    for start in range(0, len(digests), CHUNK):
        query = select(revision.c.digest).where(revision.c.digest.in_(digests[start : start + CHUNK]))
        found.update(digest for (digest,) in tx.execute(query))
    return found


def write_revisions(tx: Tx, rows: Sequence[Row], epoch: int) -> None:
    """Store each wording once. Raises Corrupt for a row without its wording that is not stored yet."""
    new = {row.held.digest: row for row in rows}
    for digest in known(tx, list(new)):
        del new[digest]
    if lost := [row.name for row in new.values() if not row.body]:
        raise Corrupt(f"the wording of `{lost[0]}` is gone", code="catalog.corrupt")
    values = [
        {"digest": digest, "kind": row.kind, "name": row.name, "body": row.body, "first_epoch": epoch}
        for digest, row in new.items()
    ]
    if values:
        tx.execute(insert(revision), values)


def write_declared(tx: Tx, ended: Sequence[Key], begun: Sequence[Row], epoch: int) -> None:
    """End what is in force of `ended` with `epoch`, and let `begun` begin."""
    if ended:
        statement = (
            update(declared)
            .where(
                declared.c.kind == bindparam("of_kind"),
                declared.c.name == bindparam("of_name"),
                declared.c.until_epoch.is_(None),
            )
            .values(until_epoch=epoch)
        )
        tx.execute(statement, [{"of_kind": kind, "of_name": name} for kind, name in ended])
    if begun:
        values = [
            {
                "kind": row.kind,
                "name": row.name,
                "since_epoch": epoch,
                "digest": row.held.digest,
                "unit": row.held.unit,
                "scope": row.held.scope,
            }
            for row in begun
        ]
        tx.execute(insert(declared), values)


def write_change(tx: Tx, one: Change) -> None:
    """Store the record of a change."""
    tx.execute(
        insert(change).values(
            id=one.id,
            epoch=one.epoch,
            by=one.by,
            at=one.at,
            summary=one.summary,
            message=one.message,
            detail=json.dumps(one.detail, separators=(",", ":")),
        )
    )


def changes(connection: Connection, limit: int, before: int | None = None) -> list[Listed]:
    """The last `limit` changes, those before the epoch `before` if it is given; newest first."""
    columns = change.c
    query = select(columns.id, columns.epoch, columns.by, columns.at, columns.summary, columns.message)
    if before is not None:
        query = query.where(columns.epoch < before)
    return [Listed(*row) for row in connection.execute(query.order_by(columns.epoch.desc()).limit(limit))]


def change_at(connection: Connection, epoch: int) -> Change | None:
    """The change that led to `epoch`."""
    row = connection.execute(select(change).where(change.c.epoch == epoch)).one_or_none()
    return None if row is None else _change(row)


def periods(connection: Connection, kind: str, name: str) -> list[Period]:
    """Every wording of one object, newest first."""
    query = (
        select(
            declared.c.digest,
            declared.c.unit,
            declared.c.scope,
            declared.c.since_epoch,
            declared.c.until_epoch,
            change.c.by,
            change.c.at,
            change.c.message,
        )
        .join(change, change.c.epoch == declared.c.since_epoch)
        .where(declared.c.kind == kind, declared.c.name == name)
        .order_by(declared.c.since_epoch.desc())
    )
    return [Period(*row) for row in connection.execute(query)]


def row_at(connection: Connection, kind: str, name: str, epoch: int) -> Row | None:
    """One object as it was in force at `epoch`."""
    query = (
        _rows()
        .where(declared.c.kind == kind, declared.c.name == name, declared.c.since_epoch <= epoch)
        .where(or_(declared.c.until_epoch.is_(None), declared.c.until_epoch > epoch))
    )
    found = connection.execute(query).one_or_none()
    return _row(found) if found else None


def is_moved(connection: Connection, kinds: Sequence[str], epoch: int) -> bool:
    """Whether anything of these kinds began or ended after `epoch`."""
    moved = or_(declared.c.since_epoch > epoch, declared.c.until_epoch > epoch)
    query = select(declared.c.name).where(declared.c.kind.in_(kinds), moved).limit(1)
    return connection.execute(query).first() is not None


def _rows() -> Select[Any]:
    return select(
        declared.c.kind,
        declared.c.name,
        declared.c.digest,
        declared.c.unit,
        declared.c.scope,
        declared.c.since_epoch,
        revision.c.body,
    ).outerjoin(revision, revision.c.digest == declared.c.digest)


def _row(found: Any) -> Row:
    kind, name, digest, unit, scope, since_epoch, body = found
    # A wording that is gone is read as an empty one, which no digest fits: a rule must never vanish in silence.
    return Row(kind, name, Held(digest, unit, scope, since_epoch), body or "")


def _change(found: Any) -> Change:
    return Change(found.id, found.epoch, found.by, found.at, found.summary, found.message, json.loads(found.detail))
