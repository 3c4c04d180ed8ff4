"""The words of a notice: what is to be told, and one telling of it on its way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from autonomy.kernel.canonical import Json


def nobody() -> tuple[str, ...]:
    """For news that concern nobody in person."""
    return ()


@dataclass(frozen=True, slots=True)
class News:
    """Something to be told: `facts` for machines, `subject` and `text` for people.

    `people` finds the names of those it concerns; it is called only where somebody is told in person. Nothing of this
    holds a value of an argument: a chat channel or a mailbox is no place for them.
    """

    kind: str
    facts: Mapping[str, Json]
    subject: str
    text: str
    people: Callable[[], Collection[str]] = nobody


@dataclass(frozen=True, slots=True)
class Notice:
    """One telling, by one channel to one recipient. `attempts` counts the one under way."""

    id: str
    channel: str
    recipient: str
    kind: str
    body: str
    attempts: int
