"""Checkpoints are signed in time and copied to the witness once, whatever the clock and the witness's folder do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event

from autonomy.audit import note, record
from autonomy.audit.checkpoints import Checkpoints
from autonomy.db import CommitQueue, Database
from autonomy.kernel.clock import HOUR, now
from autonomy.kernel.errors import Unavailable

SIGNER = note.Signer.from_seed("autonomy.example/log", bytes(32))


def grow(queue: CommitQueue) -> None:
    queue.run(lambda tx: record(tx, "identity", at=1, actor="system"))


async def signed(checkpoints: Checkpoints) -> None:
    await checkpoints.sign()


def fill(queue: CommitQueue, checkpoints: Checkpoints, count: int) -> None:
    for _ in range(count):
        grow(queue)
        asyncio.run(signed(checkpoints))


def test_a_clock_set_back_does_not_put_the_next_checkpoint_off(
    database: Database, queue: CommitQueue, tmp_path: Path
) -> None:
    time = [now()]
    checkpoints = Checkpoints(database, queue, SIGNER, tmp_path / "witness", lambda: time[0])
    fill(queue, checkpoints, 1)
    time[0] -= HOUR
    grow(queue)

    async def until_signed() -> None:
        running = asyncio.create_task(checkpoints.run())
        while len(list((tmp_path / "witness").glob("*.note"))) < 2:
            await asyncio.sleep(0.05)
        running.cancel()

    asyncio.run(asyncio.wait_for(until_signed(), 60))


def test_a_new_process_reads_only_what_the_witness_has_not_got(
    database: Database, queue: CommitQueue, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    fill(queue, Checkpoints(database, queue, SIGNER, witness), 4)
    fill(queue, Checkpoints(database, queue, SIGNER, None), 2)
    (witness / "not ours.note").write_text("x")
    (witness / f"{10**18:020d}.note").write_text("no checkpoint of this log")
    assert Checkpoints(database, queue, SIGNER, witness).copy() == 2
    assert Checkpoints(database, queue, SIGNER, witness).copy() == 0
    assert len(list(witness.glob("0000000000000000000?.note"))) == 6


def test_checkpoints_are_copied_in_pages(
    database: Database, queue: CommitQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.audit.checkpoints.BATCH", 2)
    fill(queue, Checkpoints(database, queue, SIGNER, None), 5)
    with database.reading() as connection:
        engine = connection.engine
    read: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: read.append(seen[2]))
    assert Checkpoints(database, queue, SIGNER, tmp_path / "witness").copy() == 5
    assert len([statement for statement in read if "LIMIT" in statement]) == 4, "two, two, one, none"


def test_a_witness_folder_that_cannot_be_written_is_told_as_such_and_served_later(
    database: Database, queue: CommitQueue, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    witness.write_text("a file where a folder should be")
    checkpoints = Checkpoints(database, queue, SIGNER, witness)
    grow(queue)
    with pytest.raises(Unavailable) as refused:
        asyncio.run(signed(checkpoints))
    assert refused.value.code == "witness.unavailable"
    witness.unlink()
    assert checkpoints.copy() == 1
