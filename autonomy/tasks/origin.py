"""Where work comes from, the first first: who or what began it, and the workflows and tasks on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .model import PERSON

MAX_ORIGIN = 20  # names that are kept, the latest, and every person among them


def kept(chain: Iterable[str]) -> tuple[str, ...]:
    """What is remembered of where something comes from: each name once. People stay, however long the way is: they do
    not decide what they began."""
    once = tuple(dict.fromkeys(chain))
    return (*(one for one in once[:-MAX_ORIGIN] if one.startswith(PERSON)), *once[-MAX_ORIGIN:])
