"""`.cedar` files as manifests: the comments at the top say which unit declares the policy and how it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .problem import nearest

KEYS = ("unit", "mode", "description")

_HEADER = re.compile(r"//\s*([A-Za-z][A-Za-z_-]*)\s*:\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One header comment `// key: value`."""

    line: int
    key: str
    value: str


def headers(text: str) -> list[Entry]:
    """The header comments that say something to the catalog; other comments are for people."""
    return [entry for entry in _entries(text) if entry.key in KEYS]


def doubtful(text: str) -> Iterator[tuple[Entry, str]]:
    """Comments that look like a misspelt or repeated header, with the remedy.

    They are refused, because `// unti: finance` would let a policy meant for one unit bind the whole company.
    """
    seen = set()
    for entry in _entries(text):
        if entry.key in seen:
            yield entry, "keep one of them"
        elif entry.key in KEYS:
            seen.add(entry.key)
        elif hint := nearest(entry.key.lower(), KEYS):
            yield entry, hint


def normal(text: str) -> str:
    """The text with plain line ends and one at its end: what the digest is made over. Lines keep their numbers."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def _entries(text: str) -> Iterator[Entry]:
    for number, line in enumerate(normal(text).split("\n"), 1):
        if line.strip() and not line.startswith("//"):
            return
        if match := _HEADER.fullmatch(line):
            yield Entry(number, match[1], match[2])
