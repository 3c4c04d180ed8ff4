"""Ten thousand changes to the exported log of a real run, each of them found: by whoever holds no key, and by whoever
stole the log's key but could not reach the witness's copies."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from autonomy.audit import layout, merkle, note
from autonomy.audit.verify import verify_export
from autonomy.audit.witness import Copy
from autonomy.kernel import canonical
from autonomy.wiring import Settings, log_name, log_signer
from tests.crash.test_crashes import Run

TAMPERINGS = 10_000
WITHOUT_KEY = 9_000  # the others are made by who can sign anew

Lines = list[bytes]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_thousand_tamperings_of_a_real_log_are_found(tmp_path: Path) -> None:
    run = Run(tmp_path, "")
    life = run.begin()
    life.hear(150)
    life.kill()
    run.judge()
    intact = run.orders.export.read_bytes().splitlines(keepends=True)
    copies = [path.read_text() for path in sorted((tmp_path / "witness").glob("*.note"))]
    signer = stolen(tmp_path)
    assert found(intact, signer, copies) is False, "the log as it was written is in order"
    luck = random.Random(7)
    missed, tried = [], 0
    while tried < TAMPERINGS:
        change = luck.choice(CHANGES)
        lines = change(list(intact), luck)
        if (lines if tried < WITHOUT_KEY else leaves(lines)) in (intact, leaves(intact)):
            continue  # nothing was changed, or nothing but what a new signature puts right
        tried += 1
        if not found(lines if tried <= WITHOUT_KEY else signed_anew(lines, signer), signer, copies):
            missed.append((tried, change.__name__))
    assert missed == []


def stolen(folder: Path) -> note.Signer:
    """The log's own key, taken from the data folder."""
    master = base64.b64decode((folder / "master.key").read_bytes())
    return log_signer(log_name(Settings(data=folder)), master)


def found(lines: Lines, signer: note.Signer, copies: list[str]) -> bool:
    report = verify_export(BytesIO(b"".join(lines)), keys=[signer.verifier], witness_copies=map(Copy, copies))
    return bool(report.findings)


def leaves(lines: Lines) -> Lines:
    """What the leaves say, in order."""
    return [lines[place].partition(b'"leaf":')[2] for place in leaf_lines(lines)]


def leaf_lines(lines: Lines) -> list[int]:
    return [place for place, line in enumerate(lines) if line.startswith(b'{"index"')]


def flip(lines: Lines, luck: random.Random) -> Lines:
    """One bit anywhere."""
    place = luck.randrange(len(lines))
    line = bytearray(lines[place])
    line[luck.randrange(len(line))] ^= 1 << luck.randrange(8)
    lines[place] = bytes(line)
    return lines


def remove(lines: Lines, luck: random.Random) -> Lines:
    del lines[luck.choice(leaf_lines(lines))]
    return lines


def swap(lines: Lines, luck: random.Random) -> Lines:
    """Two leaves change places, their numbers stay."""
    one, two = luck.sample(leaf_lines(lines), 2)
    bodies = [lines[place].partition(b'"leaf":')[2] for place in (one, two)]
    for place, body in zip((one, two), reversed(bodies), strict=True):
        lines[place] = lines[place].partition(b'"leaf":')[0] + b'"leaf":' + body
    return lines


def truncate(lines: Lines, luck: random.Random) -> Lines:
    """The end is cut off, the seal put back."""
    return [*lines[: luck.randrange(1, len(lines) - 1)], lines[-1]]


def insert(lines: Lines, luck: random.Random) -> Lines:
    """A leaf once more."""
    place = luck.choice(leaf_lines(lines))
    lines.insert(place, lines[place])
    return lines


def rewrite(lines: Lines, luck: random.Random) -> Lines:
    """A leaf says something else, well formed."""
    place = luck.choice(leaf_lines(lines))
    line = json.loads(lines[place])
    line["leaf"]["at"] += luck.randrange(1, 1_000)
    lines[place] = layout.leaf_start(line["index"]) + canonical.encode(line["leaf"]) + layout.LEAF_END
    return lines


CHANGES: list[Callable[[Lines, random.Random], Lines]] = [flip, remove, swap, truncate, insert, rewrite]


def signed_anew(lines: Lines, signer: note.Signer) -> Lines:
    """What an intruder with the log's key makes of it: leaves numbered, checkpoints and seal all in order again."""
    header = json.loads(lines[0]) if lines[0].startswith(b'{"exported_at"') else {}
    frontier, made, count = merkle.Frontier(), [], 0
    for line in lines[1:-1]:
        if line.startswith(b'{"index"'):
            body = line.partition(b'"leaf":')[2].removesuffix(layout.LEAF_END)
            frontier.extend([merkle.leaf_hash(body)])
            made.append(layout.leaf_start(count) + body + layout.LEAF_END)
            count += 1
        elif line.startswith(b'{"checkpoint"'):
            signed = note.sign(note.Checkpoint(signer.verifier.name, count, frontier.root()), signer)
            made.append(canonical.encode({"checkpoint": signed}) + b"\n")
        else:
            made.append(line)
    last = note.sign(note.Checkpoint(signer.verifier.name, count, frontier.root()), signer)
    made = [canonical.encode(header | {"to": count}) + b"\n", *made, canonical.encode({"checkpoint": last}) + b"\n"]
    text = layout.seal_text(signer.verifier.name, 0, count, sha256(b"".join(made)).digest())
    return [*made, canonical.encode({"seal": note.sign_text(text, signer)}) + b"\n"]
