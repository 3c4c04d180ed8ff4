"""YAML as manifests use it: the JSON values of YAML 1.2, with the line of every field; read strictly, written stably.

No tags, no duplicate keys, no merging, and `no`, `on`, `12:30`, `2026-01-01` are text, not surprises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from autonomy.kernel.canonical import MAX_DEPTH, MAX_SAFE_INTEGER, Json
from autonomy.kernel.errors import Invalid

MAX_NODES = 100_000  # aliases count each time they are used, so a bomb of them ends here

_PLAIN: list[tuple[re.Pattern[str], Any]] = [
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
]
"""What a word without quotes means (YAML 1.2, core schema, without infinities)."""


class Unreadable(Invalid):
    """the text is not YAML as manifests use it"""

    def __init__(self, message: str, line: int, hint: str = "", path: str = "") -> None:
        super().__init__(message, code="manifest.yaml", hint=hint, line=line)
        self.line = line
        self.path = path


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its value, and the line (from 1) of each field by path, such as `spec.roles[0]`."""

    value: Json
    line: int
    lines: Mapping[str, int]


def read(text: str, clamp: bool = False) -> list[Document]:
    """Every document of `text` that is not empty. Raises Unreadable at the first place that cannot be read.

    With `clamp`, integers beyond 2^53 become 2^53 in place of being refused.
    """
    try:
        return list(_Reader(text, clamp).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(f"not YAML: {said}", mark.line + 1 if mark else 1) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise Unreadable(f"the character U+{int(error.character):04X} is not allowed in YAML", line) from None


def inside(path: str, part: str | int) -> str:
    """The path of a field inside `path`."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


class _Reader:
    """Builds values from events, so that depth and size are bounded before anything is built."""

    def __init__(self, text: str, clamp: bool = False) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._clamp = clamp
        self._nodes = 0
        self._anchors: dict[str, Json] = {}
        self._lines: dict[str, int] = {}

    def documents(self) -> Iterator[Document]:
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            self._anchors, self._lines = {}, {}
            first = next(self._events)
            line = first.start_mark.line + 1
            value = self._value(first, "", 0)
            if value is not None:
                yield Document(value, line, self._lines)

    def _value(self, event: Any, path: str, depth: int) -> Json:
        line = event.start_mark.line + 1
        self._count(1, depth, line)
        self._lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.tag is not None:
            raise Unreadable(f"the tag `{event.tag[:80]}` is not allowed", line, "write the plain value", path)
        value = self._build(event, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _build(self, event: Any, path: str, depth: int) -> Json:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, path, self._clamp)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: str, depth: int) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, inside(path, len(items)), depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> dict[str, Json]:
        fields: dict[str, Json] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable("a key must be text", line, path=path)
            key = _text(event, path)
            here = inside(path, key)
            if key in fields:
                raise Unreadable(f"the key `{key[:80]}` stands twice", line, "keep one of them", here)
            self._lines[here] = line
            fields[key] = self._value(next(self._events), here, depth + 1)
        return fields

    def _alias(self, event: Any, depth: int) -> Json:
        line = event.start_mark.line + 1
        if event.anchor not in self._anchors:
            raise Unreadable(f"the anchor `{event.anchor[:80]}` is not defined before this line", line)
        value = self._anchors[event.anchor]
        self._count(_size(value), depth + _depth(value), line)
        return value

    def _count(self, nodes: int, depth: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} values in one file", line, "split the file")
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}", line)


def _scalar(event: Any, path: str, clamp: bool) -> Json:
    text = _text(event, path)
    if not event.implicit[0]:  # quoted, or a block
        return text
    for pattern, meaning in _PLAIN:
        if pattern.fullmatch(text):
            return _number(meaning, text, event.start_mark.line + 1, path, clamp)
    return text


def _number(meaning: Any, text: str, line: int, path: str, clamp: bool) -> Json:
    value = meaning(text) if len(text) <= 400 else None  # int() refuses thousands of digits in its own words
    too_large = isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER
    if too_large and clamp:
        return -MAX_SAFE_INTEGER if text.startswith("-") else MAX_SAFE_INTEGER
    if too_large or value in (float("inf"), float("-inf")) or len(text) > 400:
        raise Unreadable(f"the number `{text[:20]}` is too large", line, "write it as text, in quotes", path)
    return value


def _text(event: Any, path: str) -> str:
    text: str = event.value
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unreadable("text with a character that cannot be stored", event.start_mark.line + 1, path=path)
    return text


def _size(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _depth(value: Json) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


class _Dumper(yaml.SafeDumper):
    """Writes values so that the reader above, and any YAML 1.1 or 1.2 reader, finds the same ones."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the writer's own signature
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """A block for lines, quotes for what could be read as something else, else whatever the writer finds right."""
    if not all(char.isprintable() or char == "\n" for char in text):
        return '"'
    if "\n" in text.strip("\n"):
        return "|"
    return '"' if any(pattern.fullmatch(text) for pattern, _ in _PLAIN) else None


_Dumper.add_representer(str, _write_text)


def write(value: Json) -> str:
    """`value` as one YAML document, fields in their own order, long texts as blocks."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
