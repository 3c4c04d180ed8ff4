"""The Merkle tree of the audit log (RFC 6962, section 2.1; RFC 9162, section 2.1), without any IO.

Positions are `(level, index)`: level 0 are the leaf hashes, the node `(level, index)` covers the leaves
`index << level` up to, not including, `(index + 1) << level`. Every hash is 32 bytes of SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from autonomy.kernel.errors import Corrupt, Invalid

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
STORED_LEVELS = (8, 16)  # one stored row per 256 leaves; every other node is at most 255 hashes away

Node = tuple[int, int, bytes]
"""Level, index, hash."""

NodeSource = Callable[[int, int], bytes]
"""The hash of the complete node at (level, index)."""

_SIZE_BYTES = 8


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf with these exact bytes."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: its size and the roots of its perfect subtrees, largest first.

    That is all an appender needs: at most one hash per bit of the size.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if size < 0 or len(self._hashes) != size.bit_count() or any(len(hash) != HASH_BYTES for hash in self._hashes):
            raise Corrupt("the frontier does not belong to a tree of its size", code="audit.frontier")

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, largest first."""
        return tuple(self._hashes)

    def extend(self, leaf_hashes: Iterable[bytes]) -> list[Node]:
        """Append the leaf hashes in order; returns the nodes of the stored levels this completed, in order."""
        stack, size = self._hashes, self.size
        completed: list[Node] = []
        for hash in leaf_hashes:
            # Each trailing one bit of the old size is a perfect subtree that the new leaf completes into a larger one.
            level, index = 0, size
            while index & 1:
                hash = sha256(b"\x01" + stack.pop() + hash).digest()
                level += 1
                index >>= 1
                if level in STORED_LEVELS:
                    completed.append((level, index, hash))
            stack.append(hash)
            size += 1
        self.size = size
        return completed

    def grow(self, size: int, node: NodeSource) -> None:
        """Append the leaves up to `size`, by the largest complete nodes there are: O(log n) of them.

        Raises what `node` raises where leaves are missing.
        """
        while self.size < size:
            level = (size - self.size).bit_length() - 1
            if self.size:
                level = min(level, (self.size & -self.size).bit_length() - 1)
            index = self.size >> level
            hash = node(level, index)
            while index & 1:
                hash = node_hash(self._hashes.pop(), hash)
                index >>= 1
            self._hashes.append(hash)
            self.size += 1 << level

    def root(self) -> bytes:
        """The root of the tree (RFC 9162, section 2.1.1)."""
        return _joined(self._hashes) if self._hashes else EMPTY_ROOT

    def encode(self) -> bytes:
        """The size as 8 bytes, big-endian, then the hashes, largest subtree first."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._hashes)

    @classmethod
    def decode(cls, data: bytes) -> Frontier:
        """The frontier that `encode` wrote. Raises Corrupt for other bytes."""
        hashes = [data[at : at + HASH_BYTES] for at in range(_SIZE_BYTES, len(data), HASH_BYTES)]
        if len(data) < _SIZE_BYTES:
            raise Corrupt("the frontier is cut off", code="audit.frontier")
        return cls(int.from_bytes(data[:_SIZE_BYTES], "big"), hashes)


def node_source(
    leaf_hashes: Callable[[int, int], Sequence[bytes]], stored: Callable[[int, int, int], Sequence[bytes]]
) -> NodeSource:
    """A source of complete nodes that reads at most 256 hashes, in one piece, for any one node up to level 24.

    `leaf_hashes(start, stop)` reads leaf hashes, `stored(level, start, stop)` nodes of a stored level; where one is
    missing, it is computed from the level below. The source raises Corrupt where leaves are missing.
    """

    def read(level: int, start: int, stop: int) -> Sequence[bytes]:
        if level == 0:
            return leaf_hashes(start, stop)
        found = stored(level, start, stop)
        return found if len(found) == stop - start else [compute(level, at) for at in range(start, stop)]

    def node(level: int, index: int) -> bytes:
        return read(level, index, index + 1)[0] if level in STORED_LEVELS else compute(level, index)

    def compute(level: int, index: int) -> bytes:
        below = max((lower for lower in STORED_LEVELS if lower < level), default=0)
        start, stop = index << (level - below), (index + 1) << (level - below)
        hashes = read(below, start, stop)
        if len(hashes) != stop - start:
            raise Corrupt(f"leaves between {start} and {stop} are missing", code="audit.missing_leaf")
        return _perfect(hashes)

    return node


def inclusion_proof(index: int, size: int, node: NodeSource) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves (RFC 9162, section 2.1.3.1).

    Raises Invalid where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise Invalid(f"a tree of {size} leaves has no leaf `{index}`", code="audit.no_such_leaf")
    start, stop = 0, size
    path = []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_root(middle, stop, node))
            stop = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: NodeSource) -> list[bytes]:
    """The proof that the tree of `old` leaves is the beginning of the tree of `new` (RFC 9162, section 2.1.4.1).

    Raises Invalid unless 0 < old <= new: everything begins with the empty tree, which proves nothing.
    """
    if not 0 < old <= new:
        raise Invalid(f"no consistency proof leads from size `{old}` to `{new}`", code="audit.no_such_proof")
    start, stop = 0, new
    path = []
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_range_root(middle, stop, node))
            stop = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    if start:  # otherwise the old root itself is the first hash, and the verifier has it
        path.append(_range_root(start, stop, node))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the leaf hash `leaf` at `index` of the tree with `root` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES or not _are_hashes(proof):
        return False
    position, last, hash = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            hash = node_hash(sibling, hash)
            position, last = _skip_right_edge(position, last)
        else:
            hash = node_hash(hash, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and hash == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `old` leaves begins the tree of `new` (RFC 9162, section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    if not proof or not _are_hashes(path):
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            position, last = _skip_right_edge(position, last)
        else:
            now = node_hash(now, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and was == old_root and now == new_root


def _skip_right_edge(position: int, last: int) -> tuple[int, int]:
    """Climb over the levels where the node at the right edge has no sibling."""
    while position and not position & 1:
        position >>= 1
        last >>= 1
    return position, last


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(hash) == HASH_BYTES for hash in proof)


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, stop: int, node: NodeSource) -> bytes:
    """The root over leaves `start` to `stop`, where `start` is a multiple of the largest perfect subtree in between."""
    hashes = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        hashes.append(node(level, start >> level))
        start += 1 << level
    return _joined(hashes)


def _joined(hashes: Sequence[bytes]) -> bytes:
    """One root over perfect subtrees, largest first."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def _perfect(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]
