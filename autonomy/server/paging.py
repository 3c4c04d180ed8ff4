"""Pages of lists that lie in memory, by a cursor that stays right while the list changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def page(
    items: Iterable[T], key: Callable[[T], str], after: str | None, limit: int, newest_first: bool = False
) -> tuple[list[T], str | None]:
    """The `limit` items after the key `after`, and the key to go on from; None where the list ends.

    Keys are unique and are ordered here: rising, or falling with `newest_first`.
    """
    ordered = sorted(items, key=key, reverse=newest_first)
    beyond = (item for item in ordered if after is None or _is_beyond(key(item), after, newest_first))
    found = list(islice(beyond, limit + 1))
    return cut(found, key, limit)


def cut(found: list[T], key: Callable[[T], str], limit: int) -> tuple[list[T], str | None]:
    """The first `limit` of what was found, of which one more was asked for, and the key to go on from."""
    if len(found) <= limit:
        return found, None
    kept = found[:limit]
    return kept, key(kept[-1])


def _is_beyond(key: str, after: str, falling: bool) -> bool:
    return key < after if falling else key > after
