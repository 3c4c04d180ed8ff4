"""The log at a million leaves: verifying it from SQLite, appending to it, proving a leaf in it.

The leaves are those of a real action under new names; every row, node and signed checkpoint is written by the code
that writes them in service. Beside the verification: reading and hashing the same rows, which nothing can do without.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, func, select

from autonomy.audit.merkle import Frontier, inclusion_proof, verify_inclusion
from autonomy.audit.store import leaf, nodes, read_head, rows
from autonomy.audit.verify import verify_database

from .ledger import Ledger, Origin
from .measure import BLOCKS, Measured, Scale, median, medians, timed

LEAVES = 1_000_000
FEW = 1_000
GROUP = 64  # leaves in a commit, as sixty-four callers at once make them
GROUPS = 32  # commits in a block
PROOFS = 20  # in a block
HASHED = 200_000  # rows of the floor


def run(scale: Scale) -> Measured:
    """The metrics of a log of a million leaves."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        origin = asyncio.run(Origin.create(folder / "origin"))
        large = Ledger(origin, folder / "large.sqlite")
        large.grow(scale.of(LEAVES, 2 * FEW))
        gc.collect()
        gc.freeze()
        blocks, floors = [], []
        for number in range(BLOCKS):
            floors.append(hashed_per_s(folder / "large.sqlite"))
            small = Ledger(origin, folder / f"small-{number}.sqlite")
            small.grow(FEW)
            blocks.append(_block(large, small))
            small.close()
        metrics = medians(blocks) | {"leaf_bytes": _leaf_bytes(large)}
        large.close()
    return Measured(metrics, {"SQLite rows read and hashed, no more": {"rows_per_s": median(floors)}})


def _block(large: Ledger, small: Ledger) -> dict[str, float]:
    few, many = append_us(small), append_us(large)
    proofs = proof_ms(large)
    return {
        "verify_per_s": verified_per_s(large),
        "append_growth": many / few,
        "append_us": many,
        "append_small_us": few,
        "proof_ms": median(proofs),
        "proof_worst_ms": max(proofs),
    }


def verified_per_s(ledger: Ledger) -> float:
    """Leaves a second of a whole verification from the first row, its answer checked."""
    verifier, notes = ledger.origin.signer.verifier, ledger.notes()
    with ledger.database.reading() as connection:
        started = time.perf_counter()
        report = verify_database(rows(connection), notes, origin=verifier.name, keys=[verifier])
        took = time.perf_counter() - started
    if not report.ok or report.size != ledger.size:
        raise AssertionError(f"the log does not verify: {report}")
    return report.leaves / took


def append_us(ledger: Ledger) -> float:
    """Microseconds of this thread's CPU a leaf, over commits of `GROUP` leaves; making the leaves is not in it."""
    groups = [ledger.made(GROUP) for _ in range(GROUPS)]
    started = time.thread_time()
    for group in groups:
        ledger.append(group)
    return (time.thread_time() - started) / (GROUP * GROUPS) * 1e6


def proof_ms(ledger: Ledger) -> list[float]:
    """Milliseconds to prove leaves anywhere in the whole log and to check the proofs."""
    chance = random.Random(ledger.size)
    with ledger.database.reading() as connection:
        size, frontier, *_ = read_head(connection)
        root = Frontier.decode(frontier).root()

        def prove(index: int) -> None:
            found = _hash(connection, index)
            proof = inclusion_proof(index, size, nodes(connection))
            if not verify_inclusion(found, index, size, proof, root):
                raise AssertionError(f"the proof of leaf {index} does not hold")

        return timed(prove, [chance.randrange(size) for _ in range(PROOFS)])


def hashed_per_s(path: Path) -> float:
    """Rows a second that the driver reads and SHA-256 takes, with nothing else done."""
    with sqlite3.connect(path) as connection:
        started = time.perf_counter()
        rows = connection.execute("SELECT body FROM leaf ORDER BY idx LIMIT ?", (HASHED,))
        count = sum(1 for (body,) in rows if sha256(body).digest())
        took = time.perf_counter() - started
    connection.close()
    return count / took


def _hash(connection: Connection, index: int) -> bytes:
    return bytes(connection.execute(select(leaf.c.hash).where(leaf.c.idx == index)).scalar_one())


def _leaf_bytes(ledger: Ledger) -> float:
    with ledger.database.reading() as connection:
        return float(connection.execute(select(func.avg(func.length(leaf.c.body)))).scalar_one())
