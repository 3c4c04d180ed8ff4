"""Reads the figures: of everything, or by agent, revision, role, workflow, unit; over a time, or bucket by bucket."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Select, func, select

from autonomy.catalog import Catalog
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.store import bodies
from autonomy.db import Database
from autonomy.kernel.clock import DAY, HOUR, Clock
from autonomy.kernel.errors import Invalid

from . import worth
from .cells import DAYS, HOURS, figure
from .counting import ALL, COUNTERS, POST
from .kpis import Baseline, figures
from .reckoning import behind_of

By = Literal["all", "agent", "revision", "role", "workflow", "unit"]
Bucket = Literal["hour", "day"]

MAX_BUCKETS = 1_000  # of one question: six weeks of hours, almost three years of days
MAX_UNITS = 10_000
DEFAULT_DAYS = 30
HOURS_UP_TO = 3 * DAY  # times up to this length are answered in hours where nobody asks for days

Sums = dict[str, int]
Values = Mapping[str, int | None]
Read = Callable[[str, Sequence[str]], dict[str, Sums]]
"""Some counters of a dimension, by name."""


@dataclass(frozen=True, slots=True)
class Time:
    """From `since` until before `until` (milliseconds), both at the border of a `bucket`."""

    since: int
    until: int
    bucket: Bucket

    @property
    def width(self) -> int:
        """Milliseconds of a bucket."""
        return HOUR if self.bucket == "hour" else DAY

    @property
    def span(self) -> str:
        """How its buckets are called where they lie."""
        return HOURS if self.bucket == "hour" else DAYS

    @property
    def before(self) -> Time:
        """The time of the same length that ends where this one begins."""
        return Time(max(0, 2 * self.since - self.until), self.since, self.bucket)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the figures are behind the log: `behind` leaves, and by the age of the oldest of these (milliseconds)."""

    counted: int
    size: int
    behind: int
    ms: int


class Only(NamedTuple):
    """Of one dimension some names."""

    dimension: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one `key`, what they are made of, and the same figures of the time before."""

    key: str
    values: Values
    sums: Mapping[str, int]
    before: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of the bucket that begins at `start`."""

    start: int
    values: Values


class Figures:
    """Blocks: call it from a thread."""

    def __init__(self, database: Database, catalog: Catalog, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._roles: dict[str, str] = {}

    def time(self, since: int | None, until: int | None, bucket: Bucket | None) -> Time:
        """The buckets that hold a time; the last 30 days where nobody says which. Raises Invalid (`insight.time`)."""
        return time_of(since, until, bucket, self._clock())

    def lag(self) -> Lag:
        """How far the figures are behind the log."""
        with self._database.reading() as connection:
            found = behind_of(connection)
        ms = 0 if found.oldest_at is None else max(0, self._clock() - found.oldest_at)
        return Lag(found.counted, found.size, found.size - found.counted, ms)

    def page(self, by: By, time: Time, after: str | None, limit: int) -> tuple[list[Line], str | None]:
        """The figures of the first `limit` who had any in this time or the one before, by name, from after the name
        `after` on; and the name to go on from, none where the list ends."""
        with self._database.reading() as connection:
            names = self._names(connection, by, time, after, limit + 1)
            kept = names[:limit]
            found = self._lines(connection, by, time, kept)
        return [found[name] for name in kept if name in found], kept[-1] if len(names) > limit else None

    def line(self, by: By, key: str, time: Time) -> Line:
        """The figures of one; all nothing where there was nothing."""
        return self.lines(by, [key], time)[0]

    def lines(self, by: By, keys: Sequence[str], time: Time) -> list[Line]:
        """The same of several, in their order."""
        with self._database.reading() as connection:
            found = self._lines(connection, by, time, keys)
        return [found[key] for key in keys]

    def sums(self, time: Time) -> Mapping[str, int]:
        """What the figures of everything are made of."""
        with self._database.reading() as connection:
            return Whole(connection, time, None)(ALL, COUNTERS).get(ALL) or _nothing()

    def points(self, by: By, key: str, time: Time) -> list[Point]:
        """The figures of one, bucket by bucket."""
        organisation = self._catalog.organisation()
        with self._database.reading() as connection:
            buckets = Buckets(connection, time, key, _only(organisation, by, [key]))
            return [
                Point(start, self._counted(connection, organisation, by, [key], partial(buckets.of, start)).values(key))
                for start in range(time.since, time.until, time.width)
            ]

    def _lines(self, connection: Connection, by: By, time: Time, names: Sequence[str]) -> dict[str, Line]:
        organisation = self._catalog.organisation()
        only = _only(organisation, by, names)
        read = (Whole(connection, each, only) for each in (time, time.before))
        now, before = (self._counted(connection, organisation, by, names, each) for each in read)
        return {name: Line(name, now.values(name), now.of(name), before.values(name)) for name in names}

    def _names(self, connection: Connection, by: By, time: Time, after: str | None, limit: int) -> list[str]:
        """The first names after `after` that have figures in this time or the one before."""
        if by != "unit":
            return _names(connection, by, time, after, limit)
        organisation = self._catalog.organisation()
        own = _names(connection, by, time, None, MAX_UNITS)
        every = {unit for name in own for unit in organisation.lineage(name) or (name,)}
        return sorted(name for name in every if after is None or name > after)[:limit]

    def _counted(
        self, connection: Connection, organisation: Organisation, by: By, names: Sequence[str], read: Read
    ) -> _Counted:
        """Sums of `names`, and how to find what they would have cost people."""
        of_role = partial(worth.of_role, organisation)
        own = read(by, COUNTERS)
        if by == "role":
            return _Counted(own, of_role)
        if by == "workflow":
            return _Counted(own, partial(worth.of_workflow, organisation))
        if by == "agent":
            first = partial(worth.first_role, organisation)
            return _Counted(own, lambda name, sums: of_role(first(name), sums))
        if by == "revision":
            roles = self._first_roles(connection, own)
            return _Counted(own, lambda name, sums: of_role(roles.get(name, ""), sums))
        posts, workflows = read(POST, worth.OF_POSTS), read("workflow", worth.OF_WORKFLOWS)
        if by == "unit":
            together = partial(worth.of_everything, organisation, posts, workflows)
            return _Counted(_rolled_up(organisation, own, names), lambda name, _: together(name))
        worth_of_all = worth.of_everything(organisation, posts, workflows)
        return _Counted(own, lambda _name, _sums: worth_of_all)

    def _first_roles(self, connection: Connection, digests: Iterable[str]) -> Mapping[str, str]:
        """The first role of agents in certain wordings, which never change."""
        unknown = [digest for digest in digests if digest not in self._roles]
        for digest, body in bodies(connection, unknown).items():
            self._roles[digest] = json.loads(body)["spec"]["roles"][0]
        return self._roles


@dataclass(frozen=True, slots=True)
class _Counted:
    """Sums by name, and what they would have cost people."""

    sums: Mapping[str, Sums]
    baseline: Callable[[str, Sums], Baseline]

    def of(self, name: str) -> Sums:
        return self.sums.get(name) or _nothing()

    def values(self, name: str) -> Values:
        found = self.of(name)
        return figures(found, self.baseline(name, found))


class Whole:
    """Sums of a whole time; with `only` of these names, where a dimension has them."""

    def __init__(self, connection: Connection, time: Time, only: Only | None) -> None:
        self._connection = connection
        self._time = time
        self._only = only

    def __call__(self, dimension: str, counters: Sequence[str]) -> dict[str, Sums]:
        sums = [func.sum(figure.c[name]) for name in counters]
        query = _query(dimension, self._time, self._only, [figure.c.key, *sums]).group_by(figure.c.key)
        return {row[0]: _sums(counters, map(int, row[1:])) for row in self._connection.execute(query)}


class Buckets:
    """Sums bucket by bucket, each dimension read once. Of the dimension of which `only` some are wanted they are added
    up by the database, under the name `key`."""

    def __init__(self, connection: Connection, time: Time, key: str, only: Only | None) -> None:
        self._connection = connection
        self._time = time
        self._key = key
        self._only = only
        self._found: dict[str, dict[int, dict[str, Sums]]] = {}

    def of(self, start: int, dimension: str, counters: Sequence[str]) -> dict[str, Sums]:
        """The sums of the bucket that begins at `start`."""
        if dimension not in self._found:
            is_one = self._only is not None and self._only.dimension == dimension
            self._found[dimension] = self._one(dimension, counters) if is_one else self._each(dimension, counters)
        return self._found[dimension].get(start, {})

    def _one(self, dimension: str, counters: Sequence[str]) -> dict[int, dict[str, Sums]]:
        sums = [func.sum(figure.c[name]) for name in counters]
        query = _query(dimension, self._time, self._only, [figure.c.start, *sums]).group_by(figure.c.start)
        rows = self._connection.execute(query)
        return {start: {self._key: _sums(counters, map(int, values))} for start, *values in rows}

    def _each(self, dimension: str, counters: Sequence[str]) -> dict[int, dict[str, Sums]]:
        """Each row as it lies there: a bucket has one of a name."""
        found: defaultdict[int, dict[str, Sums]] = defaultdict(dict)
        columns = [figure.c.start, figure.c.key, *(figure.c[name] for name in counters)]
        for start, key, *values in self._connection.execute(_query(dimension, self._time, self._only, columns)):
            found[start][key] = _sums(counters, values)
        return found


def _names(connection: Connection, by: By, time: Time, after: str | None, limit: int) -> list[str]:
    """The first names after `after` that have figures in this time or the one before."""
    columns = figure.c
    query = (
        select(columns.key)
        .distinct()
        .where(
            columns.dimension == by,
            columns.span == time.span,
            columns.start >= time.before.since,
            columns.start < time.until,
        )
    )
    if after is not None:
        query = query.where(columns.key > after)
    return list(connection.execute(query.order_by(columns.key).limit(limit)).scalars())


def _only(organisation: Organisation, by: By, names: Sequence[str]) -> Only | None:
    """The names that must be read of the dimension `by`; None for everything."""
    if by != "unit":
        return None if by == ALL else Only(by, names)
    wanted = set(names)
    below = (unit for unit in organisation.all("Unit") if not wanted.isdisjoint(organisation.lineage(unit)))
    return Only(by, sorted({*wanted, *below}))


def _query(dimension: str, time: Time, only: Only | None, wanted: Sequence[Any]) -> Select[Any]:
    columns = figure.c
    query = select(*wanted).where(
        columns.dimension == dimension,
        columns.span == time.span,
        columns.start >= time.since,
        columns.start < time.until,
    )
    return query.where(columns.key.in_(only.names)) if only and only.dimension == dimension else query


def _sums(counters: Sequence[str], values: Iterable[int]) -> Sums:
    return dict(zip(counters, values, strict=True))


def time_of(since: int | None, until: int | None, bucket: Bucket | None, now: int) -> Time:
    """The whole buckets that hold a time. Raises Invalid (`insight.time`) where there are none, or too many."""
    end = now + 1 if until is None else until
    start = max(0, end - DEFAULT_DAYS * DAY) if since is None else since
    if start >= end:
        raise Invalid("the time ends before it begins", code="insight.time", hint="`since` lies before `until`")
    named = bucket or ("hour" if end - start <= HOURS_UP_TO else "day")
    width = HOUR if named == "hour" else DAY
    found = Time(start - start % width, -(-end // width) * width, named)
    if (found.until - found.since) // width > MAX_BUCKETS:
        raise Invalid(f"more than {MAX_BUCKETS} times a {named}", code="insight.time", hint="ask for a shorter time")
    return found


def _rolled_up(organisation: Organisation, units: Mapping[str, Sums], names: Sequence[str]) -> dict[str, Sums]:
    """The sums of `names`: what is of a unit is of every unit above it too; of a unit that is no longer declared only
    of itself."""
    found = {name: _nothing() for name in names}
    for unit, sums in units.items():
        for above in organisation.lineage(unit) or (unit,):
            if above in found:
                _add(found[above], sums)
    return found


def _nothing() -> Sums:
    return dict.fromkeys(COUNTERS, 0)


def _add(into: Sums, sums: Mapping[str, int]) -> None:
    for name, value in sums.items():
        if value:
            into[name] += value
