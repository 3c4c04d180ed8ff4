"""Leaves of a kind are found in order wherever they lie, before and behind where the log is taken in."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from autonomy.audit.store import leaf
from autonomy.db import Database
from autonomy.insight import found
from autonomy.insight.kinds import last_of_kind, of_kind

BLOCK = found.BLOCK
LENGTH = 3 * BLOCK + 7

places = st.sets(st.integers(0, LENGTH - 1), max_size=12)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rare=places,
    kinds=st.sampled_from([("erasure", "intent"), ("intent", "denial")]),
    start=st.integers(0, LENGTH + 5),
    limit=st.integers(1, 6),
    taken=st.integers(0, LENGTH),
)
def test_leaves_of_a_kind_come_in_order_from_where_one_asks(
    database: Database, rare: set[int], kinds: tuple[str, str], start: int, limit: int, taken: int
) -> None:
    kind, other = kinds
    fill(database, rare, taken, kind, other)
    with database.reading() as connection:
        assert of_kind(connection, kind, start, limit) == sorted(at for at in rare if at >= start)[:limit]
        backwards = sorted((at for at in rare if at < start), reverse=True)
        assert last_of_kind(connection, kind, start, limit) == backwards[:limit]
        assert last_of_kind(connection, kind, None, limit) == sorted(rare, reverse=True)[:limit]


def fill(database: Database, rare: set[int], taken: int, kind: str, other: str) -> None:
    """A log in which the leaves at these places are of one kind and all others of another, taken in up to `taken`."""
    with database.writer_engine().begin() as connection:
        for table in (leaf, found.census, found.place):
            connection.execute(delete(table))
        rows = [_row(index, kind if index in rare else other) for index in sorted(rare | {0, LENGTH - 1})]
        connection.execute(insert(leaf), rows)
        connection.execute(insert(found.place).values(id=1, next=taken, forgotten=0, holder=""))
        counted = _census(sorted(at for at in rare if at < taken), kind)
        if counted:
            connection.execute(insert(found.census), counted)


def _row(index: int, kind: str) -> dict[str, object]:
    return {"idx": index, "kind": kind, "at": index, "body": b"{}", "hash": b""}


def _census(rare: Sequence[int], kind: str) -> list[dict[str, object]]:
    blocks = [at // BLOCK for at in rare]
    return [{"block": block, "kind": kind, "leaves": blocks.count(block)} for block in sorted(set(blocks))]
