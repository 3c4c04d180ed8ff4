"""Ten thousand changes to a log, by intruders of every rank; not one may pass."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from autonomy.audit import note

from .logs import LOG_KEY, ORIGIN, Log, codes, exported, frontier, honest_log, leaf, signed, verdict

HONEST = honest_log()
DATA = exported(HONEST)
LINES = DATA.splitlines(keepends=True)
KEYS = [LOG_KEY.verifier]
ROUNDS = 1_250  # each of eight kinds

Change = Callable[[random.Random], bytes]


def flip_a_bit(chance: random.Random) -> bytes:
    at = chance.randrange(len(DATA))
    return DATA[:at] + bytes([DATA[at] ^ 1 << chance.randrange(8)]) + DATA[at + 1 :]


def delete_a_line(chance: random.Random) -> bytes:
    at = chance.randrange(len(LINES))
    return b"".join(LINES[:at] + LINES[at + 1 :])


def repeat_a_line(chance: random.Random) -> bytes:
    at, to = chance.randrange(len(LINES)), chance.randrange(len(LINES) + 1)
    return b"".join([*LINES[:to], LINES[at], *LINES[to:]])


def exchange_two_lines(chance: random.Random) -> bytes:
    one, two = chance.sample(range(len(LINES)), 2)
    changed = [*LINES]
    changed[one], changed[two] = changed[two], changed[one]
    return b"".join(changed)


def cut_the_end_off(chance: random.Random) -> bytes:
    return DATA[: chance.randrange(len(DATA))]


def change_the_database(chance: random.Random) -> bytes:
    """An administrator of the database edits rows; the honest exporter then signs what it is handed."""
    rows = list(enumerate(HONEST.leaves))
    one, two = chance.sample(range(len(rows)), 2)
    kind = chance.randrange(6)
    if kind == 0:
        at = chance.randrange(len(rows[one][1]))
        body = bytearray(rows[one][1])
        body[at] ^= 1 << chance.randrange(1, 8)
        rows[one] = (one, bytes(body).replace(b"\n", b"?"))
    elif kind == 1:
        rows[one], rows[two] = (one, rows[two][1]), (two, rows[one][1])
        if rows[one][1] == rows[two][1]:
            rows[one] = (one, leaf("change"))
    elif kind == 2:
        del rows[one:]
    elif kind == 3:
        rows = [(index, body) for index, (_, body) in enumerate(rows[:one] + rows[one + 1 :])]
    elif kind == 4:
        rows = [(index, body) for index, (_, body) in enumerate([*rows[:one], rows[two], *rows[one:]])]
    else:
        rows[one] = (rows[two][0], rows[one][1])
    return exported(Log(HONEST.leaves, HONEST.checkpoints), rows=rows)


def change_the_checkpoints(chance: random.Random) -> bytes:
    """The same administrator edits the notes, without the log's key."""
    notes = [*HONEST.checkpoints]
    at = chance.randrange(len(notes))
    claimed = note.read(notes[at]).checkpoint()
    kind = chance.randrange(4)
    if kind == 0:
        stranger = note.Signer.from_seed(ORIGIN, chance.randbytes(32))
        notes[at] = note.sign(note.Checkpoint(ORIGIN, claimed.size, chance.randbytes(32)), stranger)
    elif kind == 1:
        other = chance.choice([size for size in range(len(HONEST.leaves)) if size != claimed.size])
        notes[at] = notes[at].replace(f"\n{claimed.size}\n", f"\n{other}\n")
    elif kind == 2:
        del notes[-1 - chance.randrange(3) :]
    else:
        notes[at] = notes[at].replace(ORIGIN, "example.org/other", 1)
    return exported(Log(HONEST.leaves, notes))


def rewrite_with_the_stolen_key(chance: random.Random) -> bytes:
    """A thief of the log's key rewrites history and signs all of it anew."""
    leaves = [*HONEST.leaves]
    at = chance.randrange(len(leaves) - 1)
    if chance.random() < 0.5:
        leaves[at] = leaf("change", actor="person:eve", number=chance.randrange(10**6))
    else:
        del leaves[at:]
    return exported(signed(Log(leaves), range(0, len(leaves), 7)))


@pytest.mark.parametrize(
    "change",
    [
        flip_a_bit,
        delete_a_line,
        repeat_a_line,
        exchange_two_lines,
        cut_the_end_off,
        change_the_database,
        change_the_checkpoints,
    ],
)
def test_every_change_is_found_without_a_witness(change: Change) -> None:
    assert verdict(DATA, KEYS).ok
    for seed in range(ROUNDS):
        assert not verdict(change(random.Random(seed)), KEYS).ok, f"seed {seed}"


def test_every_change_is_found_by_the_tree_even_where_the_story_is_not_read() -> None:
    for seed in range(ROUNDS // 10):
        assert not verdict(change_the_database(random.Random(seed)), KEYS, fast=True).ok, f"seed {seed}"


def test_every_rewrite_under_the_stolen_key_is_found_by_a_witness_of_the_last_checkpoint() -> None:
    for seed in range(ROUNDS):
        forged = rewrite_with_the_stolen_key(random.Random(seed))
        found = codes(verdict(forged, KEYS, HONEST.checkpoints[-1:]))
        assert found & {"witness.fork", "witness.truncated"}, f"seed {seed}"


def test_a_fork_is_found_by_any_one_copy_taken_after_it() -> None:
    forged = [*HONEST.leaves]
    forged[20] = leaf("change", actor="person:eve")
    data = exported(signed(Log(forged), range(0, len(forged), 7)))
    for copy in HONEST.checkpoints:
        size = note.read(copy).checkpoint().size
        assert verdict(data, KEYS, [copy]).witness == ("matched" if size <= 20 else "failed")
    assert frontier(forged[:20]).root() == frontier(HONEST.leaves[:20]).root()
