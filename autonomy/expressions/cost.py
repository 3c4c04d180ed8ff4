"""What evaluating an expression can cost at most, from the sizes of the values it reads. Pure.

The engine stops after 10,000 rounds of all loops together, but one round may copy a long text, and a list that is built
grows by copying. So the worst case is computed first, by walking the tree with sizes in place of values.
A loop over elements of together `s` bytes costs at most `n · f(0) + f(s) − f(0)`, where `f` is the cost of one round
for an element of a size: `f` is made of sums, products and maxima only, so it is convex and this is its worst spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .syntax import Node, Tree, grows

MAX_WORK = 64_000_000  # bytes made and read, about a tenth of a second
MAX_LOOPS_INSIDE = 5  # loops inside one another; each doubles the work of estimating

NODE = 100  # what visiting a node costs, in bytes copied in the same time
COPIED = 8  # what one step of growing a list costs per element it has


class Bound(NamedTuple):
    """At most: bytes of the value, members of the longest list in it, work to get it."""

    size: int
    longest: int
    work: int


_NOTHING = Bound(0, 0, 0)


def loops_inside(node: Node) -> int:
    """How many loops stand inside one another."""
    return (node.shape == "loop") + max(map(loops_inside, node.parts), default=0)


def worst(tree: Tree, size: int, longest: int) -> int:
    """The work of evaluating `tree` at worst, where the values read have `size` bytes and lists up to `longest`."""
    return _bound(tree.root, {}, Bound(size, longest, 0)).work


def _bound(node: Node, bound: Mapping[str, Bound], outside: Bound) -> Bound:
    if node.shape == "loop":
        return _loop(node, bound, outside)
    if node.shape == "name":
        return bound.get(node.text, outside)._replace(work=NODE)
    parts = [_bound(part, bound, outside) for part in node.parts]
    work = NODE + sum(part.work for part in parts)
    if node.shape in ("select", "has"):
        return parts[0]._replace(work=work)
    if node.shape == "call":
        return _call(node, parts, work)
    size = 16 + len(node.text) + sum(part.size for part in parts)
    return Bound(size, max([len(parts), *(part.longest for part in parts)]), work + size)


def _call(node: Node, parts: list[Bound], work: int) -> Bound:
    sizes = sum(part.size for part in parts)
    if node.text == "_+_":
        return Bound(sizes, sum(part.longest for part in parts), work + sizes)
    if node.text == "_?_:_":
        chosen = parts[1:]
        return Bound(max(part.size for part in chosen), max(part.longest for part in chosen), work)
    if node.text == "_[_]":
        return Bound(parts[0].size, parts[0].longest, work)
    if node.text == "matches":
        return Bound(8, 0, work + parts[0].size * (1 + parts[-1].size))
    longest = max((part.longest for part in parts), default=0)
    return Bound(64 + sizes, longest, work + sizes)


def _loop(node: Node, bound: Mapping[str, Bound], outside: Bound) -> Bound:
    over, start, condition, step, result = node.parts
    *elements, grown = node.text.split()
    ranged, first = _bound(over, bound, outside), _bound(start, bound, outside)
    count = ranged.longest

    def round_with(element: Bound) -> Bound:
        inner = {**bound, **dict.fromkeys(elements, element), grown: _NOTHING}
        checked, made = _bound(condition, inner, outside), _bound(step, inner, outside)
        return made._replace(work=checked.work + made.work)

    least, most = round_with(_NOTHING), round_with(ranged)
    size = first.size + count * least.size + most.size
    work = ranged.work + first.work + count * least.work + most.work
    if grows(node):
        work += COPIED * count * count
    total = Bound(size, max(count, most.longest + 1), 0)
    ended = _bound(result, {**bound, grown: total}, outside)
    return ended._replace(work=work + ended.work)
