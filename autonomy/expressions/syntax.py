"""The syntax tree of an expression, read from the engine's serialised form (`cel.expr.CheckedExpr`). Pure.

Field numbers are those of cel-spec, `proto/cel/expr/syntax.proto` and `checked.proto`; protobuf's wire format is read
here because only these few messages are needed, and always in one shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from autonomy.kernel.errors import Invalid

from .types import ANY, NULL, Type

MAX_DEPTH = 96  # the engine's parser stops at 32; one level of it may be several nodes here

Shape = Literal["constant", "name", "select", "has", "call", "list", "map", "message", "loop"]
Fields = dict[int, list[int | bytes]]


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `text` is its name, field, function or, of a constant, its text where it is one.

    A `loop` is a comprehension; its parts are range, start, condition, step and result, and `text` names what it binds,
    separated by blanks: the element (one or two names) and last the accumulator.
    """

    id: int
    shape: Shape
    text: str = ""
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A value an expression reads: the variable and the names below it, as far as they are written out.

    `asked`: only whether it is there (`has`). `offset`: where it stands in the text, in characters.
    """

    path: tuple[str, ...]
    asked: bool = False
    offset: int = 0

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole expression: its nodes, and for each by its id the encoded type and the place (character offset)."""

    root: Node
    types: dict[int, bytes]
    offsets: dict[int, int]


def read(serialised: bytes) -> Tree:
    """The tree of what the engine compiled. Raises Invalid (`expression.too_deep`)."""
    checked = _fields(_bytes(_fields(serialised), 2))  # google.protobuf.Any: its value
    root = _node(_bytes(checked, 4), 0)
    positions = _fields(_bytes(checked, 5)).get(4, [])
    offsets = dict(_pair(entry) for entry in positions if isinstance(entry, bytes))
    types = dict(_typed(entry) for entry in checked.get(3, []) if isinstance(entry, bytes))
    return Tree(root, types, offsets)


def references(tree: Tree) -> tuple[Reference, ...]:
    """Every value the expression reads, in the order of the text; what its own loops bind is left out."""
    found = _references(tree, tree.root, frozenset())
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.offset, one.path)))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for part in node.parts:
        yield from walk(part)


def type_of(tree: Tree, node: Node, objects: Sequence[Type]) -> Type:
    """The type the engine found for `node`; `objects` are the declared ones, by the number in their name."""
    return _type(_fields(tree.types.get(node.id, b"")), objects)


def path(node: Node) -> tuple[str, ...]:
    """The chain of names a node is; empty where it is something else."""
    if node.shape == "name":
        return (node.text,)
    if node.shape in ("select", "has") and (inner := path(node.parts[0])):
        return (*inner, node.text)
    named = node.shape == "call" and node.text == "_[_]" and node.parts[1].shape == "constant"
    if named and node.parts[1].text and (inner := path(node.parts[0])):
        return (*inner, node.parts[1].text)
    return ()


def grows(loop: Node) -> bool:
    """Whether a loop builds a list (`map`, `filter`): what it starts with is one."""
    return loop.parts[1].shape == "list"


def start(tree: Tree, node: Node) -> int:
    """Where the node begins in the text."""
    while node.parts:
        node = node.parts[0]
    return tree.offsets.get(node.id, 0)


def _references(tree: Tree, node: Node, bound: frozenset[str]) -> Iterator[Reference]:
    names = path(node)
    if names and names[0] not in bound:
        yield Reference(names, node.shape == "has", start(tree, node))
    elif node.shape == "loop":
        over, *inside = node.parts
        yield from _references(tree, over, bound)
        for part in inside:
            yield from _references(tree, part, bound | set(node.text.split()))
    elif not names:
        for part in node.parts:
            yield from _references(tree, part, bound)


def _node(data: bytes, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise Invalid("the expression is nested too deep", code="expression.too_deep", hint="write it in parts")
    fields = _fields(data)
    number = next((number for number in range(3, 10) if number in fields), 3)
    inner = _fields(_bytes(fields, number))
    own = _number(fields, 2)
    if number == 9:
        return _loop(own, inner, depth)
    if number == 8:
        return _structure(own, inner, depth)
    if number == 3:
        return Node(own, "constant", _text(inner, 6))
    if number == 5:
        return Node(own, "has" if _number(inner, 3) else "select", _text(inner, 2), _nodes(inner, (1,), depth))
    shapes: dict[int, tuple[Shape, int, tuple[int, ...]]] = {
        4: ("name", 1, ()),
        6: ("call", 2, (1, 3)),
        7: ("list", 0, (1,)),
    }
    shape, name, parts = shapes[number]
    return Node(own, shape, _text(inner, name), _nodes(inner, parts, depth))


def _structure(own: int, inner: Fields, depth: int) -> Node:
    name = _text(inner, 1)
    parts: list[Node] = []
    for entry in inner.get(2, []):
        if isinstance(entry, bytes):
            parts.extend(_nodes(_fields(entry), (3, 4), depth))
    return Node(own, "message" if name else "map", name, tuple(parts))


def _loop(own: int, inner: Fields, depth: int) -> Node:
    bound = " ".join(name for name in (_text(inner, 1), _text(inner, 8), _text(inner, 3)) if name)
    return Node(own, "loop", bound, _nodes(inner, (2, 4, 5, 6, 7), depth))


def _nodes(fields: Fields, numbers: tuple[int, ...], depth: int) -> tuple[Node, ...]:
    found = (data for number in numbers for data in fields.get(number, []))
    return tuple(_node(data, depth + 1) for data in found if isinstance(data, bytes))


_PRIMITIVES = {1: Type("boolean"), 2: Type("integer"), 3: Type("integer"), 4: Type("number"), 5: Type("string")}
_WELL_KNOWN = {2: Type("timestamp"), 3: Type("duration")}


def _type(fields: Fields, messages: Sequence[Type]) -> Type:
    if 2 in fields:
        return NULL
    if 3 in fields:
        return _PRIMITIVES.get(_number(fields, 3), ANY)
    if 4 in fields:
        plain = _PRIMITIVES.get(_number(fields, 4), ANY)
        return Type(plain.kind, nullable=plain != ANY)
    if 5 in fields:
        return _WELL_KNOWN.get(_number(fields, 5), ANY)
    if 6 in fields:
        return Type("array", items=_type(_fields(_bytes(_fields(_bytes(fields, 6)), 1)), messages))
    if 7 in fields:
        return Type("object", values=_type(_fields(_bytes(_fields(_bytes(fields, 7)), 2)), messages))
    return messages[int(_text(fields, 9).rpartition("_")[2])] if 9 in fields else ANY


def _pair(entry: bytes) -> tuple[int, int]:
    fields = _fields(entry)
    return _number(fields, 1), _number(fields, 2)


def _typed(entry: bytes) -> tuple[int, bytes]:
    fields = _fields(entry)
    return _number(fields, 1), _bytes(fields, 2)


def _number(fields: Fields, number: int) -> int:
    found = fields.get(number, [0])[-1]
    return found if isinstance(found, int) else 0


def _bytes(fields: Fields, number: int) -> bytes:
    found = fields.get(number, [b""])[-1]
    return found if isinstance(found, bytes) else b""


def _text(fields: Fields, number: int) -> str:
    return _bytes(fields, number).decode("utf-8", "replace")


def _fields(data: bytes) -> Fields:
    """The fields of one message by number; nested messages stay bytes."""
    fields: Fields = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            fields.setdefault(key >> 3, []).append(value)
        elif wire == 2:
            length, at = _varint(data, at)
            fields.setdefault(key >> 3, []).append(data[at : at + length])
            at += length
        else:
            at += 8 if wire == 1 else 4
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
