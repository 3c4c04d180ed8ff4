"""Random samples of what happened, which anybody can draw again: the seed, the population and the way are all told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, func, select

from autonomy.audit import read_leaf
from autonomy.audit.leaf import Kind
from autonomy.audit.store import leaf
from autonomy.db import Database

from . import found
from .found import BLOCK
from .marking import Marks
from .search import first_at

METHOD = (
    "the members of the population are numbered from 0 in the order of the log; drawn are the numbers "
    "SHA-256(seed ':' i) mod population for i = 0, 1, 2, …, those drawn before left out"
)
MOST = 500  # of one sample

Facet = Literal["tool", "agent", "unit", "policy", "case"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Leaves drawn from those of the log from index `first` up to, not including, `stop`; `population` is how many were
    wanted there."""

    seed: str
    population: int
    first: int
    stop: int
    size: int
    leaves: list[tuple[int, dict[str, Any]]]


def numbers(seed: str, population: int, count: int) -> list[int]:
    """Which members of a population are drawn, rising. The way is `METHOD`."""
    drawn: dict[int, None] = {}
    for turn in _turns(seed):
        if len(drawn) >= min(count, population):
            break
        drawn[turn % population] = None
    return sorted(drawn)


def _turns(seed: str) -> Iterator[int]:
    turn = 0
    while True:
        yield int.from_bytes(hashlib.sha256(f"{seed}:{turn}".encode()).digest(), "big")
        turn += 1


class Sampling:
    """Blocks: call it from a thread."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks

    def of_kind(
        self, kind: Kind, seed: str, count: int, since: int | None, until: int | None, size: int | None
    ) -> Sample:
        """A sample of the leaves of a kind, of the log as it was at `size` leaves (none: now)."""
        with self._database.reading() as connection:
            first, stop, size = _bounds(connection, since, until, size)
            blocks = list(_blocks(connection, kind, first, stop))
            population = sum(held for _, _, held in blocks)
            drawn = numbers(seed, population, count)
            members = list(_located(connection, kind, blocks, drawn))
            return Sample(seed, population, first, stop, size, _read(connection, members))

    def of_actions(
        self, facet: Facet, value: str, seed: str, count: int, since: int | None, until: int | None, size: int | None
    ) -> Sample:
        """A sample of actions with this facet, each by the leaf that began it."""
        columns, mark = found.mark.c, self._marks.facet(facet, value)
        with self._database.reading() as connection:
            first, stop, size = _bounds(connection, since, until, size)
            where = columns.mark == mark, columns.seq >= first, columns.seq < stop
            population = connection.execute(select(func.count()).select_from(found.mark).where(*where)).scalar_one()
            members = list(_members(connection, where, numbers(seed, population, count)))
            return Sample(seed, population, first, stop, size, _read(connection, members))


def _bounds(connection: Connection, since: int | None, until: int | None, size: int | None) -> tuple[int, int, int]:
    """The leaves of a time among those that have been taken in, and how many these are."""
    taken = connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0
    whole = taken if size is None else min(size, taken)
    first = 0 if since is None else first_at(connection, since, whole)
    stop = whole if until is None else first_at(connection, until, whole)
    return first, max(first, stop), whole


def _blocks(connection: Connection, kind: str, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """First and last index, and how many leaves of the kind lie between them: whole blocks as they were counted, those
    at the ends counted now."""
    if first >= stop:
        return
    columns = found.census.c
    inner = range(-(-first // BLOCK), stop // BLOCK)
    for block in sorted({first // BLOCK, stop // BLOCK} - set(inner)):
        low, high = max(first, block * BLOCK), min(stop, (block + 1) * BLOCK)
        counted = select(func.count()).where(leaf.c.idx >= low, leaf.c.idx < high, leaf.c.kind == kind)
        held = connection.execute(counted).scalar_one()
        if held:
            yield low, high, held
    wanted = columns.kind == kind, columns.block >= inner.start, columns.block < inner.stop
    for row in connection.execute(select(found.census).where(*wanted).order_by(columns.block)):
        yield row.block * BLOCK, (row.block + 1) * BLOCK, row.leaves


def _located(
    connection: Connection, kind: str, blocks: Sequence[tuple[int, int, int]], drawn: Sequence[int]
) -> Iterator[int]:
    """The indices of the members of these numbers, rising."""
    ordered, passed, left = sorted(blocks), 0, list(reversed(drawn))
    for low, high, held in ordered:
        while left and left[-1] < passed + held:
            within = left.pop() - passed
            query = select(leaf.c.idx).where(leaf.c.idx >= low, leaf.c.idx < high, leaf.c.kind == kind)
            yield connection.execute(query.order_by(leaf.c.idx).offset(within).limit(1)).scalar_one()
        passed += held


def _members(connection: Connection, where: Iterable[ColumnElement[bool]], drawn: Sequence[int]) -> Iterator[int]:
    """The members of these numbers, rising: walked to one after another, so that the rest is passed and never held."""
    query, at, passed = select(found.mark.c.seq).where(*where).order_by(found.mark.c.seq), 0, 0
    for number in drawn:
        here = query.where(found.mark.c.seq >= at).offset(number - passed).limit(1)
        member = connection.execute(here).scalar_one()
        yield member
        at, passed = member + 1, number + 1


def _read(connection: Connection, members: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    query = select(leaf.c.idx, leaf.c.body).where(leaf.c.idx.in_(members)).order_by(leaf.c.idx)
    return [(index, read_leaf(bytes(body))) for index, body in connection.execute(query)] if members else []
