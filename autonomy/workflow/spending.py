"""What a run may spend: its own cap, and what was left to whoever began it inside another. Pure."""

from __future__ import annotations

from .definition import Definition
from .model import State


def limit(definition: Definition, state: State) -> int | None:
    """What the run may spend in all, in minor units of the base currency; None where nothing limits it."""
    return min((one for one in (definition.caps.spend, state.allowance) if one is not None), default=None)


def left(definition: Definition, state: State) -> int | None:
    """What it may still spend."""
    most = limit(definition, state)
    return None if most is None else max(0, most - state.spent)
