"""What was seen of a system in use: which operations were called by whom, with arguments of which shape. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .shape import Shape, load

VERSION: Final = 1
MAX_OPERATIONS: Final = 2_000
MAX_CALLERS: Final = 200
NOBODY: Final = "unknown"

_ODD = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Operation:
    """One operation: how often it was called by whom, how often it failed, what it took, and what is known of it."""

    callers: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    shape: Shape = field(default_factory=Shape)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return self.callers.total()

    @property
    def is_known(self) -> bool:
        """Whether it is known how to call it: by a request that was seen, or a definition that was listed."""
        return "method" in self.about or "wording" in self.about


@dataclass(slots=True)
class Seen:
    """All of it. `left_out` counts calls of operations, or by callers, beyond what is kept; `shown` are the headers by
    which callers showed who they are, each with the scheme before what was shown, which is not kept."""

    keep_values: bool = False
    operations: dict[str, Operation] = field(default_factory=dict)
    left_out: int = 0
    shown: dict[str, str] = field(default_factory=dict)

    def call(self, name: str, caller: str, arguments: Json, about: Mapping[str, Any] | None = None) -> None:
        """Note one call."""
        if name not in self.operations and len(self.operations) >= MAX_OPERATIONS:
            self.left_out += 1
            return
        operation = self.operations.setdefault(name, Operation())
        known = {one for each in self.operations.values() for one in each.callers}
        operation.callers[caller if caller in known or len(known) < MAX_CALLERS else NOBODY] += 1
        operation.shape.note(arguments if isinstance(arguments, dict) else {}, self.keep_values)
        for key, value in (about or {}).items():
            known_before = operation.about.get(key)
            operation.about[key] = known_before | value if isinstance(known_before, dict) else value

    def failure(self, name: str) -> None:
        """Note that a call was answered with an error."""
        if name in self.operations:
            self.operations[name].failed += 1

    def describe(self, name: str, about: Mapping[str, Any]) -> None:
        """Note what the system says of an operation that was called."""
        if name in self.operations:
            self.operations[name].about.update(about)

    @property
    def callers(self) -> list[str]:
        return sorted({caller for operation in self.operations.values() for caller in operation.callers})

    def dump(self) -> dict[str, Any]:
        """All of it in JSON, as `restored` reads it."""
        operations = {
            name: {
                "callers": dict(sorted(one.callers.items())),
                "failed": one.failed,
                "shape": one.shape.dump(),
                "about": one.about,
            }
            for name, one in sorted(self.operations.items())
        }
        return {"version": VERSION, "left_out": self.left_out, "shown": self.shown, "operations": operations}


def restored(value: Json, keep_values: bool) -> Seen:
    """What was seen before; raises Invalid (`record.file`) for a file that says something else."""
    try:
        if value["version"] != VERSION:
            raise ValueError
        operations = {
            name: Operation(Counter(one["callers"]), one["failed"], load(one["shape"]), one["about"])
            for name, one in value["operations"].items()
        }
        return Seen(keep_values, operations, value["left_out"], dict(value["shown"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid(
            "this is no record of what was seen", code="record.file", hint="record into a new folder"
        ) from None


def caller_name(said: Json) -> str:
    """Who calls, as far as they say: letters, digits and dashes, 30 characters at most."""
    words = _ODD.sub("-", said.lower())[:30].strip("-") if isinstance(said, str) else ""
    return words or NOBODY


def count_of(number: int, thing: str) -> str:
    """`1 call`, `3 calls`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
