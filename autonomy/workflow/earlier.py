"""States of the first version, in which what was remembered of a step stood in one field without a type. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from autonomy.kernel.canonical import Json

from .model import Given, Items, Known, Round, State

_NUMBERS = {
    "late_of": "untold",
    "known_of": "told",
    "output_of": "output_of",
    "undo": "undo",
    "undone": "undone_by",
    "undone_of": "undo_told",
}


class Version(Struct):
    """The version of a stored state; the first one did not say it."""

    version: int = 1


def read(data: bytes) -> State:
    """Raises msgspec.DecodeError where it is none."""
    state: dict[str, Any] = msgspec.msgpack.decode(data, type=dict[str, Any])
    for step in state.get("steps", {}).values():
        _name(step, step.pop("data", None) or {})
    state.pop("version", None)
    return msgspec.convert(state, State)


def _name(step: dict[str, Any], found: dict[str, Any]) -> None:
    """Put what was remembered of a step under the names that it has now."""
    found = {**(found.get("before") or {}), **found}
    step["known"] = msgspec.to_builtins(_known(found))
    step["given"] = {name: found[name] for name in Given.__struct_fields__ if name in found}
    step["unasked"] = "unasked" in found
    loop: Items | Round | None = None
    if "items" in found:
        loop = _items(found, step.get("attempt", 1))
    elif "round" in found:
        loop = Round(found["round"], found.get("previous"))
    step["loop"] = msgspec.to_builtins(loop)


def _known(found: dict[str, Any]) -> Known:
    numbers = {name: found[key] for key, name in _NUMBERS.items() if key in found}
    return Known("late" in found, found.get("late"), stays=found.get("left") is True, **numbers)


def _items(found: dict[str, Any], attempt: int) -> Items:
    results, next = found["results"], found["next"]
    left = found.get("left", True)
    left = 0 if left is True else left  # the word stood for `stays` too, of a loop that was done
    begun: list[int] = found["begun"] if "begun" in found else _not_done(results, next)
    earlier: dict[int, list[Json]] = {int(of): items for of, items in found.get("earlier", {}).items()}
    return Items(found["items"], results, left, found.get("of", attempt), next, tuple(begun), earlier)


def _not_done(results: list[Json], next: int) -> list[int]:
    """The items under way, where that was not written down yet: those begun that came to nothing so far."""
    return [number for number in range(next) if results[number] is None]
