"""A run that cannot be read any more ends all the same, by what its row and its commands still tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autonomy.kernel.errors import Corrupt
from autonomy.tasks.model import PRIORITY_WORDS

from . import paths
from .codec import DAMAGED, SEALED, Unreadable
from .definitions import MISSING
from .model import Command, RaiseException, State
from .rules import Advanced, halt
from .turn import BEGINS_WORK, is_owed

FOR_EVER = frozenset({SEALED, DAMAGED, MISSING})
"""Codes of what is not as it was written, whoever reads it. What only the words of a newer process are in is left for
one."""

_GO_ON = frozenset({"withdraw", "reprioritise", "tell_children"})
"""Kinds of commands that come to their end by themselves once their run has ended."""


def because(error: Corrupt) -> str:
    """Why the run ends, the code first."""
    return f"{error.code}: {error.message}"


def lost(row: Any, commands: Iterable[tuple[str, Command | Unreadable]], at: int, error: Corrupt) -> Advanced:
    """The end of a run whose state is damaged. `row` is its row; of its `commands` (with their kinds) those are
    withdrawn whose effect may still happen, and who is asked for exceptions finds that there is one."""
    still_open = tuple(command.id for kind, command in commands if kind not in _GO_ON and not _is_owed(command))
    state = State(row.id, row.workflow, row.digest, "running", open=still_open, started=row.created_at)
    state.priority = PRIORITY_WORDS[row.priority]  # type: ignore[assignment]  # one of the words it was stored by
    state.written_off = True
    state.unsure = {id: 0 for id in still_open if paths.is_effect(state.run, id)}  # what they cost may become known
    return written_off(state, at, error)


def written_off(state: State, at: int, error: Corrupt) -> Advanced:
    """The end of a run that cannot go on, for what it is made of is damaged."""
    ended = halt(state, at, because(error))
    told = RaiseException(paths.command(state.run, "", 0, "unreadable"), "", "unreadable", because(error))
    return ended._replace(commands=(told, *ended.commands))


def forgotten(row: Any, error: Corrupt) -> State:
    """What is told of a run that ended before its state was damaged: nobody knows any more what it came to."""
    return State(row.id, row.workflow, row.digest, "stopped", because(error), written_off=True)


def _is_owed(command: Command | Unreadable) -> bool:
    return isinstance(command, BEGINS_WORK) and is_owed(command)
