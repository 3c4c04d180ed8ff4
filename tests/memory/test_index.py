"""The index: a search sees the shelves it names and no others, is answered by the index, and stays in bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from autonomy.db import Database
from autonomy.memory import index, ranking, store
from autonomy.memory.words import MAX_LENGTH, Marks, mark, words
from tests.memory.team import team

MARKS = Marks(b"k" * 32)


async def test_a_search_is_answered_by_the_full_text_index_of_postgresql(
    tmp_path: Path, migrated_postgres_url: str
) -> None:
    async with team(tmp_path, migrated_postgres_url) as it:
        await it.write("seller", "customers", "lenses")
        with it.system.database.reading() as connection:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            query = f"EXPLAIN SELECT seq FROM memory_item WHERE {store.TSVECTOR} @@ 'a & s1'::tsquery"
            plan = " ".join(connection.execute(text(query)).scalars())
    assert "memory_item_marks" in plan


async def test_a_common_word_is_answered_by_its_newest_items_of_each_shelf(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        for space in ("customers", "company"):
            for number in range(3):
                await it.write("seller", space, f"note {number} common")
        shelves = {
            shelf.space: shelf.id for shelf in (await it.system.database.read(it.system.own.memory.shelves.of)).values()
        }
        marks = it.system.own.memory.marks_of(["common"])
        both = await it.system.database.read(lambda reader: index.find(reader, list(shelves.values()), marks))
        one = await it.system.database.read(lambda reader: index.find(reader, [shelves["customers"]], marks))
        assert len([seq for number, seq in both if number == 0]) == 6
        assert [seq for number, seq in one if number == 0] == [3, 2, 1]


@pytest.mark.parametrize(
    "asked", ["common", "common usual", "common rare", "usual common rare", "usual rare", "common never"]
)
async def test_what_has_all_words_is_found_however_common_they_are(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(index, "MOST", 4)
    monkeypatch.setattr(index, "LEAST", 4)
    said = [
        f"{'common' if n else ''} {'usual' if n % 2 else ''} {'rare' if n in (3, 4, 9) else ''} n{n}" for n in range(12)
    ]
    async with team(tmp_path, database_url) as it:
        for text_of_item in said:
            await it.write("seller", "customers", text_of_item)
        shelves = list(await it.system.database.read(it.system.own.memory.shelves.of))
        marks = it.system.own.memory.marks_of(asked.split())
        found = await it.system.database.read(lambda reader: index.find(reader, shelves, marks))
    having = [n + 1 for n, words in enumerate(said) if set(asked.split()) <= set(words.split())]
    together = sorted((seq for number, seq in found if number == len(marks)), reverse=True)
    assert together == sorted(having, reverse=True)[:4]


@pytest.mark.parametrize(
    "asked", ["half", "half third", "half fifth old", "third needle", "old", "half old", "third late"]
)
async def test_the_newest_answer_a_question_however_long_ago_they_were_written(
    database: Database, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(index, "MOST", 4)
    monkeypatch.setattr(index, "LEAST", 4)
    monkeypatch.setattr(index, "RARE", 12)
    said = [_said(number) for number in range(1, 101)]
    with database.writer_engine().begin() as connection:
        rows = [_row(number, marks) for number, marks in enumerate(said, start=1)]
        connection.execute(insert(store.item), rows)
        index.restore(connection)
    for _ in range(3):
        with database.reading() as reading:
            found = index.find(reading, [1], asked.split())
        assert found
        for question, marks in enumerate([*([each] for each in asked.split()), asked.split()]):
            having = [row["seq"] for row, has in zip(rows, said, strict=True) if has.issuperset(marks)]
            told = sorted((seq for number, seq in found if number == question), reverse=True)
            assert told == sorted(having, reverse=True)[:4], marks


def _said(number: int) -> frozenset[str]:
    """What an item bears: common marks, a rare one, one that was common once, and one that is common of late."""
    common = {"half": number % 2 == 0, "third": number % 3 == 0, "fifth": number % 5 == 0}
    rare = {"needle": number == 51, "old": number < 40, "late": number > 95}
    return frozenset(mark for mark, has in (common | rare).items() if has)


def _row(number: int, marks: frozenset[str]) -> dict[str, Any]:
    """An item that has a block to itself."""
    words = ("space", "author", "revision", "source", "case_id", "subject")
    figures = {
        "shelf": 1,
        "untrusted": 0,
        "at": number,
        "reused": 0,
        "generation": 1,
        "box": b"",
        "id": f"mem_{number}",
    }
    return {"seq": number << store.BLOCK_BITS, "marks": " ".join(sorted(marks)), **dict.fromkeys(words, "x"), **figures}


async def test_the_index_is_merged_and_finds_what_it_found(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        for number in range(20):
            await it.write("seller", "customers", f"note number{number}")
        await it.system.queue.perform(index.tend)
        assert await it.found("helper", "number7") == ["note number7"]
        item = (await it.done("helper", "memory.search", query="number7"))["items"][0]["item"]
        await it.done("seller", "memory.forget", space="customers", item=item)
        await it.system.queue.perform(index.tend)
        assert await it.found("helper", "number7") == []


@given(st.text(max_size=200))
def test_any_text_has_words_and_marks_of_twelve_letters(said: str) -> None:
    found = list(words(said))
    assert all(0 < len(word) <= MAX_LENGTH for word in found)
    assert all(len(each) == 12 and each.isalpha() and each.isascii() for each in MARKS.of([said]))
    assert MARKS.of([said]) == MARKS.of([said.upper().lower()]) or said.upper().lower() != said


def test_marks_tell_nothing_without_the_key() -> None:
    assert mark(b"a" * 32, "word") == mark(b"a" * 32, "word") != mark(b"b" * 32, "word")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=60, unique=True))
def test_what_has_all_words_comes_before_what_has_some(found: list[tuple[int, int]]) -> None:
    marks = ["a", "b", "c"]
    best, weights = ranking.shortlist(found, marks, 100)
    full = {seq for number, seq in found if number == 3}
    assert set(best) == {seq for _, seq in found}
    assert set(best[: len(full)]) == full or any(
        {number for number, seq in found if seq == each} >= {0, 1, 2} for each in best[: len(full)]
    )
    assert all(weight > 0 for weight in weights.values())
    assert ranking.score([*marks, "x"], weights) > ranking.score(["a", "b", "x", "y"], weights)
