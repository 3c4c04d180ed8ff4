"""Names inside a run: paths of steps, and the ids of commands made of them. Pure.

A path is `OUTER[KEY]/INNER`; the *prefix* of a step is all of it up to its own name, `OUTER[KEY]/`, and empty for the
workflow's own steps. The key is the number of an item or a round, or the name of a branch; `2.KEY` at a second attempt.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from autonomy.kernel import ids


class Place(NamedTuple):
    """What the id of a command says: the step's path (empty for the run itself), its attempt, and the part."""

    path: str
    attempt: int
    part: str


def split(path: str) -> tuple[str, str]:
    """The prefix of a path and the step's own name."""
    cut = path.rfind("/") + 1
    return path[:cut], path[cut:]


def inner(path: str, attempt: int, key: str | int) -> str:
    """The prefix of the steps inside `path`."""
    return f"{path}[{key}]/" if attempt <= 1 else f"{path}[{attempt}.{key}]/"


def owner(prefix: str) -> str:
    """The path of the step that the steps with this prefix are inside of; empty for the workflow's own."""
    return prefix[: prefix.rfind("[")] if prefix else ""


def key(prefix: str) -> str:
    """The number or name in the last brackets of a prefix, without the attempt."""
    return prefix[prefix.rfind("[") + 1 : -2].rpartition(".")[2]


def attempt(prefix: str) -> int:
    """The attempt of the outer step that a prefix belongs to."""
    said = prefix[prefix.rfind("[") + 1 : -2].rpartition(".")[0]
    return int(said) if said else 1


def command(run: str, path: str, attempt: int, part: str = "") -> str:
    """The id of a command."""
    return f"{run}:{path}:{attempt}:{part}" if part else f"{run}:{path}:{attempt}"


def place(run: str, id: str) -> Place | None:
    """What an id of a command of `run` says; None where it is none of its own."""
    if not id.startswith(run + ":"):
        return None
    path, _, rest = id[len(run) + 1 :].partition(":")
    number, _, part = rest.partition(":")
    return Place(path, int(number), part) if number.isascii() and number.isdigit() and len(number) < 10 else None


def is_effect(run: str, id: str) -> bool:
    """Whether a command is what a step of `run` does or what undoes it, not a question or a timer: it may have had an
    effect."""
    found = place(run, id)
    if found is None or not found.path:
        return False
    return not found.part or found.part.removeprefix("undo.").isdigit()


def derived(prefix: str, command: str) -> str:
    """An id made of a command's id, of the form of the house's: the same whoever asks, and how often."""
    return f"{prefix}_{ids.encode(int.from_bytes(hashlib.sha256(command.encode()).digest()[:16], 'big'), 26)}"
