"""Who counts as having asked for something that people are asked about. Pure."""

from __future__ import annotations

from collections.abc import Iterable

_PERSON = "person:"


def requesters(origin: Iterable[str], accountable: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the people who are `accountable` for it, and of those among `origin` (`person:NAME`), which is where
    it comes from: nobody decides what they began, however it came."""
    began = (one.removeprefix(_PERSON) for one in origin if one.startswith(_PERSON))
    return tuple(sorted({*accountable, *began}))
