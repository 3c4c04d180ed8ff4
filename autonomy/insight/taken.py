"""Writes what was taken in, so that it is found, and lets go of what must not be found any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from autonomy.audit.store import payload
from autonomy.db import Tx
from autonomy.db.many import inserting, updating

from . import found, postings
from .postings import Postings
from .reckoning import Behind, behind_at
from .taking_in import Batch, row_of, sealed_parts

MARK_BYTES = 8  # of a mark beside its action


def write_batch(tx: Tx, batch: Batch, sealed: dict[str, set[int]]) -> None:
    """Write what a batch changes; `sealed` are the marks of what its actions carried."""
    gathered = Postings()
    _write_actions(tx, batch, sealed, gathered)
    for index, marks in batch.others.items():
        gathered.add(marks, index)
    postings.write(tx, gathered.rows())
    tx.write(_COUNT, [(block, kind, count) for (block, kind), count in sorted(batch.census.items())])


def behind_of(connection: Connection) -> Behind:
    """How far what is found is behind the log."""
    return behind_at(connection, connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0)


def still_kept(tx: Tx, sealed: dict[str, set[int]], batch: Batch) -> dict[str, set[int]]:
    """Of what was opened outside, what nobody has erased since: every part of it is still there. That something else of
    the action is there says nothing: it may have come after the erasure."""
    if not sealed:
        return {}
    there: defaultdict[str, set[str]] = defaultdict(set)
    query = select(payload.c.action, payload.c.part).where(payload.c.action.in_(list(sealed)))
    for row in tx.execute(query):
        there[row.action].add(row.part)
    return {action: marks for action, marks in sealed.items() if sealed_parts(batch.actions[action]) <= there[action]}


def forget_found(tx: Tx, subject: str) -> int:
    """Let nothing be found any more by what was sealed about a subject, by the name the store knows it under. The vault
    calls it as it erases, before the payloads go; returns 0, for nothing but marks goes."""
    about = select(payload.c.action).where(payload.c.subject == subject)
    columns = found.action.c
    rows = tx.execute(select(columns.seq, columns.sealed).where(columns.id.in_(about), columns.sealed.is_not(None)))
    forget_words(tx, rows.all())
    return 0


def forget_words(tx: Tx, rows: Sequence[Any]) -> None:
    """Take the sealed words of actions (rows with `seq` and `sealed`) out of what they are found by."""
    gone = {row.seq: unpack(row.sealed) for row in rows if row.sealed}
    if gone:
        postings.drop(tx, gone)
        tx.execute(_DROP_SEALED, [{"row": seq} for seq in gone])


def pack(marks: Iterable[int]) -> bytes | None:
    """Marks as they are kept beside an action; none where there are none."""
    return b"".join([mark.to_bytes(MARK_BYTES, "big") for mark in sorted(marks)]) or None


def unpack(sealed: bytes | None) -> list[int]:
    """The marks that `pack` has packed."""
    packed = bytes(sealed or b"")
    return [int.from_bytes(packed[start : start + MARK_BYTES], "big") for start in range(0, len(packed), MARK_BYTES)]


def _write_actions(tx: Tx, batch: Batch, sealed: dict[str, set[int]], gathered: Postings) -> None:
    known = _known(tx, [id for id, seen in batch.actions.items() if seen.began or seen.marks or id in sealed])
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    later: dict[int, set[int]] = {}
    for action, seen in batch.actions.items():
        secret, there = sealed.get(action, _NONE), known.get(action)
        if there is None and seen.first is not None:
            gathered.add(seen.marks | secret, seen.first)
            new.append(row_of(action, seen, pack(secret)))
        elif there is not None:
            seq, stored = there
            later[seq] = seen.marks | secret
            changed.append((*seen.changes, pack({*unpack(stored), *secret}) if secret else None, action))
        else:  # it was begun earlier; or never, by a release that is not known: then there is no row to change
            changed.append((*seen.changes, None, action))
    for seq, marks in postings.missing(tx, later).items():
        gathered.add(marks, seq)
    tx.write(_BEGIN, new)
    tx.write(_CHANGE, changed)


def _known(tx: Tx, actions: Collection[str]) -> dict[str, tuple[int, bytes | None]]:
    if not actions:
        return {}
    rows: Any = tx.execute(_KNOWN, {"actions": list(actions)})
    return {id: (seq, stored) for id, seq, stored in rows}


_NONE: set[int] = set()
_KNOWN = text("SELECT id, seq, sealed FROM search_action WHERE id IN :actions").bindparams(
    bindparam("actions", expanding=True)
)
_BEGIN = inserting(found.action, [column.name for column in found.action.columns])
_OR_BEFORE = {name: f"coalesce({{}}, search_action.{name})" for name in ("state", "effect", "money", "ended_at")}
_CHANGE = updating(
    found.action,
    "id",
    {
        **_OR_BEFORE,
        "code": "nullif(coalesce({}, search_action.code), '')",
        "sealed": "coalesce({}, search_action.sealed)",
    },
)
_DROP_SEALED = update(found.action).where(found.action.c.seq == bindparam("row")).values(sealed=None)
_COUNT = inserting(
    found.census,
    ("block", "kind", "leaves"),
    "ON CONFLICT (block, kind) DO UPDATE SET leaves = search_census.leaves + excluded.leaves",
)
