"""The values of a list while a patch changes them: found by what they are, so that many operations on many values are
no more work than both together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .documents import MAX_VALUES, Document
from .faults import wrong
from .filters import Filter, equality, get, holds

MAX_COMPARISONS = 250_000  # of one patch: a second's work; where clients name values by `value`, they need none


class Effort:
    """Counts the values that one patch has to look through."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def spend(self, count: int) -> None:
        """Raise Invalid (`scim.value`) rather than look at `count` more where these are too many."""
        self._left -= count
        if self._left < 0:
            hint = "send fewer operations at a time, or choose values by `value eq`"
            raise wrong("the operations compare too many values", hint=hint)


class Values:
    """The values of the attribute `name`. Two of them are the same one by their `value` and type."""

    def __init__(self, name: str, held: Json, effort: Effort) -> None:
        listed = held or []
        effort.spend(len(listed) if isinstance(listed, list) else 0)
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise wrong(f"`{name}` is not a list of objects")
        self._name = name
        self._effort = effort
        self._held: dict[int, Document] = dict(enumerate(listed))
        self._next = len(listed)
        self._by_value: dict[str, dict[int, None]] | None = None

    def __iter__(self) -> Iterator[Document]:
        return iter(self._held.values())

    def add(self, new: Sequence[Json]) -> None:
        """Put `new` at the end, each in place of the same ones. Raises Invalid: too many, or no objects."""
        if len(new) > MAX_VALUES:
            raise self._too_many()
        self.drop(new)
        if len(self._held) + len(new) > MAX_VALUES:
            raise self._too_many()
        for each in new:
            if not isinstance(each, dict):
                raise wrong(f"a value of `{self._name}` is an object")
            number = self._put(each)
            if each.get("primary") is True:
                self.make_primary(number)

    def drop(self, named: Iterable[Json]) -> None:
        """Take away those that are the same as one of `named`."""
        for kind, value in {_key(each) for each in named}:
            alike = list(self._index().get(value, ()))
            self._effort.spend(len(alike))
            for number in alike:
                if _key(self._held[number])[0] == kind:
                    self._take(number)

    def append(self, new: Document) -> int:
        """Put `new` at the end, whatever there is; its number. Raises Invalid where they are too many."""
        if len(self._held) >= MAX_VALUES:
            raise self._too_many()
        return self._put(new)

    def fitting(self, chosen: Filter) -> list[int]:
        """The numbers of those that the filter chooses."""
        wanted = equality(chosen, "value")
        numbers = list(self._held) if wanted is None else list(self._index().get(wanted, ()))
        self._effort.spend(len(numbers))
        return [number for number in numbers if holds(chosen, self._held[number])]

    @contextmanager
    def changing(self, number: int) -> Iterator[Document]:
        """The value of this number, to be changed."""
        held = self._held[number]
        self._index()[_key(held)[1]].pop(number)
        yield held
        self._index().setdefault(_key(held)[1], {})[number] = None

    def take(self, numbers: Iterable[int]) -> None:
        """Take away those of these numbers."""
        for number in numbers:
            self._take(number)

    def everything(self) -> list[Document]:
        """All of them, to be changed."""
        self._effort.spend(len(self._held))
        self._by_value = None
        return list(self._held.values())

    def make_primary(self, kept: int) -> None:
        """None but the one of this number is primary."""
        self._effort.spend(len(self._held))
        for number, each in self._held.items():
            if number != kept and each.get("primary") is True:
                each["primary"] = False

    def _index(self) -> dict[str, dict[int, None]]:
        if self._by_value is None:
            self._effort.spend(len(self._held))
            self._by_value = {}
            for number, each in self._held.items():
                self._by_value.setdefault(_key(each)[1], {})[number] = None
        return self._by_value

    def _put(self, new: Document) -> int:
        number, self._next = self._next, self._next + 1
        self._held[number] = new
        if self._by_value is not None:
            self._by_value.setdefault(_key(new)[1], {})[number] = None
        return number

    def _take(self, number: int) -> None:
        self._index()[_key(self._held[number])[1]].pop(number)
        del self._held[number]

    def _too_many(self) -> Invalid:
        return wrong(f"`{self._name}` has more than {MAX_VALUES} values")


def _key(value: Json) -> tuple[str, str]:
    """By what two values are the same one: their type, which members of groups do not have, and their `value`."""
    if not isinstance(value, Mapping):
        return "", str(value)
    kind = str(get(value, "type") or "").lower()
    return "" if kind == "user" else kind, str(get(value, "value"))
