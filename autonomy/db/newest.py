"""Pages of long lists: what is newest among the rows of one question or of several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, and_, tuple_

from .tx import Reader

Place = tuple[Column[Any], Column[Any]]
"""The columns of a moment and of an id, by which a list is in order."""


def newest(
    reader: Reader, queries: Sequence[Select[Any]], place: Place, count: int, before: tuple[int, str] | None = None
) -> list[Row[Any]]:
    """The `count` newest rows of all `queries` together, the newest first; from after `before` in that order.

    The rows of each question lie in order in an index, as those in one state do: asked for several states at once, the
    database would read all there are and sort them. No row answers two of the questions, and each has the columns of
    `place`.
    """
    if before is not None:
        queries = [each.where(tuple_(*place) < before) for each in queries]
    falling = [column.desc() for column in place]
    found = [row for each in queries for row in reader.execute(each.order_by(*falling).limit(count))]
    if len(queries) > 1:
        moment_and_id = itemgetter(*place)
        found.sort(key=lambda row: moment_and_id(row._mapping), reverse=True)
    return found[:count]


def by_state(
    state: Column[Any], ended_at: Column[Any], ended: Collection[str], wanted: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    """Conditions of which a row in one of the states `wanted` fulfils one: each has an index in which its rows lie in
    order. Rows in a state among `ended` have an end; of the others there are few."""
    if live := sorted(set(wanted).difference(ended)):
        yield and_(ended_at.is_(None), state.in_(live))
    for one in sorted(set(wanted).intersection(ended)):
        yield and_(ended_at.is_not(None), state == one)
