"""Finds actions, newest first, from no more of them than it is allowed to look at, however many there are.

The rarest of the marks that are asked for leads; what it leads to is held against all others. A page may hold fewer
than were asked for, and `next` goes on from where it stopped looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, ge, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from autonomy.audit.store import leaf, read_head
from autonomy.db import Database
from autonomy.gate.store import action as performed
from autonomy.kernel.clock import HOUR

from . import found, postings
from .marking import PASSING, Marks, asked_words
from .model import ActionRow, Wanted

CHUNK = 500  # candidates looked at together
LOOKS = 9_000  # times that a candidate is held against something, for one page: a tenth of a second or so
LEAVES = (
    240_000  # in which is looked for actions, for one page, where no mark was asked for: the database does it alone
)
COUNTED = 1_000  # as many of a mark are counted to find the rarest
SLACK = HOUR  # by which clocks of machines may differ, and the order of the log from that of time

Group = tuple[int, ...]
"""Marks of which one is enough."""

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of actions. `next` is where to go on, none where there is nothing more."""

    actions: list[ActionRow]
    next: int | None


class Search:
    """Blocks: call it from a thread."""

    def __init__(
        self, database: Database, marks: Marks, chunk: int = CHUNK, looks: int = LOOKS, leaves: int = LEAVES
    ) -> None:
        self._database = database
        self._marks = marks
        self._chunk = chunk
        self._looks = looks
        self._leaves = leaves

    def actions(self, wanted: Wanted, after: int | None, limit: int, may_read: bool) -> Found:
        """The newest actions that are wanted, those begun before the leaf `after`. `may_read`: whether they may be
        found by words that are sealed."""
        with self._database.reading() as connection:
            first, stop = _span(connection, wanted.since, wanted.until)
            groups = self._groups(wanted, may_read)
            stop = stop if after is None else min(stop, after)
            if not groups:
                rows, following = newest_fitting(connection, _fitting(wanted), first, stop, limit, self._leaves)
                return Found(_shown(connection, rows), following)
            walk = _Walk(connection, groups, _fitting(wanted), first, stop, self._chunk)
            rows = walk.page(limit, max(1, self._looks // (self._chunk * (len(groups) + 1))))
            return Found(_shown(connection, rows), walk.next)

    def named(self, ids: Sequence[str]) -> list[ActionRow]:
        """These actions, of those that were taken in, in no order; each once, and no more than a statement can name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(found.action).where(found.action.c.id.in_(set(ids)))).all()
            return _shown(connection, rows)

    def _groups(self, wanted: Wanted, may_read: bool) -> list[Group]:
        named = {
            "agent": wanted.agent,
            "unit": wanted.unit,
            "tool": wanted.tool,
            "case": wanted.case,
            "run": wanted.run,
            "task": wanted.task,
            "policy": wanted.policy,
            "label": wanted.label,
            "code": wanted.code,
            "decision": None if wanted.decision == "allow" else wanted.decision,
            "state": None if wanted.state in PASSING else wanted.state,
        }
        groups: list[Group] = [(self._marks.facet(name, value),) for name, value in named.items() if value is not None]
        for word in asked_words(wanted.text or ""):
            told = self._marks.word(word)
            groups.append((told, self._marks.sealed(word)) if may_read else (told,))
        return groups


class _Walk:
    """One walk from the newest to the oldest. Afterwards `next` says where it stopped."""

    def __init__(
        self,
        connection: Connection,
        groups: Sequence[Group],
        fitting: Conditions,
        first: int,
        stop: int,
        chunk: int,
    ) -> None:
        self._connection = connection
        self._fitting = fitting
        self._chunk = chunk
        self._first = first
        self._groups = sorted(groups, key=lambda group: self._count(group, stop))
        self.next: int | None = stop

    def page(self, limit: int, chunks: int) -> list[Row[Any]]:
        """At most `limit` rows that fit, among as many chunks of candidates."""
        kept: list[Row[Any]] = []
        for _ in range(chunks):
            assert self.next is not None  # the walk ends where there is nothing more
            candidates = self._candidates(self.next, self._chunk)
            for row in self._rows(candidates):
                kept.append(row)
                if len(kept) == limit:
                    self.next = row.seq if self._is_more(row.seq) else None
                    return kept
            if len(candidates) < self._chunk:
                self.next = None
                return kept
            self.next = candidates[-1]
        return kept

    def _is_more(self, seq: int) -> bool:
        return bool(self._candidates(seq, 1))

    def _candidates(self, before: int, most: int) -> list[int]:
        """Where to look: what the rarest group leads to, falling."""
        lists = [postings.newest(self._connection, one, before, most, self._first) for one in self._groups[0]]
        return sorted({seq for one in lists for seq in one}, reverse=True)[:most]

    def _rows(self, candidates: Sequence[int]) -> list[Row[Any]]:
        """The candidates that fit and that all other groups lead to as well, falling."""
        left = set(candidates)
        for group in self._groups[1:]:
            left = postings.among(self._connection, group, left)
        query = select(found.action).where(found.action.c.seq.in_(left), *self._fitting)
        return list(self._connection.execute(query.order_by(found.action.c.seq.desc()))) if left else []

    def _count(self, group: Group, before: int) -> int:
        """How many a group leads to, as far as it is counted."""
        return sum(len(postings.newest(self._connection, one, before, COUNTED, self._first)) for one in group)


def newest_fitting(
    connection: Connection, fitting: Conditions, first: int, stop: int, limit: int, leaves: int
) -> tuple[list[Row[Any]], int | None]:
    """Of the actions from leaf `first` up to, not including, `stop` those that fit, falling, but of the last `leaves`
    only. And where to go on."""
    seq, low = found.action.c.seq, max(first, stop - leaves)
    query = select(found.action).where(seq < stop, seq >= low, *fitting).order_by(seq.desc()).limit(limit + 1)
    rows = list(connection.execute(query))
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].seq
    return rows, low if low > first else None


def _fitting(wanted: Wanted) -> Conditions:
    """What no mark says of an action."""
    columns = found.action.c
    said = (
        (wanted.state, columns.state, eq),
        (wanted.decision, columns.effect, eq),
        (wanted.since, columns.at, ge),
        (wanted.until, columns.at, lt),
        (wanted.cost_from, columns.money, ge),
        (wanted.cost_to, columns.money, le),
    )
    return [holds(column, value) for value, column, holds in said if value is not None]


def _span(connection: Connection, since: int | None, until: int | None) -> tuple[int, int]:
    """The leaves among which actions of this time were begun: the first, and the one after the last."""
    size = read_head(connection)[0]
    first = 0 if since is None else first_at(connection, since - SLACK, size)
    return first, size if until is None else first_at(connection, until + SLACK, size)


def first_at(connection: Connection, at: int, size: int) -> int:
    """The first leaf of a log of `size` leaves that was written at `at` or later; `size` where none was."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if connection.execute(select(leaf.c.at).where(leaf.c.idx == middle)).scalar_one() < at:
            low = middle + 1
        else:
            high = middle
    return low


def _shown(connection: Connection, rows: Sequence[Row[Any]]) -> list[ActionRow]:
    columns = performed.c
    query = select(columns.id, columns.message).where(columns.id.in_([row.id for row in rows]))
    said = {id: message for id, message in connection.execute(query)} if rows else {}
    return [
        ActionRow(
            row.id,
            row.state,
            row.agent,
            row.agent_name,
            row.unit,
            row.case_id,
            row.tool,
            row.money,
            row.at,
            row.ended_at,
            row.code,
            said.get(row.id),
            row.run,
            row.effect,
        )
        for row in rows
    ]
