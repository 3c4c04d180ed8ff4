"""JSON on the way into an expression and what it says on the way out: bounded, and of the declared kinds. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from autonomy.kernel.canonical import MAX_DEPTH, MAX_SAFE_INTEGER, Json, check_text
from autonomy.kernel.errors import Invalid, TooLarge

from .types import ANY, Type

MAX_BYTES = 262_144  # of the values one expression reads, and of its result; larger data is worked on by tools
MAX_INTEGER = 2**63 - 1  # CEL's integers have 64 bits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Trie = dict[str, Any]
"""What is read of a value: name → the same for what stands under it, or the Type where all of it is read."""


def trie(paths: Mapping[tuple[str, ...], Type]) -> Trie:
    """The paths as one tree; a path inside another is part of that one."""
    root: Trie = {}
    for path in sorted(paths, key=len):
        here = root
        for name in path[:-1]:
            inner = here.setdefault(name, {})
            if not isinstance(inner, dict):
                break
            here = inner
        else:
            here.setdefault(path[-1], paths[path])
    return root


def at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What stands at `path`; None where nothing does."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


class Intake:
    """Takes in the values of one evaluation, as far as they are read."""

    def __init__(self) -> None:
        self.size = 0  # about as many bytes as the values have as JSON
        self.longest = 0  # members of the largest list or object

    def take(self, value: Json, wanted: Trie | Type, depth: int = 0) -> Any:
        """The value as the engine gets it. Raises Invalid (`expression.value`) or TooLarge."""
        if not isinstance(wanted, dict):
            return self._whole(value, wanted, depth)
        if not isinstance(value, dict):
            return self._whole(value, ANY, depth)
        return {name: self.take(value[name], inner, depth + 1) for name, inner in wanted.items() if name in value}

    def _whole(self, value: Json, kind: Type, depth: int) -> Any:
        self._count(1)
        if depth > MAX_DEPTH:
            raise Invalid(f"a value is nested deeper than {MAX_DEPTH}", code="expression.value")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._count(len(value))
            return _text(value)
        if isinstance(value, (int, float)):
            return _number(value, kind)
        if isinstance(value, list):
            self._count(len(value), len(value))
            return [self._whole(one, kind.items or ANY, depth + 1) for one in value]
        if isinstance(value, dict):
            return self._members(value, kind, depth)
        raise Invalid(f"a {type(value).__name__} is no JSON", code="expression.value")

    def _members(self, value: dict[str, Json], kind: Type, depth: int) -> dict[str, Any]:
        self._count(len(value), len(value))
        for name in value:
            if not isinstance(name, str):
                raise Invalid("a key is not a text", code="expression.value")
            self._count(len(name))
            _text(name)
        # Sorted, so that the order in which a program wrote an object never shows in a result.
        return {name: self._whole(value[name], kind.member(name), depth + 1) for name in sorted(value)}

    def _count(self, size: int, members: int = 0) -> None:
        self.size += size
        self.longest = max(self.longest, members)
        if self.size > MAX_BYTES:
            raise TooLarge(
                f"the values an expression reads are larger than {MAX_BYTES} bytes",
                code="expression.too_large",
                hint="let a tool work on data of this size, and read what comes out",
            )


def _text(value: str) -> str:
    try:
        check_text(value, "a text")
    except Invalid as error:
        raise Invalid(error.message, code="expression.value") from None
    if "\0" in value:  # the engine takes it for the end: two texts that differ behind it would be equal
        raise Invalid("a text holds U+0000", code="expression.value", hint="leave it out")
    return value


def _number(value: int | float, kind: Type) -> Any:
    """The number as its kind says: whole numbers stay whole, a `number` is always a float, milliseconds are a time."""
    if kind.kind in ("timestamp", "duration"):
        return _time(value, kind)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Invalid(f"the number `{str(value)[:20]}…` has more than 64 bits", code="expression.value")
        return float(value) if kind.kind == "number" else value
    if not math.isfinite(value):
        raise Invalid("a number is not finite", code="expression.value")
    return int(value) if kind.kind == "integer" and value.is_integer() and abs(value) <= MAX_INTEGER else value


def _time(value: int | float, kind: Type) -> datetime | timedelta:
    try:
        length = timedelta(milliseconds=value)
        return _EPOCH + length if kind.kind == "timestamp" else length
    except (OverflowError, ValueError):
        raise Invalid("a time is out of range", code="expression.value") from None


class Outcome:
    """Turns what the engine computed into JSON."""

    def __init__(self) -> None:
        self._size = 0

    def json(self, value: Any, depth: int = 0) -> Json:
        """The result as JSON. Raises Invalid (`expression.result`) for what has no such form, TooLarge."""
        self._count(1)
        if depth > MAX_DEPTH:
            raise _unfit(f"is nested deeper than {MAX_DEPTH}")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._count(len(value))
            return value
        if isinstance(value, (int, float)):
            return _safe(value)
        if isinstance(value, (list, dict)):
            return self._several(value, depth)
        if isinstance(value, datetime):
            return _rfc3339(value)
        if isinstance(value, timedelta):
            return _safe(value // timedelta(milliseconds=1))
        raise _unfit("is bytes or a type", "write a number, a text, a list or an object")

    def _several(self, value: list[Any] | dict[Any, Any], depth: int) -> Json:
        if isinstance(value, list):
            return [self.json(one, depth + 1) for one in value]
        for name in value:
            if not isinstance(name, str):
                raise _unfit(f"has the key `{name}`", "keys of an object are texts")
            self._count(len(name))
        return {name: self.json(value[name], depth + 1) for name in sorted(value)}

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_BYTES:
            raise TooLarge(f"the result is larger than {MAX_BYTES} bytes", code="expression.too_large")


def _safe(value: int | float) -> Json:
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise _unfit("is beyond 2^53", "write `string(…)` around it")
    if not math.isfinite(value):
        raise _unfit("is not a finite number")
    return value


def _rfc3339(value: datetime) -> str:
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def _unfit(reason: str, hint: str = "") -> Invalid:
    return Invalid(f"the result {reason}", code="expression.result", hint=hint)
