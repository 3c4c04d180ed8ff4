"""Wordings that no run is on go as runs do: some at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from autonomy.workflow.store import definition
from tests.workflow.office import office


async def test_of_many_wordings_one_batch_goes_in_each_transaction(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.workflow.tidying.BATCH", 2)
    async with office(tmp_path, database_url, living=False) as it:
        queue, tidying = it.works.system.queue, it.flows.tidying
        rows = [{"digest": f"d{n}", "workflow": "old", "body": b"", "at": 0} for n in range(5)]
        await queue.perform(lambda tx: tx.execute(insert(definition), rows))
        assert [await queue.perform(tidying.tidy) for _ in range(4)] == [2, 2, 1, 0]
        left = select(func.count()).select_from(definition)
        assert await it.works.system.database.read(lambda connection: connection.execute(left).scalar_one()) == 0
