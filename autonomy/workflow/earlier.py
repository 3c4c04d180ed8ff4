"""States of the first version, in which what was remembered of a step stood in one field without a type. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from autonomy.kernel.canonical import Json

from . import paths
from .model import Given, Items, Known, Round, State
from .turn import SETTLED


class Version(Struct):
    """The version of a stored state; the first one did not say it."""

    version: int = 1


class _Data(Struct, kw_only=True):
    """What was remembered of a step."""

    late: Json | msgspec.UnsetType = msgspec.UNSET
    late_of: int = 0
    known_of: int = 0
    output_of: int = 0
    undo: int = 0
    undone: int = 0
    undone_of: int = 0
    left: int | bool = 0
    before: _Data | None = None
    arguments: Json = None
    role: str = ""
    handed: Json = None
    returned: str = ""
    unasked: bool = False
    round: int | None = None
    previous: Json = None
    items: list[Json] | None = None
    results: list[Json] = []
    of: int = 0
    next: int = 0
    begun: tuple[int, ...] | None = None
    earlier: dict[int, list[Json]] = {}


Steps = dict[str, dict[str, Any]]


def read(data: bytes) -> State:
    """Raises msgspec.DecodeError where it is none."""
    state = msgspec.msgpack.decode(data, type=dict[str, Any])
    state.pop("version", None)
    steps = msgspec.convert(state.get("steps", {}), Steps)
    for path, step in steps.items():
        found = msgspec.convert(step.pop("data", None) or {}, _Data, strict=False)
        loop = _loop(steps, path, found.before or found)
        step |= {"known": _known(found), "given": _given(found), "unasked": found.unasked, "loop": loop}
    return msgspec.convert(state | {"steps": msgspec.to_builtins(steps)}, State)


def _known(found: _Data) -> Known:
    before = found.before or found
    was_done = found.late is not msgspec.UNSET
    return Known(
        was_done=was_done,
        output=found.late if was_done else None,
        untold=found.late_of,
        told=before.known_of,
        output_of=before.output_of,
        undo=found.undo or found.undone,
        undone_by=found.undone,
        undo_told=found.undone_of,
        stays=found.left is True,
    )


def _given(found: _Data) -> Given:
    return Given(found.arguments, found.role, found.handed, found.returned)


def _loop(steps: Steps, path: str, found: _Data) -> Items | Round | None:
    if found.round is not None:
        return Round(found.round, found.previous)
    if found.items is None:
        return None
    of = found.of or steps[path].get("attempt", 1)
    begun = _under_way(steps, path, of, found.next) if found.begun is None else found.begun
    left = 0 if found.left is True else found.left  # the word stood for `stays` too, of a loop that was done
    return Items(found.items, found.results, left, of, found.next, begun, found.earlier)


def _under_way(steps: Steps, path: str, of: int, next: int) -> tuple[int, ...]:
    """The items under way, where that was not written down yet: those with a step that is not settled."""
    prefixes = {number: paths.inner(path, of, number) for number in range(next)}
    going_on = [one for one, step in steps.items() if step.get("state") not in SETTLED]
    return tuple(number for number, prefix in prefixes.items() if any(one.startswith(prefix) for one in going_on))
