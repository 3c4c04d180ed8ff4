"""A sample has the members of the numbers that were drawn, wherever the bounds lie and however far the members."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert

from autonomy.audit.store import leaf
from autonomy.db import Database
from autonomy.insight import found
from autonomy.insight.found import BLOCK
from autonomy.insight.postings import Postings
from autonomy.insight.sampling import TOGETHER, Bounds, Led, Members, OfKind, drawn_from, numbers

LENGTH = (2 * TOGETHER + 30) * BLOCK
MARK = 7
KINDS = ("erasure", "intent")

near = st.integers(0, 3 * BLOCK)
far = st.integers(0, LENGTH - 1)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.sets(near | far, min_size=1, max_size=30),
    ends=st.tuples(near | far, near | far),
    is_whole=st.booleans(),
    count=st.integers(1, 40),
    kind=st.sampled_from(KINDS),
)
def test_the_members_of_the_drawn_numbers_are_found(
    database: Database, places: set[int], ends: tuple[int, int], is_whole: bool, count: int, kind: str
) -> None:
    first, stop = (0, LENGTH) if is_whole else sorted(ends)
    fill(database, places, kind)
    wanted = [place for place in sorted(places) if first <= place < stop]
    with database.reading() as connection:
        for members in populations(connection, Bounds(first, stop, LENGTH), kind):
            sample = drawn_from(members, "seed", count)
            assert sample.population == len(wanted)
            drawn = [wanted[number] for number in numbers("seed", len(wanted), count)]
            assert [index for index, _ in sample.leaves] == drawn


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_long_log_the_database_counts_and_hands_over_few_rows(database: Database, kind: str) -> None:
    places = set(range(5, LENGTH, BLOCK))
    fill(database, places, kind)
    whole = range(LENGTH // BLOCK)
    with database.reading() as connection:
        for members in populations(connection, Bounds(0, LENGTH, LENGTH), kind):
            assert members.sums(whole) == [(0, TOGETHER), (1, TOGETHER), (2, len(whole) - 2 * TOGETHER)]
            assert drawn_from(members, "seed", 3).population == len(places)


def populations(connection: Connection, bounds: Bounds, kind: str) -> tuple[Members, Members]:
    return OfKind(connection, bounds, kind), Led(connection, bounds, MARK)


def fill(database: Database, places: set[int], kind: str) -> None:
    """A log of which only the leaves at these places are there, of one kind and under one mark."""
    led, rows = Postings(), []
    blocks = [place // BLOCK for place in places]
    for place in sorted(places):
        led.add((MARK,), place)
        rows.append({"idx": place, "kind": kind, "at": place, "body": b"{}", "hash": b""})
    census = [{"block": block, "kind": kind, "leaves": blocks.count(block)} for block in sorted(set(blocks))]
    marks = [{"mark": mark, "block": block, "places": packed} for mark, block, packed in led.rows()]
    with database.writer_engine().begin() as connection:
        for table, values in ((leaf, rows), (found.census, census), (found.mark, marks)):
            connection.execute(delete(table))
            connection.execute(insert(table), values)
