"""From the rows of an episode to the same rows about another agent, at another time, under other names.

A name, a moment or a day that stands anywhere in a row, in its text, its JSON or what it holds sealed, becomes a slot.
Slots are filled with text of the same length, so that what was encoded stays readable.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from autonomy.kernel.clock import DAY
from autonomy.kernel.ids import new_id

NAMED = re.compile(r"(?:act|run|task|case|lbl|inc)_([0-9a-hjkmnp-tv-z]{26})")
NONCE_BYTES = 12
NEAR = 400 * DAY  # what lies further from the episode is no moment of it
FAR = 365 * DAY  # later than it was asked does an open question run out

Values = Sequence[str]
Filler = Callable[[Values], Any]


class Actor(NamedTuple):
    """What rows say of an agent."""

    name: str
    core: str
    revision: str

    @property
    def number(self) -> str:
        return self.name.rpartition("-")[2]


@dataclass(slots=True)
class Slots:
    """The slots of one episode, by what stood there: told apart by kind."""

    begun: int
    actor: Actor
    day: str
    kept: frozenset[str]  # names of what was there before: they stay
    tokens: dict[tuple[str, Any], int] = field(default_factory=dict)

    def of(self, kind: str, token: Any) -> int:
        return self.tokens.setdefault((kind, token), len(self.tokens))

    def pattern(self, text: str) -> str | Filler:
        """The text where it has no slots, else what fills them."""
        found, at, slots = [], 0, []
        for match in self._looked_for().finditer(text):
            slot = self._slot(match)
            if slot is not None:
                start = match.start() + (len(match[0]) - 26 if match.lastgroup == "named" else 0)
                found.append(text[at:start].replace("%", "%%"))
                slots.append(slot)
                at = match.end()
        if not slots:
            return text
        form, pick = "%s".join([*found, text[at:].replace("%", "%%")]), itemgetter(*slots)
        return lambda values: form % pick(values)

    def word(self, text: str) -> str | Filler:
        """The same for a word of a text: of a name and a day it may be a part."""
        year, month, day = self.day.split("-")
        parts = {self.actor.number: "number", year: "year", month: "month", day: "day of month"}
        if text in parts:
            return itemgetter(self.of(parts[text], text))
        return self.pattern(text)

    def packed(self, value: bytes) -> Filler:
        """The same for bytes."""
        found = self.pattern(value.decode("latin-1"))
        if isinstance(found, str):
            return lambda _values: value
        return lambda values: found(values).encode("latin-1")

    def filling(self, at: int, actor: Actor, day: str) -> list[str]:
        """What fills the slots where the episode begins at `at`."""
        later = at - self.begun
        fill: Mapping[str, Callable[[Any], str]] = {
            "named": lambda _: new_id("x", at)[2:],
            "moment": lambda moment: str(moment + later),
            "binary": lambda moment: "\xcf" + struct.pack(">Q", moment + later).decode("latin-1"),
            "agent": lambda _: actor.name,
            "number": lambda _: actor.number,
            "core": lambda _: actor.core,
            "revision": lambda _: actor.revision,
            "day": lambda _: day,
            "year": lambda _: day[:4],
            "month": lambda _: day[5:7],
            "day of month": lambda _: day[8:],
        }
        return [fill[kind](token) for kind, token in self.tokens]

    def _looked_for(self) -> re.Pattern[str]:
        named = f"(?P<named>{NAMED.pattern.replace('([', '(?:[')})"
        moments = r"(?P<moment>(?<!\d)\d{13}(?!\d))|(?P<binary>\xcf[\x00-\xff]{8})"
        agent = f"(?P<core>{self.actor.core})|(?P<agent>{self.actor.name})|(?P<revision>{self.actor.revision})"
        return re.compile(f"{named}|{moments}|{agent}|(?P<day>{self.day})", re.DOTALL)

    def _slot(self, match: re.Match[str]) -> int | None:
        kind, token = str(match.lastgroup), match[0]
        if kind == "named":
            return None if token[-26:] in self.kept else self.of(kind, token[-26:])
        if kind == "moment":
            return self.of(kind, int(token)) if self.is_near(int(token)) else None
        if kind == "binary":
            (moment,) = struct.unpack(">Q", token[1:].encode("latin-1"))
            return self.of(kind, moment) if self.is_near(moment) else None
        return self.of(kind, token)

    def is_near(self, moment: int) -> bool:
        return abs(moment - self.begun) < NEAR


class RowPattern:
    """A row of a table, ready to be said of another time. `call` it with the values, how much later it is, and how
    much further the log has come."""

    def __init__(self, row: Sequence[Any], slots: Slots, places: Sequence[int], far: Sequence[int]) -> None:
        self._row = list(row)
        self._texts: list[tuple[int, Filler]] = []
        self._moments: list[tuple[int, int]] = []
        self._places = [at for at in places if row[at] is not None]
        for at, value in enumerate(row):
            if isinstance(value, str):
                if callable(found := slots.pattern(value)):
                    self._texts.append((at, found))
            elif isinstance(value, int) and not isinstance(value, bool) and slots.is_near(value):
                self._moments.append((at, FAR if at in far else 0))

    def seal(self, at: int, fill: Filler) -> None:
        """Fill this column so."""
        self._texts.append((at, fill))

    def __call__(self, values: Values, later: int, further: int) -> list[Any]:
        row = self._row.copy()
        for at, fill in self._texts:
            row[at] = fill(values)
        for at, more in self._moments:
            row[at] += later + more
        for at in self._places:
            row[at] += further
        return row


def sealing(box: AESGCM, value: Filler, *names: str | Filler) -> Filler:
    """What seals `value` anew, bound to the names of where it lies."""

    def fill(values: Values) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        bound = "\x1f".join(name if isinstance(name, str) else name(values) for name in names)
        return nonce + box.encrypt(nonce, value(values), bound.encode())

    return fill
