"""No single writer takes the room of a space, and room that nothing fills any more is free again."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from autonomy.memory import shelves
from tests.memory.team import team

CLASSES = ("customers", "sales", "hr")
COMBINED = [list(some) for size in (1, 2) for some in combinations(CLASSES, size)]


async def test_a_class_of_data_that_nothing_declares_is_refused(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        refused = await it.ask("stranger", "memory.write", space="company", text="x", tags=["made-up"])
        assert (refused.status, refused.code) == ("failed", "memory.class")


async def test_one_writer_does_not_take_the_room_of_others(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MOST_OF_ONE", 3)
    async with team(tmp_path, database_url) as it:
        for tags in COMBINED[:3]:
            await it.write("stranger", "company", "x", tags=tags)
        refused = await it.ask("stranger", "memory.write", space="company", text="x", tags=COMBINED[3])
        assert refused.code == "memory.shelves"
        await it.write("stranger", "company", "y", tags=COMBINED[0])
        await it.write("seller", "company", "sales figures", tags=COMBINED[4])


async def test_what_is_forgotten_makes_room_and_no_number_is_given_twice(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MAX_SHELVES", 3)
    async with team(tmp_path, database_url) as it:
        for tags in COMBINED[:3]:
            await it.write("stranger", "company", "x", tags=tags)
        assert (await it.ask("seller", "memory.write", space="company", text="x")).code == "memory.shelves"
        await it.done("stranger", "memory.forget", space="company", before=9_999_999_999_999)
        await it.write("seller", "company", "sales figures")
        known = await it.system.database.read(it.system.own.memory.shelves.of)
        assert sorted(known) == [3, 4]
        assert await it.found("seller", "figures") == ["sales figures"]
