"""Follows the log and lets everything be found that it tells. The place up to which it was taken in moves in the same
transaction as what came of it, so that nothing is counted twice and nothing left out, whoever dies.

One process at a time does it. The door comes first: while the log grows, whoever follows works one part of its time and
rests nineteen. It keeps up with some hundred actions a second; what is more is taken in when there is less to do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import leaf, payload, read_head
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Lifeline
from autonomy.kernel.clock import DAY, Clock
from autonomy.kernel.errors import AutonomyError, Corrupt

from . import found
from .marking import SEALED, Marks
from .taking_in import NEW, Batch, Seen, take_in

log = logging.getLogger("autonomy.insight")

Leaves = Sequence[tuple[int, dict[str, Any]]]
Hear = Callable[[Tx, Leaves], None]
"""Whoever hears every leaf once, in the transaction that takes it in."""

BATCH = 250  # leaves of one transaction: others wait for it
TIDIED = 500  # actions whose sealed words are let go of at once
ASK_SECONDS = 1.0  # between two questions of a process whether it may follow
LOOK_SECONDS = 0.2
WAIT_SECONDS = 0.01
TIDY_SECONDS = 60.0
CAREFUL = 60  # leaves of one transaction while the log grows: some five milliseconds, in which nobody else can write
SHARE = 20  # parts of the time, of which one is spent on following while the log grows
WIDTH = 8  # bytes of a mark
CHANGING = ("state", "effect", "money", "ended_at", "code")


class Following:
    """Takes the log in. `place` is the next leaf to be taken in, as far as this process knows."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        vault: Vault,
        marks: Marks,
        retention_days: int,
        lifeline: Lifeline,
        clock: Clock,
        hear: Hear,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._marks = marks
        self._retention = (retention_days + 1) * DAY
        self._lifeline = lifeline
        self._clock = clock
        self._hear = hear
        self._batch = batch
        self._size = 0
        self._grows = False  # whether the log has grown since the last look: then somebody is at the door
        self._worked = 0.0  # seconds of CPU that the last batch took
        self._woken = asyncio.Event()
        self._holds = False
        self._asked = float("-inf")
        self.place = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                behind = await self.follow()
                if not behind:
                    await self._rest(LOOK_SECONDS)
                elif self._grows:
                    await self._rest(self._worked * (SHARE - 1))
            except AutonomyError as error:
                log.warning("what happened is not taken in: %s", error.code)
                await asyncio.sleep(1.0)

    async def run_tidying(self) -> None:
        """Let go of the words of what is kept no longer, until cancelled."""
        while True:
            try:
                while self._holds and await self._queue.perform(self.tidy) >= TIDIED:
                    pass
            except AutonomyError as error:
                log.warning("could not tidy the search: %s", error.code)
            await asyncio.sleep(TIDY_SECONDS)

    async def reach(self, seconds: float) -> int:
        """Wait until what the log holds now is taken in, `seconds` at most; returns how many leaves are not."""
        size = (await self._database.read(read_head))[0]
        deadline = time.monotonic() + seconds
        self._woken.set()
        while (behind := size - self.place) > 0 and time.monotonic() < deadline:
            await asyncio.sleep(WAIT_SECONDS)
            if not self._holds:
                self.place = await self._database.read(_next)
        return max(0, behind)

    async def follow(self) -> int:
        """Take one batch in; returns how many leaves are left. Nobody's work is done twice: whoever does not hold the
        place leaves it to who does."""
        if not self._holds and not await self._hold():
            return 0
        size, leaves = await self._database.read(self._read)
        self._grows, self._size = size > self._size, size
        if not leaves:
            return 0
        batch, sealed = await asyncio.to_thread(self._prepare, leaves)
        if not await self._queue.perform(lambda tx: self._write(tx, leaves, batch, sealed)):
            self._holds = False
            return 0
        self.place = batch.stop
        return max(0, size - batch.stop)

    def tidy(self, tx: Tx) -> int:
        """Let go of the sealed words of a batch of old actions; returns how many were looked at."""
        before, columns = self._clock() - self._retention, found.action.c
        start = tx.execute(select(found.place.c.forgotten)).scalar_one()
        query = select(columns.seq, columns.sealed).where(columns.seq >= start, columns.at < before)
        rows = tx.execute(query.order_by(columns.seq).limit(TIDIED)).all()
        if rows:
            forget_words(tx, rows)
            tx.execute(update(found.place).values(forgotten=rows[-1].seq + 1))
        return len(rows)

    async def _rest(self, seconds: float) -> None:
        """For so long, or until somebody waits for what is new."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()

    async def _hold(self) -> bool:
        """Whether this process may follow now. Who may not asks again after a second."""
        if time.monotonic() - self._asked < ASK_SECONDS:
            return False
        self._asked = time.monotonic()
        taken = await self._queue.perform(self._take)
        if taken is None:
            return False
        self.place, self._holds = taken, True
        return True

    def _take(self, tx: Tx) -> int | None:
        row = tx.execute(select(found.place)).one_or_none()
        mine = {"holder": self._lifeline.owner}
        if row is None:
            tx.execute(insert(found.place).values(id=1, next=0, forgotten=0, **mine))
            return 0
        if not self._lifeline.dead_among(tx, {row.holder}) and row.holder != self._lifeline.owner:
            return None
        tx.execute(update(found.place).values(**mine))
        return int(row.next)

    def _read(self, connection: Connection) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        size = read_head(connection)[0]
        query = (
            select(leaf.c.idx, leaf.c.body)
            .where(leaf.c.idx >= self.place)
            .order_by(leaf.c.idx)
            .limit(self._batch if not self._grows else CAREFUL)
        )
        return size, [(index, read_leaf(bytes(body))) for index, body in connection.execute(query)]

    def _prepare(self, leaves: Leaves) -> tuple[Batch, dict[str, set[int]]]:
        """What can be made of the leaves before their transaction."""
        begun = time.thread_time()
        batch = take_in(leaves, self._marks)
        sealed = self._sealed(batch)
        self._worked = time.thread_time() - begun
        return batch, sealed

    def _sealed(self, batch: Batch) -> dict[str, set[int]]:
        """The marks of what each action carried, as far as it can be opened."""
        wanted: dict[str, list[str]] = {}
        for action, seen in batch.actions.items():
            for part in seen.parts:
                if part.partition(".")[0] in SEALED:
                    wanted.setdefault(part, []).append(action)
        parts: dict[str, list[tuple[str, bytes]]] = {}
        with self._database.reading() as connection:
            for part, actions in wanted.items():
                for action, value in self._opened(connection, actions, part):
                    parts.setdefault(action, []).append((part, value))
        return {action: self._marks.of_sealed(said) for action, said in parts.items()}

    def _opened(self, connection: Connection, actions: Sequence[str], part: str) -> Iterator[tuple[str, bytes]]:
        try:
            yield from ((name, opened.value) for name, opened in self._open(connection, actions, part))
        except Corrupt:
            if len(actions) > 1:  # one of them was changed in the store; the others are found all the same
                for action in actions:
                    yield from self._opened(connection, [action], part)

    def _open(self, connection: Connection, actions: Sequence[str], part: str) -> Iterable[tuple[str, Any]]:
        return self._vault.open_all(connection, actions, part).items()

    def _write(self, tx: Tx, leaves: Leaves, batch: Batch, sealed: dict[str, set[int]]) -> bool:
        """Whether the batch was taken in: somebody else may have done it."""
        begun = time.thread_time()
        mine = found.place.c.next == leaves[0][0], found.place.c.holder == self._lifeline.owner
        if tx.execute(update(found.place).where(*mine).values(next=batch.stop)).rowcount != 1:
            return False
        _write_actions(tx, batch, _still_kept(tx, sealed))
        _put_marks(tx, batch.others)
        counted = [{"block": block, "kind": kind, "leaves": count} for (block, kind), count in batch.census.items()]
        tx.execute(_COUNT, counted)
        self._hear(tx, leaves)
        self._worked += time.thread_time() - begun
        return True


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
    gone = [{"mark": mark, "seq": row.seq} for row in rows for mark in unpack(row.sealed)]
    if gone:
        tx.execute(_DROP_MARK, gone)
    named = [{"row": row.seq} for row in rows if row.sealed]
    if named:
        tx.execute(_DROP_SEALED, named)


def pack(marks: Iterable[int]) -> bytes:
    """Marks as they are kept beside an action."""
    return b"".join(mark.to_bytes(WIDTH, "big") for mark in sorted(marks))


def unpack(sealed: bytes | None) -> list[int]:
    """The marks that `pack` has packed."""
    packed = bytes(sealed or b"")
    return [int.from_bytes(packed[start : start + WIDTH], "big") for start in range(0, len(packed), WIDTH)]


def _write_actions(tx: Tx, batch: Batch, sealed: dict[str, set[int]]) -> None:
    known = _known(tx, batch.actions)
    new: list[dict[str, Any]] = []
    marks: set[tuple[int, int]] = set()
    changed: list[dict[str, Any]] = []
    for action, seen in batch.actions.items():
        row = known.get(action)
        seq = seen.first if row is None else row.seq
        if seq is None:
            continue  # a leaf about something that the log has not begun, of a release that is not known
        secret = sealed.get(action, set())
        marks |= {(mark, seq) for mark in seen.marks | secret}
        if row is None:
            new.append(NEW | seen.began | seen.changed | {"seq": seq, "sealed": pack(secret) or None})
        else:
            changed.append(_change(row, seen, secret))
    if new:
        tx.execute(insert(found.action), new)
    if changed:
        tx.execute(_CHANGE, changed)
    _put_marks(tx, marks)


def _change(row: Any, seen: Seen, sealed: set[int]) -> dict[str, Any]:
    stored = row._mapping
    values = {f"new_{name}": seen.changed.get(name, stored[name]) for name in CHANGING}
    return values | {"new_sealed": pack({*unpack(row.sealed), *sealed}) or None, "row": row.seq}


def _known(tx: Tx, actions: Iterable[str]) -> dict[str, Any]:
    return {row.id: row for row in tx.execute(select(found.action).where(found.action.c.id.in_(list(actions))))}


def _still_kept(tx: Tx, sealed: dict[str, set[int]]) -> dict[str, set[int]]:
    """Of what was opened outside, what nobody has erased since."""
    if not sealed:
        return {}
    kept = select(payload.c.action).where(payload.c.action.in_(list(sealed))).distinct()
    return {action: sealed[action] for action in tx.execute(kept).scalars()}


def _put_marks(tx: Tx, marks: Iterable[tuple[int, int]]) -> None:
    rows = [{"mark": mark, "seq": seq} for mark, seq in sorted(marks)]
    if rows:
        tx.execute(_PUT_MARK, rows)


def _next(connection: Connection) -> int:
    return connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0


_PUT_MARK = text("INSERT INTO search_mark (mark, seq) VALUES (:mark, :seq) ON CONFLICT DO NOTHING")
_DROP_MARK = delete(found.mark).where(
    found.mark.c.mark == bindparam("mark", type_=found.mark.c.mark.type),
    found.mark.c.seq == bindparam("seq", type_=found.mark.c.seq.type),
)
_DROP_SEALED = update(found.action).where(found.action.c.seq == bindparam("row")).values(sealed=None)
_CHANGE = (
    update(found.action)
    .where(found.action.c.seq == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in (*CHANGING, "sealed")})
)
_COUNT = text(
    "INSERT INTO search_census (block, kind, leaves) VALUES (:block, :kind, :leaves) "
    "ON CONFLICT (block, kind) DO UPDATE SET leaves = search_census.leaves + excluded.leaves"
)
