"""From text to the words it is found by, and from words to the marks the index holds in their place.

A mark is a keyed hash: equal words have equal marks, and without the key nobody can tell which word one stands for.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from autonomy.kernel.canonical import Json

MAX_WORDS = 1_000  # different words of one item that it can be found by
MAX_ASKED = 8  # different words of a question; more say little more and cost as much each
MAX_LENGTH = 40  # characters of a word that count

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # scripts that put no spaces between words
_LETTERS = "abcdefghijklmnop"
_MARK_BYTES = 6  # 48 bits: among a million words the chance that any two meet is one in five hundred


def words(text: str) -> Iterator[str]:
    """The words of a text in order: case, accents and width do not matter. Chinese and Japanese are cut into pairs."""
    if text.isascii():  # most are: nothing to fold but the case, nothing to cut but the length
        yield from (found[:MAX_LENGTH] for found in _WORD.findall(text.lower()))
        return
    plain = unicodedata.normalize("NFKD", text.casefold())
    for found in _WORD.findall("".join(char for char in plain if not unicodedata.combining(char))):
        if _UNSPACED.search(found):
            yield from (found[at : at + 2] for at in range(max(1, len(found) - 1)))
        else:
            yield found[:MAX_LENGTH]


def said_in(content: Mapping[str, Json]) -> list[str]:
    """Every text of what is kept of an item, in order: by these it is found."""
    named = [str(content.get(name, "")) for name in ("title", "text")]
    return [*named, *texts(content.get("data")), str(content.get("task", "")), *texts(content.get("inputs"))]


def texts(value: Json) -> list[str]:
    """Every text in a value, and the names of its fields, in order."""
    found: list[str] = []
    _gather(value, found)
    return found


def _gather(value: Json, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            found.append(name)
            _gather(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, found)
    elif value is not None and not isinstance(value, bool):
        found.append(str(value))


class Marks:
    """Marks under one key."""

    def __init__(self, key: bytes) -> None:
        self._mark = lru_cache(maxsize=20_000)(lambda word: mark(key, word))

    def of(self, parts: Iterable[str], most: int = MAX_WORDS) -> list[str]:
        """The marks of the first `most` different words, in order."""
        found = dict.fromkeys(word for part in parts for word in words(part))
        return [self._mark(word) for _, word in zip(range(most), found, strict=False)]


def mark(key: bytes, word: str) -> str:
    """The mark of a word: twelve letters, which every index takes for one word."""
    hashed = hmac.digest(key, word.encode("utf-8", "surrogatepass"), "sha256")[:_MARK_BYTES]
    return "".join(_LETTERS[byte >> 4] + _LETTERS[byte & 15] for byte in hashed)
