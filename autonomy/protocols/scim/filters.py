"""Filters and paths (RFC 7644 sections 3.4.2.2 and 3.5.2, figure 1 of each), read into a tree and judged. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autonomy.kernel.canonical import Json

from .faults import wrong
from .schemas import GROUP, USER

MAX_LENGTH = 2_000  # characters of a filter
MAX_TERMS = 60
MAX_DEPTH = 12

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>[(\[])|(?P<close>[)\]])
        |(?P<text>"(?:[^"\\]|\\.)*")
        |(?P<number>-?\d+(?:\.\d+)?(?![\w.:]))
        |(?P<word>\.?[A-Za-z$][\w$.:-]*)
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None}
_OWN = frozenset({USER.lower(), GROUP.lower()})
_EXACT = frozenset({"id", "externalid", "value"})
"""Attributes whose case counts (RFC 7643 sections 3.1 and 4.2). A `value` is exact only where nothing is above it."""

Path = tuple[str, ...]
"""An attribute and its part, each as written; an extension's URN stands first."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`path operator value`; the operator `pr` asks whether there is anything."""

    path: Path
    operator: str
    value: Json = None


@dataclass(frozen=True, slots=True)
class Both:
    first: Filter
    second: Filter


@dataclass(frozen=True, slots=True)
class Either:
    first: Filter
    second: Filter


@dataclass(frozen=True, slots=True)
class Neither:
    inner: Filter


@dataclass(frozen=True, slots=True)
class Has:
    """Whether one of several values fits: `emails[type eq "work"]`."""

    path: Path
    inner: Filter


Filter = Compare | Both | Either | Neither | Has


@dataclass(frozen=True, slots=True)
class Place:
    """What a patch is about: an attribute, those of its values that fit `chosen`, a part of them."""

    path: Path
    chosen: Filter | None = None
    part: str | None = None


def read_filter(text: str) -> Filter:
    """The filter that `text` is. Raises Invalid (`scim.filter`)."""
    reader = _Reader(text, "filter")
    found = reader.either(0)
    reader.end()
    return found


def read_place(text: str) -> Place:
    """The place that the path of a patch names. Raises Invalid (`scim.path`)."""
    reader = _Reader(text, "path")
    path = split(reader.word())
    chosen, part = None, None
    if reader.takes("["):
        chosen = reader.either(0)
        reader.must("]")
        if not reader.is_done():
            part = reader.word().removeprefix(".")
    elif len(path) > 1 and ":" not in path[-2]:
        path, part = path[:-1], path[-1]
    reader.end()
    return Place(path, chosen, part)


def split(word: str) -> Path:
    """`name.familyName` as its two parts. The URN of an extension before an attribute stays whole, that of a kind of
    resource itself says nothing."""
    urn, colon, rest = word.rpartition(":")
    if not colon:
        return tuple(word.split("."))
    # `…:2.0:User` alone is an extension itself: what stands behind its last colon is no attribute.
    if urn.lower().endswith((":2.0", ":1.0")):
        return (word,)
    parts = tuple(rest.split("."))
    return parts if urn.lower() in _OWN else (urn, *parts)


def holds(found: Filter, resource: Mapping[str, Json]) -> bool:
    """Whether a resource (or one value of it) passes the filter."""
    match found:
        case Both(first, second):
            return holds(first, resource) and holds(second, resource)
        case Either(first, second):
            return holds(first, resource) or holds(second, resource)
        case Neither(inner):
            return not holds(inner, resource)
        case Has(path, inner):
            return any(isinstance(each, Mapping) and holds(inner, each) for each in values_at(resource, path))
        case Compare(path, operator, value):
            values = list(values_at(resource, path))
            if operator == "pr":
                return any(each not in (None, "", [], {}) for each in values)
            exact = len(path) == 1 and path[0].lower() in _EXACT
            if operator == "ne":
                return not any(_compared("eq", each, value, exact) for each in values)
            return any(_compared(operator, each, value, exact) for each in values)


def values_at(resource: Mapping[str, Json], path: Path) -> Iterator[Json]:
    """Every value at a path; those of a list one by one, and of what has parts its `value`."""
    if not path:
        return
    found = get(resource, path[0])
    for each in found if isinstance(found, list) else [found]:
        if len(path) > 1 and isinstance(each, Mapping):
            yield from values_at(each, path[1:])
        elif len(path) == 1 and each is not None:
            yield each


def get(resource: Mapping[str, Json], name: str) -> Json:
    """The attribute of this name in any case; None where there is none."""
    lowered = name.lower()
    return next((value for key, value in resource.items() if key.lower() == lowered), None)


def equality(found: Filter | None, name: str) -> str | None:
    """The text that `name` must equal for the filter to pass, where that is all it asks."""
    if (
        isinstance(found, Compare)
        and found.operator == "eq"
        and [part.lower() for part in found.path] == [name.lower()]
    ):
        return found.value if isinstance(found.value, str) else None
    return None


class _Reader:
    """Reads tokens from left to right; `or` binds weaker than `and`, `and` weaker than `not`."""

    def __init__(self, text: str, kind: str) -> None:
        self._kind = kind
        if not 0 < len(text) <= MAX_LENGTH:
            raise self._fault(f"it has not 1 to {MAX_LENGTH} characters")
        self._tokens = list(self._read(text))
        self._at = 0
        self._terms = 0

    def either(self, depth: int) -> Filter:
        """Terms joined by `or`."""
        found = self._both(depth)
        while self._word_is("or"):
            found = Either(found, self._both(depth))
        return found

    def word(self) -> str:
        """The next token, which must be a name."""
        kind, text = self._next()
        if kind != "word":
            raise self._fault(f"`{text[:40]}` stands where a name should")
        return text

    def takes(self, text: str) -> bool:
        """Take the next token if it is this one."""
        if self._at < len(self._tokens) and self._tokens[self._at][1] == text:
            self._at += 1
            return True
        return False

    def must(self, text: str) -> None:
        """Take the next token, which must be this one."""
        if not self.takes(text):
            raise self._fault(f"`{text}` is missing")

    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._tokens)

    def end(self) -> None:
        """Nothing may be left."""
        if not self.is_done():
            raise self._fault(f"`{self._tokens[self._at][1][:40]}` is too much")

    def _both(self, depth: int) -> Filter:
        found = self._term(depth)
        while self._word_is("and"):
            found = Both(found, self._term(depth))
        return found

    def _term(self, depth: int) -> Filter:
        self._terms += 1
        if depth > MAX_DEPTH or self._terms > MAX_TERMS:
            raise self._fault("it asks too much at once")
        if self._word_is("not"):
            self.must("(")
            return Neither(self._closed(depth, ")"))
        if self.takes("("):
            return self._closed(depth, ")")
        path = split(self.word())
        if self.takes("["):
            return Has(path, self._closed(depth, "]"))
        operator = self.word().lower()
        if operator == "pr":
            return Compare(path, operator)
        if operator not in _OPERATORS:
            raise self._fault(f"`{operator[:40]}` is no operator")
        return Compare(path, operator, self._value())

    def _closed(self, depth: int, end: str) -> Filter:
        found = self.either(depth + 1)
        self.must(end)
        return found

    def _value(self) -> Json:
        kind, text = self._next()
        if kind == "word" and text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if kind in ("text", "number"):
            try:
                return json.loads(text)
            except ValueError:
                pass
        raise self._fault(f"`{text[:40]}` is no value")

    def _word_is(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].lower() == word:
            self._at += 1
            return True
        return False

    def _next(self) -> tuple[str, str]:
        if self.is_done():
            raise self._fault("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        at, text = 0, text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._fault(f"`{text[at : at + 20]}` cannot be read")
            at = found.end()
            yield str(found.lastgroup), found[str(found.lastgroup)]

    def _fault(self, why: str) -> Exception:
        return wrong(f"the {self._kind} is not understood: {why}", self._kind)


def _compared(operator: str, found: Json, wanted: Json, exact: bool) -> bool:
    if isinstance(found, Mapping):
        found = get(found, "value")
    if isinstance(found, str) and isinstance(wanted, str):
        if not exact:
            found, wanted = found.casefold(), wanted.casefold()
        return _TEXTS[operator](found, wanted)
    if isinstance(found, bool) or isinstance(wanted, bool) or wanted is None:
        return operator == "eq" and found is wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float) and operator in _NUMBERS:
        return _NUMBERS[operator](found, wanted)
    return False


_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, wanted: found == wanted,
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}
_TEXTS: dict[str, Callable[[Any, Any], bool]] = _NUMBERS | {
    "co": lambda found, wanted: wanted in found,
    "sw": lambda found, wanted: found.startswith(wanted),
    "ew": lambda found, wanted: found.endswith(wanted),
}
