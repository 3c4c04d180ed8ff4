"""Random samples of what happened, which anybody can draw again: the seed, the population and the way are all told."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, Select, func, select, text

from autonomy.audit import read_leaf
from autonomy.audit.leaf import Kind
from autonomy.audit.store import is_kind, leaf
from autonomy.db import Database

from . import found, postings
from .found import BLOCK
from .marking import Marks
from .search import first_at

METHOD = (
    "the members of the population are numbered from 0 in the order of the log; drawn are the numbers "
    "SHA-256(seed ':' i) mod population for i = 0, 1, 2, …, those drawn before left out"
)
MOST = 500  # of one sample
TOGETHER = 100  # blocks that are counted together: by the database, for of a long log there are many

T = TypeVar("T")

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
            bounds = _bounds(connection, since, until, size)
            return drawn_from(OfKind(connection, bounds, kind), seed, count)

    def of_actions(
        self, facet: Facet, value: str, seed: str, count: int, since: int | None, until: int | None, size: int | None
    ) -> Sample:
        """A sample of actions with this facet, each by the leaf that began it."""
        mark = self._marks.facet(facet, value)
        with self._database.reading() as connection:
            bounds = _bounds(connection, since, until, size)
            return drawn_from(Led(connection, bounds, mark), seed, count)


class Bounds(NamedTuple):
    """The leaves from `first` up to, not including, `stop`, of a log of `size` leaves."""

    first: int
    stop: int
    size: int


def _bounds(connection: Connection, since: int | None, until: int | None, size: int | None) -> Bounds:
    """The leaves of a time among those that have been taken in."""
    taken = connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0
    whole = taken if size is None else min(size, taken)
    first = 0 if since is None else first_at(connection, since, whole)
    stop = whole if until is None else first_at(connection, until, whole)
    return Bounds(first, max(first, stop), whole)


class Members(Protocol):
    """A population: leaves of the log within bounds, counted block by block."""

    @property
    def connection(self) -> Connection: ...

    @property
    def bounds(self) -> Bounds: ...

    def sums(self, blocks: range) -> Sequence[tuple[int, int]]:
        """How many lie in each `TOGETHER` of blocks, by their number, as far as they are among these; rising."""

    def each(self, blocks: range) -> Sequence[tuple[int, int]]:
        """How many lie in each of these blocks; rising. Blocks without any may be left out."""

    def size(self, block: int) -> int:
        """How many lie in one block, within the bounds."""

    def picked(self, block: int, numbers: Sequence[int]) -> list[int]:
        """Those of these numbers among them."""


class OfKind(NamedTuple):
    """Leaves of a kind: by the census, and by themselves."""

    connection: Connection
    bounds: Bounds
    kind: str

    def sums(self, blocks: range) -> Sequence[tuple[int, int]]:
        rows = self.connection.execute(_KIND_SUMS, {"kind": self.kind} | _limits(blocks))
        return [(span, int(held)) for span, held in rows]

    def each(self, blocks: range) -> Sequence[tuple[int, int]]:
        rows = self.connection.execute(_KIND_EACH, {"kind": self.kind} | _limits(blocks))
        return [(block, held) for block, held in rows]

    def size(self, block: int) -> int:
        counted = self._within(select(func.count()).select_from(leaf), block)
        return int(self.connection.execute(counted).scalar_one())

    def picked(self, block: int, numbers: Sequence[int]) -> list[int]:
        query = self._within(select(leaf.c.idx).order_by(leaf.c.idx).limit(1), block)
        return [self.connection.execute(query.offset(number)).scalar_one() for number in numbers]

    def _within(self, query: Select[Any], block: int) -> Select[Any]:
        low, high = max(self.bounds.first, block * BLOCK), min(self.bounds.stop, (block + 1) * BLOCK)
        return query.where(is_kind(self.kind), leaf.c.idx >= low, leaf.c.idx < high)


class Led(NamedTuple):
    """What a mark leads to."""

    connection: Connection
    bounds: Bounds
    mark: int

    def sums(self, blocks: range) -> Sequence[tuple[int, int]]:
        return postings.sums(self.connection, self.mark, blocks, TOGETHER)

    def each(self, blocks: range) -> Sequence[tuple[int, int]]:
        return postings.counted(self.connection, self.mark, blocks)

    def size(self, block: int) -> int:
        return len(self._within(block))

    def picked(self, block: int, numbers: Sequence[int]) -> list[int]:
        places = self._within(block)
        return [places[number] for number in numbers]

    def _within(self, block: int) -> list[int]:
        return postings.within(self.connection, self.mark, block, self.bounds.first, self.bounds.stop)


def drawn_from(members: Members, seed: str, count: int) -> Sample:
    """A sample of so many members."""
    spans = list(_spans(members))
    population = sum(held for _, held in spans)
    located = list(_located(members, spans, numbers(seed, population, count)))
    return Sample(seed, population, *members.bounds, _read(members.connection, located))


def _spans(members: Members) -> Iterator[tuple[range, int]]:
    """Blocks, and how many members they hold together; rising. Those in which the bounds lie are counted one by one."""
    first, stop, _ = members.bounds
    inner = range(-(-first // BLOCK), stop // BLOCK)
    if first // BLOCK < inner.start:
        yield _border(members, first // BLOCK)
    if inner:
        for span, held in members.sums(inner):
            yield range(max(inner.start, span * TOGETHER), min(inner.stop, (span + 1) * TOGETHER)), held
    if stop % BLOCK and stop // BLOCK >= inner.start:
        yield _border(members, stop // BLOCK)


def _border(members: Members, block: int) -> tuple[range, int]:
    return range(block, block + 1), members.size(block)


def _located(members: Members, spans: Sequence[tuple[range, int]], drawn: Sequence[int]) -> Iterator[int]:
    """Where the members of these numbers stand, rising."""
    for blocks, some in _shared(spans, drawn):
        each = [(blocks.start, members.size(blocks.start))] if len(blocks) == 1 else members.each(blocks)
        for block, among_them in _shared(each, some):
            yield from members.picked(block, among_them)


def _shared(counted: Iterable[tuple[T, int]], drawn: Sequence[int]) -> Iterator[tuple[T, list[int]]]:
    """Which parts hold the members of these numbers, and what numbers they have there."""
    left, passed = deque(drawn), 0
    for part, held in counted:
        some = []
        while left and left[0] < passed + held:
            some.append(left.popleft() - passed)
        if some:
            yield part, some
        passed += held


def _limits(blocks: range) -> dict[str, int]:
    return {"first": blocks.start, "stop": blocks.stop, "together": TOGETHER}


def _read(connection: Connection, members: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    query = select(leaf.c.idx, leaf.c.body).where(leaf.c.idx.in_(members)).order_by(leaf.c.idx)
    return [(index, read_leaf(bytes(body))) for index, body in connection.execute(query)] if members else []


_KIND_WITHIN = "FROM search_census WHERE kind = :kind AND block >= :first AND block < :stop"
_KIND_SUMS = text(f"SELECT block / :together AS span, sum(leaves) {_KIND_WITHIN} GROUP BY 1 ORDER BY 1")
_KIND_EACH = text(f"SELECT block, leaves {_KIND_WITHIN} ORDER BY block")
