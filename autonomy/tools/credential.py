"""A credential of a system of record: a value that shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

REDACTED: Final = "[credential]"
MIN_SCRUBBED = 4  # characters; a shorter password could not be kept out of texts without destroying them


class Credential:
    """One version of a secret. `repr`, `str` and pickling never show the value; `reveal` is for the outbound socket.

    `given` stays the same while the system only renews what a person stored; None where its store knows no renewals.
    """

    __slots__ = ("_value", "given", "name", "version")

    def __init__(self, name: str, version: int, value: str, given: int | None = None) -> None:
        self.name = name
        self.version = version
        self.given = given
        self._value = value

    def reveal(self) -> str:
        """The value itself; only what writes it to a socket may ask."""
        return self._value

    def scrub(self, text: str) -> str:
        """`text` without the value, also where an upstream echoes it quoted, percent-encoded or in base64."""
        return _without(self._value, text)

    def scrub_password(self, text: str) -> str:
        """`text` without what follows the colon of a user's name and password."""
        password = self._value.partition(":")[2]
        return _without(password, text) if len(password) >= MIN_SCRUBBED else text

    def __repr__(self) -> str:
        return f"Credential({self.name!r}, version={self.version})"

    def __reduce__(self) -> str:
        raise TypeError("a credential does not leave its process")


class Presented(NamedTuple):
    """A credential and how it stands in a request: in which header, after which word, or as user and password."""

    credential: Credential
    header: str = "Authorization"
    scheme: str = "Bearer"
    basic: bool = False


def scrubbed(body: bytes | bytearray, presented: Sequence[Presented]) -> str | None:
    """What an upstream said, without the credentials it was shown; None where it is not UTF-8."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    for one in presented:
        text = one.credential.scrub(text)
        text = one.credential.scrub_password(text) if one.basic else text
    return text


def _without(value: str, text: str) -> str:
    for spelling in spellings(value):
        text = text.replace(spelling, REDACTED)
    return text


def spellings(value: str) -> list[str]:
    """How the value may stand in an answer, the longest spelling first so that none leaves a remainder of another."""
    raw = value.encode("utf-8")
    plain = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}
    coded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex()}
    stripped = {text.rstrip("=") for text in coded}
    # JSON may escape what it need not: many write `\/` for a slash, and some `\u002B` for a plus.
    texts = plain | coded | stripped
    slashed = {text.replace("/", "\\/") for text in texts}
    escaped = {_by_number(text, upper) for text in texts for upper in (False, True)}
    return sorted(texts | slashed | escaped, key=len, reverse=True)


def _by_number(text: str, upper: bool) -> str:
    """The text with everything but letters and digits as JSON writes it by number."""
    digits = "04X" if upper else "04x"
    return "".join(char if char.isascii() and char.isalnum() else f"\\u{ord(char):{digits}}" for char in text)
