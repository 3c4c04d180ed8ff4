"""Reads the figures: of everything, or by agent, revision, role, workflow, unit; over a time, or bucket by bucket."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, func, select

from autonomy.catalog import Catalog
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.store import bodies
from autonomy.db import Database
from autonomy.kernel.clock import DAY, HOUR, Clock
from autonomy.kernel.errors import Invalid

from . import worth
from .cells import DAYS, HOURS, figure
from .counting import ALL, COUNTERS
from .following import behind_of
from .kpis import Baseline, figures

By = Literal["all", "agent", "revision", "role", "workflow", "unit"]
Bucket = Literal["hour", "day"]

MAX_BUCKETS = 1_000  # of one question: six weeks of hours, almost three years of days
DEFAULT_DAYS = 30
HOURS_UP_TO = 3 * DAY  # times up to this length are answered in hours where nobody asks for days

Sums = dict[str, int]
Values = Mapping[str, int | None]
Read = Callable[[str], dict[str, Sums]]
"""Sums of a dimension by name."""


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
        self._roles: dict[str, tuple[str, ...]] = {}

    def time(self, since: int | None, until: int | None, bucket: Bucket | None) -> Time:
        """The buckets that hold a time; the last 30 days where nobody says which. Raises Invalid (`insight.time`)."""
        return time_of(since, until, bucket, self._clock())

    def lag(self) -> Lag:
        """How far the figures are behind the log."""
        with self._database.reading() as connection:
            found = behind_of(connection)
        ms = 0 if found.oldest_at is None else max(0, self._clock() - found.oldest_at)
        return Lag(found.counted, found.size, found.size - found.counted, ms)

    def lines(self, by: By, time: Time) -> dict[str, Line]:
        """The figures of everybody who had any in this time or the one before, by name."""
        return self._lines(by, time, None)

    def line(self, by: By, key: str, time: Time) -> Line:
        """The figures of one; all nothing where there was nothing."""
        found = self._lines(by, time, key).get(key)
        return found or Line(key, figures(_nothing(), worth.NONE), _nothing(), figures(_nothing(), worth.NONE))

    def sums(self, time: Time) -> Mapping[str, int]:
        """What the figures of everything are made of."""
        with self._database.reading() as connection:
            return _Whole(connection, time, ALL)(ALL).get(ALL) or _nothing()

    def points(self, by: By, key: str, time: Time) -> list[Point]:
        """The figures of one, bucket by bucket."""
        organisation, only = self._catalog.organisation(), _only(by, key)
        with self._database.reading() as connection:
            buckets = _Buckets(connection, time, only)
            return [
                Point(start, self._counted(connection, organisation, by, partial(buckets.of, start)).values(key))
                for start in range(time.since, time.until, time.width)
            ]

    def _lines(self, by: By, time: Time, key: str | None) -> dict[str, Line]:
        organisation, only = self._catalog.organisation(), _only(by, key)
        with self._database.reading() as connection:
            now, before = (
                self._counted(connection, organisation, by, _Whole(connection, each, only))
                for each in (time, time.before)
            )
            names = sorted({*now.sums, *before.sums})
            return {name: Line(name, now.values(name), now.of(name), before.values(name)) for name in names}

    def _counted(self, connection: Connection, organisation: Organisation, by: By, read: Read) -> _Counted:
        """Sums by name, and how to find what they would have cost people."""
        if by == "role":
            found = self._by_role(connection, read)
            return _Counted(found, lambda name, sums: worth.of_roles(organisation, [name], sums))
        if by == "workflow":
            return _Counted(read("workflow"), lambda name, sums: worth.of_workflow(organisation, name, sums))
        if by == "agent":
            held = partial(worth.roles_of, organisation)
            return _Counted(read("agent"), lambda name, sums: worth.of_roles(organisation, held(name), sums))
        if by == "revision":
            revisions = read("revision")
            roles = self._roles_of(connection, revisions)
            return _Counted(revisions, lambda name, sums: worth.of_roles(organisation, roles.get(name, ()), sums))
        if by == "unit":
            return _Counted(_rolled_up(organisation, read("unit")), _Units(organisation, read))
        return _Counted(read(ALL), lambda _name, _sums: _together(organisation, read))

    def _by_role(self, connection: Connection, read: Read) -> dict[str, Sums]:
        """Tasks say their role; actions belong to every role that the agent's declaration of then gives it."""
        found: defaultdict[str, Sums] = defaultdict(_nothing)
        revisions = read("revision")
        roles = self._roles_of(connection, revisions)
        each = [(role, sums) for digest, sums in revisions.items() for role in roles.get(digest, ())]
        for role, sums in [*each, *read("role").items()]:
            _add(found[role], sums)
        return dict(found)

    def _roles_of(self, connection: Connection, digests: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        unknown = [digest for digest in digests if digest not in self._roles]
        for digest, body in bodies(connection, unknown).items():
            self._roles[digest] = tuple(json.loads(body)["spec"]["roles"])
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


class _Whole:
    """Sums of a whole time, each dimension read once; with `only` of this name only."""

    def __init__(self, connection: Connection, time: Time, only: str | None) -> None:
        self._connection = connection
        self._time = time
        self._only = only
        self._found: dict[str, dict[str, Sums]] = {}

    def __call__(self, dimension: str) -> dict[str, Sums]:
        if dimension not in self._found:
            rows = self._connection.execute(_query(dimension, self._time, self._only).group_by(figure.c.key))
            self._found[dimension] = {row.key: _sums(row) for row in rows}
        return self._found[dimension]


class _Buckets:
    """Sums bucket by bucket, each dimension read once."""

    def __init__(self, connection: Connection, time: Time, only: str | None) -> None:
        self._connection = connection
        self._time = time
        self._only = only
        self._found: dict[str, dict[int, dict[str, Sums]]] = {}

    def of(self, start: int, dimension: str) -> dict[str, Sums]:
        """The sums of the bucket that begins at `start`."""
        if dimension not in self._found:
            self._found[dimension] = self._read(dimension)
        return self._found[dimension].get(start, {})

    def _read(self, dimension: str) -> dict[int, dict[str, Sums]]:
        found: defaultdict[int, dict[str, Sums]] = defaultdict(dict)
        query = _query(dimension, self._time, self._only).add_columns(figure.c.start)
        for row in self._connection.execute(query.group_by(figure.c.key, figure.c.start)):
            found[row.start][row.key] = _sums(row)
        return found


@dataclass(frozen=True, slots=True)
class _Units:
    """The baseline of a unit: of the agents and workflows that belong to it now, or to a unit below."""

    organisation: Organisation
    read: Read

    def __call__(self, name: str, _sums: Sums) -> Baseline:
        return _together(self.organisation, self.read, name)


def _together(organisation: Organisation, read: Read, unit: str | None = None) -> Baseline:
    """The baseline of everything, or of everything of a unit. Who declares no baseline costs no reading."""
    agents = read("agent") if worth.any_of(organisation, "Role") else {}
    workflows = read("workflow") if worth.any_of(organisation, "Workflow") else {}
    if unit is not None:
        of_unit = partial(worth.belongs, organisation, unit)
        agents = {name: sums for name, sums in agents.items() if of_unit("Agent", name)}
        workflows = {name: sums for name, sums in workflows.items() if of_unit("Workflow", name)}
    return worth.of_everything(organisation, agents, workflows)


def _only(by: By, key: str | None) -> str | None:
    """The one name that must be read; None where several make up the figures of one."""
    return key if by in ("agent", "revision", "workflow") else None


def _query(dimension: str, time: Time, only: str | None) -> Select[Any]:
    columns = figure.c
    query = select(columns.key, *(func.sum(columns[name]).label(name) for name in COUNTERS)).where(
        columns.dimension == dimension,
        columns.span == (HOURS if time.bucket == "hour" else DAYS),
        columns.start >= time.since,
        columns.start < time.until,
    )
    return query if only is None else query.where(columns.key == only)


def _sums(row: Row[Any]) -> Sums:
    return {name: int(row._mapping[name]) for name in COUNTERS}


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


def _rolled_up(organisation: Organisation, units: Mapping[str, Sums]) -> dict[str, Sums]:
    """What is of a unit is of every unit above it too; of a unit that is no longer declared only of itself."""
    found: defaultdict[str, Sums] = defaultdict(_nothing)
    for name, sums in units.items():
        for unit in organisation.lineage(name) or (name,):
            _add(found[unit], sums)
    return dict(found)


def _nothing() -> Sums:
    return dict.fromkeys(COUNTERS, 0)


def _add(into: Sums, sums: Mapping[str, int]) -> None:
    for name, value in sums.items():
        into[name] += value
