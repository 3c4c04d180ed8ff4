"""The tree against the definitions of RFC 6962 and against the published vectors of transparency-dev/merkle."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.audit import merkle
from autonomy.kernel.errors import Corrupt, Invalid
from tests.examples import tried

from . import naive_tree

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "vectors" / "merkle"
LEAVES = [bytes([at % 251]) * (at % 7) for at in range(700)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]

sizes = st.integers(1, len(LEAVES))


def within(stored: dict[tuple[int, int], bytes]) -> Callable[[int, int, int], list[bytes]]:
    """Stored nodes as a range reader finds them."""
    return lambda level, start, stop: [stored[level, at] for at in range(start, stop) if (level, at) in stored]


def nodes(size: int) -> tuple[merkle.Frontier, merkle.NodeSource]:
    """A tree of the first `size` leaves, and its nodes read the way the log reads them."""
    frontier = merkle.Frontier()
    stored = {(level, index): hash for level, index, hash in frontier.extend(HASHES[:size])}
    return frontier, merkle.node_source(lambda start, stop: HASHES[start : min(stop, size)], within(stored))


@given(sizes)
@settings(max_examples=tried(60), deadline=None)
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    assert nodes(size)[0].root() == naive_tree.root(LEAVES[:size])


def test_the_empty_tree_has_the_root_of_the_definition() -> None:
    assert merkle.Frontier().root() == merkle.EMPTY_ROOT == naive_tree.root([])


@given(sizes, st.data())
@settings(max_examples=tried(60), deadline=None)
def test_an_inclusion_proof_is_the_one_of_the_definition_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    frontier, node = nodes(size)
    proof = merkle.inclusion_proof(index, size, node)
    assert proof == naive_tree.path(index, LEAVES[:size])
    assert merkle.verify_inclusion(HASHES[index], index, size, proof, frontier.root())


@given(sizes, st.data())
@settings(max_examples=tried(60), deadline=None)
def test_a_consistency_proof_is_the_one_of_the_definition_and_verifies(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    frontier, node = nodes(new)
    proof = merkle.consistency_proof(old, new, node)
    assert proof == naive_tree.proof(old, LEAVES[:new])
    assert merkle.verify_consistency(old, new, naive_tree.root(LEAVES[:old]), frontier.root(), proof)


@given(st.integers(2, 130), st.data())
@settings(max_examples=tried(150), deadline=None)
def test_a_changed_proof_never_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    frontier, node = nodes(size)
    proof = merkle.inclusion_proof(index, size, node)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    broken = [*proof]
    broken[at] = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    assert not merkle.verify_inclusion(HASHES[index], index, size, broken, frontier.root())
    assert not merkle.verify_inclusion(HASHES[index], index, size, proof[:-1], frontier.root())
    assert not merkle.verify_inclusion(HASHES[index], index, size, [*proof, proof[0]], frontier.root())


def test_a_byte_moved_from_one_hash_to_its_neighbour_never_verifies() -> None:
    one, two = HASHES[:2]
    root = merkle.node_hash(one, two)
    assert not merkle.verify_inclusion(one[:31], 0, 2, [one[31:] + two], root)
    assert not merkle.verify_consistency(1, 2, one[:31], root, [one[31:] + two])


@given(st.lists(st.integers(0, 90), min_size=1, max_size=8))
@settings(max_examples=tried(60), deadline=None)
def test_appending_in_parts_equals_appending_at_once(parts: list[int]) -> None:
    grown, completed, size = merkle.Frontier(), [], 0
    for part in parts:
        grown = merkle.Frontier.decode(grown.encode())
        completed += grown.extend(HASHES[size : size + part])
        size = min(size + part, len(HASHES))
    whole = merkle.Frontier()
    assert completed == whole.extend(HASHES[:size])
    assert (grown.size, grown.hashes, grown.root()) == (size, whole.hashes, whole.root())


def test_exactly_the_complete_nodes_of_levels_8_and_16_are_reported() -> None:
    body = merkle.leaf_hash(b"same")
    completed = merkle.Frontier().extend([body] * 66_000)
    assert [node[:2] for node in completed if node[0] == 8] == [(8, index) for index in range(257)]
    assert [node[:2] for node in completed if node[0] != 8] == [(16, 0)]
    level_8 = completed[0][2]
    assert completed[0] == (8, 0, naive_tree.root([b"same"] * 256))
    assert next(hash for level, _, hash in completed if level == 16) == merkle.node_source(
        lambda start, stop: [], lambda level, start, stop: [level_8] * (stop - start) if level == 8 else []
    )(16, 0)


def test_a_proof_reads_at_most_256_leaf_hashes_a_node() -> None:
    size, reads = 70_000, []
    frontier = merkle.Frontier()
    hashes = [merkle.leaf_hash(at.to_bytes(4, "big")) for at in range(size)]
    stored = {(level, index): hash for level, index, hash in frontier.extend(hashes)}

    def read(start: int, stop: int) -> list[bytes]:
        reads.append(stop - start)
        return hashes[start:stop]

    node = merkle.node_source(read, within(stored))
    proof = merkle.inclusion_proof(41_234, size, node)
    assert merkle.verify_inclusion(hashes[41_234], 41_234, size, proof, frontier.root())
    assert max(reads) <= 256


@given(sizes, sizes)
@settings(max_examples=tried(60), deadline=None)
def test_a_tree_grows_by_whole_nodes_as_it_does_by_leaves(one: int, other: int) -> None:
    begun, size = sorted((one, other))
    frontier, node = nodes(size)
    grown = merkle.Frontier()
    grown.extend(HASHES[:begun])
    grown.grow(size, node)
    assert grown.encode() == frontier.encode()


def test_a_node_over_missing_leaves_is_refused() -> None:
    _, node = nodes(300)
    with pytest.raises(Corrupt):
        node(9, 0)


@pytest.mark.parametrize("data", [b"", b"\x00" * 7, b"\x00" * 7 + b"\x03" + b"a" * 32, b"\x00" * 8 + b"a" * 32])
def test_a_damaged_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(Corrupt):
        merkle.Frontier.decode(data)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4)])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(Invalid):
        merkle.inclusion_proof(index, size, nodes(10)[1])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5)])
def test_no_consistency_proof_is_made_from_the_empty_or_a_later_tree(old: int, new: int) -> None:
    with pytest.raises(Invalid):
        merkle.consistency_proof(old, new, nodes(10)[1])


def encoded(hashes: list[bytes]) -> list[str]:
    return [b64encode(hash).decode() for hash in hashes]


def own_vectors() -> Iterator[dict[str, Any]]:
    """Small vectors from the definitions, in the published shape, so that these tests never depend on a folder."""
    for size in (1, 2, 5, 7, 8):
        root = encoded([naive_tree.root(LEAVES[:size])])[0]
        for index in range(size):
            case = {"leafIdx": index, "treeSize": size, "root": root, "leafHash": encoded([HASHES[index]])[0]}
            proof = encoded(naive_tree.path(index, LEAVES[:size]))
            yield case | {"proof": proof, "wantErr": False}
            yield case | {"proof": [*proof, root], "wantErr": True}
            yield case | {"proof": proof, "leafIdx": index + size, "wantErr": True}
        for old in range(1, size + 1):
            case = {"size1": old, "size2": size, "root1": encoded([naive_tree.root(LEAVES[:old])])[0], "root2": root}
            proof = encoded(naive_tree.proof(old, LEAVES[:size]))
            yield case | {"proof": proof, "wantErr": False}
            yield case | {"proof": [root, *proof], "wantErr": True}
            yield case | {"proof": proof, "size2": size + 9, "wantErr": True}


def published_vectors() -> Iterator[dict[str, Any]]:
    for file in sorted(PUBLISHED.glob("**/*.json")):
        yield json.loads(file.read_text())


def covered(case: dict[str, Any]) -> bool:
    """A subtree whose leaves begin where a perfect one does is a tree of its own, and so within these functions."""
    if "start" not in case:
        return True
    width: int = case["end"] - case["start"]
    whole: bool = "leafIdx" in case or case["start"] == 0
    return whole and width > 0 and case["start"] % (1 << (width - 1).bit_length()) == 0


def accepted(case: dict[str, Any]) -> bool:
    proof = [b64decode(hash) for hash in case["proof"] or []]
    start = case.get("start", 0)
    if "leafIdx" in case:
        size = case["treeSize"] if "treeSize" in case else case["end"] - start
        leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
        return merkle.verify_inclusion(leaf, case["leafIdx"] - start, size, proof, root)
    old, new = (case["end"], case["size"]) if "start" in case else (case["size1"], case["size2"])
    return merkle.verify_consistency(old, new, b64decode(case["root1"]), b64decode(case["root2"]), proof)


def test_every_vector_is_decided_as_published() -> None:
    cases = [*own_vectors(), *filter(covered, published_vectors())]
    wrong = [case for case in cases if accepted(case) == case["wantErr"]]
    assert wrong == []
    assert sum(case["wantErr"] for case in cases) > 60
    assert sum(not case["wantErr"] for case in cases) > 40
