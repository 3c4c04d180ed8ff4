"""A leaf is believed as far as its text, its path and the signed checkpoint go, whoever shows them."""

from __future__ import annotations

import pytest

from autonomy.audit import merkle, note
from autonomy.audit.proof import check_proof
from autonomy.kernel.errors import Corrupt

from .logs import LOG_KEY, ORIGIN, OTHER_KEY, frontier, honest_log, nodes

LEAVES = honest_log().leaves
SIZE = len(LEAVES)
ROOT = frontier(LEAVES).root()
SIGNED = note.sign(note.Checkpoint(ORIGIN, SIZE, ROOT), LOG_KEY)
KEY = LOG_KEY.verifier


def path(index: int) -> list[bytes]:
    return merkle.inclusion_proof(index, SIZE, nodes(LEAVES))


def test_every_leaf_of_an_honest_log_is_proven() -> None:
    for index, body in enumerate(LEAVES):
        assert check_proof(index, body, path(index), SIGNED, KEY).size == SIZE


def false_checkpoint(origin: str = ORIGIN, root: bytes = ROOT, key: note.Signer = LOG_KEY) -> str:
    return note.sign(note.Checkpoint(origin, SIZE, root), key)


@pytest.mark.parametrize(
    ("index", "body", "climbed", "checkpoint", "said"),
    [
        (7, LEAVES[8], path(7), SIGNED, "not under the root"),
        (8, LEAVES[7], path(7), SIGNED, "not under the root"),
        (7, LEAVES[7], path(8), SIGNED, "not under the root"),
        (7, LEAVES[7], [], SIGNED, "not under the root"),
        (7, LEAVES[7], [*path(7), b"short"], SIGNED, "not under the root"),
        (SIZE + 7, LEAVES[7], path(7), SIGNED, "not under the root"),
        (-1, LEAVES[7], path(7), SIGNED, "not under the root"),
        (7, LEAVES[7], path(7), false_checkpoint(root=bytes(32)), "not under the root"),
        (7, LEAVES[7], path(7), false_checkpoint(key=OTHER_KEY), "no known key"),
        (7, LEAVES[7], path(7), false_checkpoint(origin="another.example/log"), "another log's"),
        (7, LEAVES[7], path(7), SIGNED.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"), "is false"),
        (7, LEAVES[7], path(7), "no note", "not a signed note"),
    ],
)
def test_what_was_not_signed_is_not_proven(
    index: int, body: bytes, climbed: list[bytes], checkpoint: str, said: str
) -> None:
    with pytest.raises(Corrupt) as refused:
        check_proof(index, body, climbed, checkpoint, KEY)
    assert refused.value.code == "audit.proof" and refused.value.message.startswith(f"leaf {index} is not proven: ")
    assert said in refused.value.message
