"""Whether what a run has asked for is still to be begun: looked at before it is, wherever that may be. Pure."""

from __future__ import annotations

from typing import Literal

from . import paths
from .model import Command, State
from .turn import BEGINS_WORK, is_owed

Standing = Literal["wanted", "held back", "withdrawn", "gone"]
"""`held back`: the run rests. `withdrawn`: its step is stopping, and waits for the answer. `gone`: nobody does."""


def standing(state: State, command: Command) -> Standing:
    """How it stands with a command that nobody has begun to carry out."""
    if not isinstance(command, BEGINS_WORK):
        return "wanted"
    place = paths.place(state.run, command.id)
    found = None if place is None else state.steps.get(place.path)
    awaited = found if found is not None and not state.ended and command.id in found.open else None
    if awaited is None and not is_owed(command):
        return "gone"
    if awaited is not None and awaited.state == "stopping":
        return "withdrawn"
    return "held back" if state.rests else "wanted"
