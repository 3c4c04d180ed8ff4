"""What marks lead to is found again as it was written: newest first, between bounds, counted, and let go of."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.db import CommitQueue, Database, Tx
from autonomy.insight import postings
from autonomy.insight.found import BLOCK
from autonomy.insight.postings import Postings

MARKS = (1, 2, 2**62)
SPAN = 40 * BLOCK

Model = defaultdict[int, set[int]]


@given(st.sets(st.integers(0, 3 * BLOCK - 1)))
def test_every_place_is_packed_once_and_read_in_order(seqs: set[int]) -> None:
    gathered = Postings()
    for seq in seqs:
        gathered.add((7,), seq)
    rows = gathered.rows()
    assert [block for _, block, _ in rows] == sorted({seq // BLOCK for seq in seqs})
    assert [seq for _, block, places in rows for seq in postings.unpack(block, places)] == sorted(seqs)


@pytest.fixture
def model(queue: CommitQueue) -> Model:
    """What was written, in pieces as the log grows: everywhere, seldom, and nearly only in one block."""
    chance, found = random.Random(3), defaultdict[int, set[int]](set)
    seqs = sorted([*chance.sample(range(SPAN), 1_500), *range(7 * BLOCK, 7 * BLOCK + 700)])
    for start in range(0, len(seqs), 400):
        gathered = Postings()
        for seq in dict.fromkeys(seqs[start : start + 400]):
            marks = {1} | ({2} if seq % 97 == 0 else set()) | ({2**62} if seq // BLOCK == 7 else set())
            new = {mark for mark in marks if seq not in found[mark]}
            gathered.add(new, seq)
            for mark in new:
                found[mark].add(seq)
        queue.run(lambda tx, rows=gathered.rows(): postings.write(tx, rows))
    return found


def bounds(chance: random.Random) -> tuple[int, int]:
    first, stop = sorted(chance.sample(range(SPAN + 1), 2))
    return first, stop


def test_the_newest_the_number_and_those_among_others_are_found(
    database: Database, queue: CommitQueue, model: Model
) -> None:
    chance = random.Random(5)
    with database.reading() as connection:
        for first, stop in (bounds(chance) for _ in range(20)):
            for mark in MARKS:
                led = sorted(seq for seq in model[mark] if first <= seq < stop)
                for most in (1, 30, 5_000):
                    assert postings.newest(connection, mark, stop, most, first) == led[::-1][:most]
                    later = sorted(seq for seq in model[mark] if seq >= first)
                    assert postings.oldest(connection, mark, first, most) == later[:most]
                whole = range(-(-first // BLOCK), stop // BLOCK)
                counted = postings.counted(connection, mark, whole)
                inside = [postings.within(connection, mark, block, first, stop) for block, _ in counted]
                assert [seq for each in inside for seq in each] == [seq for seq in led if seq // BLOCK in whole]
                assert [held for _, held in counted] == [len(each) for each in inside]
                spans = Counter[int]()
                for block, held in counted:
                    spans[block // 2] += held
                assert postings.sums(connection, mark, whole, 2) == sorted(spans.items())
            some = set(chance.sample(range(SPAN), 300)) | set(chance.sample(sorted(model[1]), 50))
            assert postings.among(connection, (2, 2**62), some) == some & (model[2] | model[2**62])
        assert postings.newest(connection, 1, 0, 5) == postings.newest(connection, 99, SPAN, 5) == []
        assert postings.among(connection, (1,), set()) == set()


def test_what_is_let_go_of_is_found_no_more_and_nothing_else_is_lost(
    database: Database, queue: CommitQueue, model: Model
) -> None:
    gone = {seq: {1, 2**62, 99} for seq in sorted(model[1])[::3]}

    def drop(tx: Tx) -> dict[int, set[int]]:
        postings.drop(tx, gone)
        return postings.missing(tx, {seq: {1, 2} for seq in gone} | {-1: set()})

    missing = queue.run(drop)
    assert missing == {seq: {1} | ({2} if seq not in model[2] else set()) for seq in gone}
    with database.reading() as connection:
        for mark in MARKS:
            left = {seq for seq in model[mark] if mark not in gone.get(seq, ())}
            assert set(postings.newest(connection, mark, SPAN, SPAN)) == left
        empty = connection.exec_driver_sql("SELECT count(*) FROM search_mark WHERE length(places) = 0").scalar_one()
    assert empty == 0
