"""What is remembered of an argument: which types it had, between which numbers, how long. Pure.

Numbers leave their smallest and largest value, texts their length. Values themselves are kept only where somebody
asked for it, few and short, and never of an argument whose name is that of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from autonomy.kernel.canonical import Json

MAX_MEMBERS: Final = 100  # of one object; what comes after is not noted, and the report says so
MAX_DEPTH: Final = 8
MAX_VALUES: Final = 12  # a text with more different values is no choice among few
MAX_VALUE: Final = 40  # characters

_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?$|secret|token|api[_-]?key|credential|authorization|cookie|private[_-]?key|\bpin\b|iban"
    r"|session|signature|otp",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"(^|_)(ids?|keys?|number|no|code|ref|reference)(_\d+)?$|[a-z](Id|Key|Number|Code|Ref)s?$")
_LENGTHS = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 1_000_000)


@dataclass(slots=True)
class Shape:
    """One place in the arguments. `seen` counts how often it was there; `more` says that members were left out."""

    seen: int = 0
    types: set[str] = field(default_factory=set)
    low: float | None = None
    high: float | None = None
    longest: int = 0
    values: set[str] | None = None
    members: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    more: bool = False

    def note(self, value: Json, keep_values: bool, depth: int = 0) -> None:
        """Take a value in."""
        self.seen += 1
        self.types.add(kind_of(value))
        if isinstance(value, str):
            self._text(value, keep_values)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)
        elif depth >= MAX_DEPTH:
            self.more = isinstance(value, (dict, list)) or self.more
        elif isinstance(value, dict):
            self._object(value, keep_values, depth)
        elif isinstance(value, list):
            self._list(value, keep_values, depth)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of what was seen here and nothing else."""
        types = sorted(self.types - ({"integer"} if "number" in self.types else set()))
        found: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
        if self.low is not None and self.high is not None:
            found |= {"minimum": self.low, "maximum": self.high}
        if self.longest:
            found["maxLength"] = next((length for length in _LENGTHS if length >= self.longest), self.longest)
        if self.values and self.types == {"string"}:
            found = {"type": "string", "enum": sorted(self.values)}
        if "object" in self.types:
            found |= self._members()
        if self.items is not None:
            found["items"] = self.items.schema()
        return found

    def dump(self) -> dict[str, Any]:
        """The shape in JSON, as `load` reads it."""
        found: dict[str, Any] = {"seen": self.seen, "types": sorted(self.types)}
        found |= {name: value for name, value in (("low", self.low), ("high", self.high)) if value is not None}
        found |= {"longest": self.longest} if self.longest else {}
        found |= {"values": sorted(self.values)} if self.values is not None else {}
        found |= {"members": {name: one.dump() for name, one in self.members.items()}} if self.members else {}
        found |= {"items": self.items.dump()} if self.items else {}
        return found | ({"more": True} if self.more else {})

    def _text(self, value: str, keep_values: bool) -> None:
        self.longest = max(self.longest, len(value))
        if not keep_values:
            return
        if self.values is None:
            self.values = set()
        if self.seen == 1 or self.values:  # emptied for good where there were too many
            self.values.add(value)
        if len(value) > MAX_VALUE or len(self.values) > MAX_VALUES or not value.isprintable():
            self.values.clear()

    def _object(self, value: Mapping[str, Json], keep_values: bool, depth: int) -> None:
        for name, inner in value.items():
            if not name.isprintable() or (name not in self.members and len(self.members) >= MAX_MEMBERS):
                self.more = True
                continue
            member = self.members.setdefault(name, Shape())
            if is_secret(name) or (is_identifier(name) and isinstance(inner, (int, float))):
                member.seen += 1
                member.types.add(kind_of(inner))
            else:
                member.note(inner, keep_values and not is_identifier(name), depth + 1)

    def _list(self, value: list[Json], keep_values: bool, depth: int) -> None:
        self.items = self.items or Shape()
        for inner in value[:MAX_MEMBERS]:
            self.items.note(inner, keep_values, depth + 1)

    def _members(self) -> dict[str, Any]:
        required = sorted(name for name, one in self.members.items() if one.seen == self.seen)
        found: dict[str, Any] = {"properties": {name: one.schema() for name, one in sorted(self.members.items())}}
        return found | ({"required": required} if required else {})


def load(value: Mapping[str, Any]) -> Shape:
    """The shape that was dumped."""
    values = value.get("values")
    return Shape(
        seen=value["seen"],
        types=set(value["types"]),
        low=value.get("low"),
        high=value.get("high"),
        longest=value.get("longest", 0),
        values=None if values is None else set(values),
        members={name: load(one) for name, one in value.get("members", {}).items()},
        items=load(value["items"]) if "items" in value else None,
        more=value.get("more", False),
    )


def kind_of(value: Json) -> str:
    """The JSON type of a value; whole numbers are integers."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    names = {int: "integer", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def is_secret(name: str) -> bool:
    """Whether an argument of this name may hold a secret."""
    return bool(_SECRET.search(name))


def is_identifier(name: str) -> bool:
    """Whether an argument of this name says which one is meant, so that its bounds say nothing."""
    return bool(_IDENTIFIER.search(name))
