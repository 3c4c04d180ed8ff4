"""Where the figures lie: sums by hour and day, what has to be remembered to go on counting, and how far was counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, bindparam, delete, select, text

from autonomy.audit.store import head, leaf
from autonomy.db import Reader, metadata
from autonomy.db.many import Many, inserting
from autonomy.kernel.clock import DAY
from autonomy.kernel.interpreter import giving_way

from .counting import COUNTERS, KINDS, Begun, Case, Cell, Memory, Needs, Open, Said, Sums, Who, begun_of, read_said

HOURS, DAYS = "hour", "day"

figure = Table(
    "figure",
    metadata,
    Column("dimension", Text, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in COUNTERS),
)
"""Sums of an hour or a day (UTC) that begins at `start`; of a dimension and of one in it."""
Index("figure_key", figure.c.dimension, figure.c.key, figure.c.span, figure.c.start)

figure_case = Table(
    "figure_case",
    metadata,
    Column("id", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("met", Text, nullable=False),
)
"""Cases, so that each is counted once for everybody it meets."""

figure_open = Table(
    "figure_open",
    metadata,
    Column("id", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
)
"""What is under way: approvals, runs, tasks that somebody has."""

figure_person = Table(
    "figure_person",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""When each person was last seen to do something."""

figure_place = Table(
    "figure_place",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""The next leaf to be counted (`log`) or looked at for checks, and which process counts until when."""

TABLES = (figure, figure_case, figure_open, figure_person)
"""What can be counted again from the log."""

PLACE = "log"

T = TypeVar("T")
Row = dict[str, Any]


def said_between(connection: Connection, start: int, stop: int) -> list[Said]:
    """What counting reads of the leaves from `start` up to, not including, `stop`."""
    rows = connection.execute(_BODIES, {"start": start, "stop": stop}).scalars()
    return [read_said(bytes(body)) for body in giving_way(rows)]


def begun_in_log(connection: Connection, actions: Collection[str], before: int) -> dict[str, Begun]:
    """The intents, among the leaves before the one of this index, of actions."""
    if not actions:
        return {}
    columns = leaf.c
    query = select(columns.action, columns.body).where(
        columns.action.in_(sorted(actions)), columns.kind == "intent", columns.idx < before
    )
    rows = connection.execute(query.order_by(columns.idx))
    return {action: begun_of(read_said(bytes(body))) for action, body in rows}


def log_size(connection: Reader) -> int:
    """How many leaves there are."""
    return int(connection.execute(select(head.c.size)).scalar_one())


class Writer(Protocol):
    """Where figures are written: the store, or a place of their own."""

    def execute(self, statement: Any, values: Any = None) -> Any:
        """Run a statement."""

    def write(self, many: Many, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write many rows at once."""


def begun(connection: Connection, needs: Needs, before: int, known: Memory) -> dict[str, Begun]:
    """The intents that are needed: what is `known`, and for the rest what the log says before this leaf."""
    rest = needs.actions - known.begun.keys()
    return _part(known.begun, needs.actions) | begun_in_log(connection, rest, before)


def remembered(connection: Connection, needs: Needs, known: Memory) -> Memory:
    """What is remembered of what is needed, intents left out: what is `known`, and for the rest what the tables say."""
    cases = _among(connection, figure_case, figure_case.c.id, needs.cases - known.cases.keys())
    opened = _among(connection, figure_open, figure_open.c.id, needs.open - known.open.keys())
    people = _among(connection, figure_person, figure_person.c.name, needs.people - known.people.keys())
    return Memory(
        begun={},
        cases=_part(known.cases, needs.cases)
        | {row.id: Case(row.last, frozenset(row.met.split("\n"))) for row in cases},
        open=_part(known.open, needs.open) | {row.id: Open(_who(row.who), row.at, row.asked) for row in opened},
        people=_part(known.people, needs.people) | {row.name: row.at for row in people},
    )


def add(tx: Writer, sums: Mapping[Cell, Sums]) -> None:
    """Add sums to the hours and days they belong to."""
    # Of forty counters a batch has ten: naming the others in every row would cost most of the writing.
    names = tuple(name for name in COUNTERS if any(name in counted for counted in sums.values()))
    if sums:
        tx.write(_adding(names), [tuple(row.values()) for row in figure_rows(sums, names)])


def remember(tx: Writer, before: Memory, after: Memory) -> None:
    """Keep what has changed in memory."""
    cases = [_case_row(id, case) for id, case in after.cases.items() if before.cases.get(id) != case]
    opened = [_open_row(id, one) for id, one in after.open.items() if one is not None and before.open.get(id) != one]
    over = [id for id, one in after.open.items() if one is None and before.open.get(id) is not None]
    people = [{"name": name, "at": at} for name, at in after.people.items() if before.people.get(name) != at]
    for table, rows in ((figure_case, cases), (figure_open, opened), (figure_person, people)):
        tx.write(_PUT[table.name], [tuple(row.values()) for row in rows])
    if over:
        tx.execute(delete(figure_open).where(figure_open.c.id == bindparam("over")), [{"over": id} for id in over])


def figure_rows(sums: Mapping[Cell, Sums], names: Sequence[str] = COUNTERS) -> list[Row]:
    """The rows that sums of hours make, with the counters `names`: their hours and the days these are in, always in the
    same order, so that two processes never wait for each other's rows."""
    nothing = dict.fromkeys(names, 0)
    found: dict[tuple[str, str, int, str], Row] = {}
    for (dimension, key, hour), counted in sums.items():
        for span, start in ((HOURS, hour), (DAYS, hour - hour % DAY)):
            place = (dimension, span, start, key)
            row = found.get(place)
            if row is None:
                row = found[place] = dict(nothing, dimension=dimension, span=span, start=start, key=key)
            for name, value in counted.items():
                row[name] += value
    return [found[place] for place in sorted(found)]


def _part(known: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: known[name] for name in names if name in known}


def _among(connection: Connection, table: Table, column: Any, names: Collection[str]) -> Sequence[Any]:
    return connection.execute(select(table).where(column.in_(sorted(names)))).all() if names else ()


def _case(row: Any) -> Case:
    return Case(row.last, frozenset(row.met.split("\n")))


def _case_row(id: str, case: Case) -> Row:
    return {"id": id, "last": case.last, "met": "\n".join(sorted(case.met))}


def _open_row(id: str, one: Open) -> Row:
    return {"id": id, "who": msgspec.json.encode(one.who).decode(), "at": one.at, "asked": one.asked}


def _who(text: str) -> Who:
    return msgspec.json.decode(text, type=Who)


_BODIES = text("SELECT body FROM leaf WHERE idx >= :start AND idx < :stop AND kind IN :kinds ORDER BY idx").bindparams(
    bindparam("kinds", KINDS, expanding=True)
)
"""As text: what is read most is then handed over as the driver has it, for half the work."""


@lru_cache(maxsize=64)
def _adding(names: tuple[str, ...]) -> Many:
    added = ", ".join(f'"{name}" = figure."{name}" + excluded."{name}"' for name in names)
    conflict = f"ON CONFLICT (dimension, span, start, key) DO UPDATE SET {added}"
    return inserting(figure, (*names, "dimension", "span", "start", "key"), conflict)


def _putting(table: Table) -> Many:
    key, *others = (column.name for column in table.columns)
    changed = ", ".join(f"{name} = excluded.{name}" for name in others)
    return inserting(table, (key, *others), f"ON CONFLICT ({key}) DO UPDATE SET {changed}")


_PUT = {table.name: _putting(table) for table in TABLES[1:]}
