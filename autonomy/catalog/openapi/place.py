"""A value in a document and where it stands; and the words a document may use there."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from autonomy.kernel.canonical import Json


def words(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


class Place(NamedTuple):
    """A value and the JSON Pointer by which it was reached."""

    value: Json
    pointer: str

    def inside(self, step: str | int) -> Place:
        """The value of a key or an index in it, which must be there."""
        return Place(self.value[step], f"{self.pointer}/{str(step).replace('~', '~0').replace('/', '~1')}")


class Follows(Protocol):
    """What can tell where references lead."""

    is_3_0: bool

    @property
    def value(self) -> Json:
        """The whole document."""

    def follow(self, place: Place) -> Place:
        """The place that is meant: itself, or where its reference leads. Raises Invalid."""

    def at(self, reference: Json) -> Place:
        """Where a reference leads. Raises Invalid."""
