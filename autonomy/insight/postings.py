"""What marks lead to: actions and other leaves, by their place in the log.

The places of one mark in one block of the log are one row, two bytes each, every one once, in no order: what is new is
appended in the store, without reading what is there.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, text

from autonomy.db import Tx
from autonomy.db.many import inserting

from .found import BLOCK, mark

WIDTH = 2  # bytes of a place within its block
MOST_KEYS = 10_000  # that a statement names
FIRST_ROWS = 8  # that a look reads at first: what is common is found in one or two

Posting = tuple[int, int, bytes]
"""A mark, a block, and packed places."""


class Postings:
    """Marks and what they lead to, gathered to be written together."""

    def __init__(self) -> None:
        self._blocks: defaultdict[int, defaultdict[int, bytearray]] = defaultdict(lambda: defaultdict(bytearray))

    def add(self, marks: Iterable[int], seq: int) -> None:
        """Let `seq` be found by the marks; nothing may be added twice."""
        block, place = divmod(seq, BLOCK)
        places, packed = self._blocks[block], place.to_bytes(WIDTH, "little")
        for one in marks:
            places[one] += packed

    def rows(self) -> list[Posting]:
        """What is to be written, in the order of the store's index."""
        return sorted(
            (one, block, bytes(places)) for block, marked in self._blocks.items() for one, places in marked.items()
        )


def unpack(block: int, places: bytes) -> list[int]:
    """The places that a row holds, rising."""
    start = block * BLOCK
    return [start + one for one in sorted(_places(places))]


def write(tx: Tx, rows: Sequence[Posting]) -> None:
    """Write what was gathered; none of it may be there already."""
    tx.write(_APPEND[tx.dialect], rows)


def missing(tx: Tx, marks: Mapping[int, Collection[int]]) -> dict[int, set[int]]:
    """Of marks that are to lead to places (`seq`: marks), those that do not yet."""
    left = {seq: set(wanted) for seq, wanted in marks.items() if wanted}
    for one, block, places in _stored(tx, left):
        for seq in unpack(block, places):
            if seq in left:
                left[seq].discard(one)
    return left


def drop(tx: Tx, marks: Mapping[int, Collection[int]]) -> None:
    """Let marks lead no more to places (`seq`: marks)."""
    kept, empty = list[Posting](), list[dict[str, int]]()
    for one, block, places in _stored(tx, marks):
        there = unpack(block, places)
        left = [seq for seq in there if one not in marks.get(seq, ())]
        if not left:
            empty.append({"mark": one, "block": block})
        elif len(left) < len(there):
            kept.append((one, block, b"".join((seq % BLOCK).to_bytes(WIDTH, "little") for seq in left)))
    tx.write(_REPLACE, kept)
    if empty:
        tx.execute(_DROP, empty)


def newest(connection: Connection, one: int, before: int, most: int, first: int = 0) -> list[int]:
    """The last `most` places, from `first` up to, not including, `before`, that a mark leads to; falling."""
    found: list[int] = []
    last, step = (before - 1) // BLOCK, FIRST_ROWS
    while len(found) < most and last >= first // BLOCK:
        values = {"mark": one, "first": first // BLOCK, "last": last, "most": step}
        rows = connection.execute(_NEWEST, values).all()
        for block, places in rows:
            found += [seq for seq in reversed(unpack(block, places)) if first <= seq < before]
        if len(rows) < step:
            break
        last, step = rows[-1][0] - 1, min(step * 4, most)
    return found[:most]


def oldest(connection: Connection, one: int, first: int, most: int) -> list[int]:
    """The first `most` places, from `first` on, that a mark leads to; rising."""
    found: list[int] = []
    start, step = first // BLOCK, FIRST_ROWS
    while len(found) < most:
        rows = connection.execute(_OLDEST, {"mark": one, "first": start, "most": step}).all()
        for block, places in rows:
            found += [seq for seq in unpack(block, places) if seq >= first]
        if len(rows) < step:
            break
        start, step = rows[-1][0] + 1, min(step * 4, most)
    return found[:most]


def sums(connection: Connection, one: int, blocks: range, together: int) -> list[tuple[int, int]]:
    """How many places a mark leads to in each `together` blocks, by their number, as far as they are among `blocks`;
    rising."""
    values = {"mark": one, "first": blocks.start, "stop": blocks.stop, "together": together}
    return [(span, int(size) // WIDTH) for span, size in connection.execute(_SUMS, values)]


def counted(connection: Connection, one: int, blocks: range) -> list[tuple[int, int]]:
    """The blocks with places that a mark leads to, among `blocks`, and how many these are; rising."""
    rows = connection.execute(_SIZES, {"mark": one, "first": blocks.start, "stop": blocks.stop})
    return [(block, size // WIDTH) for block, size in rows]


def within(connection: Connection, one: int, block: int, first: int, stop: int) -> list[int]:
    """The places of a block, from `first` up to, not including, `stop`, that a mark leads to; rising."""
    rows = connection.execute(_NEWEST, {"mark": one, "first": block, "last": block, "most": 1})
    return [seq for block, places in rows for seq in unpack(block, places) if first <= seq < stop]


def among(connection: Connection, marks: Collection[int], seqs: Collection[int]) -> set[int]:
    """Those of the places that one of the marks leads to."""
    wanted: defaultdict[int, set[int]] = defaultdict(set)
    for seq in seqs:
        wanted[seq // BLOCK].add(seq % BLOCK)
    values = {"marks": list(marks), "blocks": sorted(wanted)}
    rows = connection.execute(_AMONG, values).all() if wanted else ()
    return {block * BLOCK + one for block, places in rows for one in wanted[block].intersection(_places(places))}


def _places(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // WIDTH}H", packed)


def _stored(tx: Tx, marks: Mapping[int, Collection[int]]) -> Iterator[Posting]:
    """The rows that may lead from the marks to the places (`seq`: marks)."""
    named: defaultdict[int, set[int]] = defaultdict(set)
    for seq, wanted in marks.items():
        named[seq // BLOCK] |= set(wanted)
    for block, wanted in named.items():
        ordered = sorted(wanted)
        for start in range(0, len(ordered), MOST_KEYS):
            values = {"marks": ordered[start : start + MOST_KEYS], "blocks": [block]}
            found: list[Any] = list(tx.execute(_WHOLE, values))
            yield from ((one, block, bytes(places)) for one, places in found)


_KEYS = "(mark, block)"
_NAMES = ("mark", "block", "places")
# Of two blobs SQLite makes a text, byte for byte.
_APPENDED = {
    "sqlite": "CAST(search_mark.places || excluded.places AS BLOB)",
    "postgresql": "search_mark.places || excluded.places",
}
_APPEND = {
    dialect: inserting(mark, _NAMES, f"ON CONFLICT {_KEYS} DO UPDATE SET places = {how}")
    for dialect, how in _APPENDED.items()
}
_REPLACE = inserting(mark, _NAMES, f"ON CONFLICT {_KEYS} DO UPDATE SET places = excluded.places")
_DROP = delete(mark).where(
    mark.c.mark == bindparam("mark", type_=mark.c.mark.type),
    mark.c.block == bindparam("block", type_=mark.c.block.type),
)
_NEWEST = text(
    "SELECT block, places FROM search_mark WHERE mark = :mark AND block >= :first AND block <= :last "
    "ORDER BY block DESC LIMIT :most"
)
_OLDEST = text(
    "SELECT block, places FROM search_mark WHERE mark = :mark AND block >= :first ORDER BY block LIMIT :most"
)
_BETWEEN = "FROM search_mark WHERE mark = :mark AND block >= :first AND block < :stop"
_SUMS = text(f"SELECT block / :together AS span, sum(length(places)) {_BETWEEN} GROUP BY 1 ORDER BY 1")
_SIZES = text(f"SELECT block, length(places) {_BETWEEN} ORDER BY block")
_AMONG = text("SELECT block, places FROM search_mark WHERE mark IN :marks AND block IN :blocks").bindparams(
    bindparam("marks", expanding=True), bindparam("blocks", expanding=True)
)
_WHOLE = text("SELECT mark, places FROM search_mark WHERE mark IN :marks AND block IN :blocks").bindparams(
    bindparam("marks", expanding=True), bindparam("blocks", expanding=True)
)
