"""Identifiers: `act_` + 26 characters of Crockford base32, sortable by time (48 bits ms, 80 bits random; ULID spec)."""

from __future__ import annotations

import os
from functools import lru_cache

from . import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def new_id(prefix: str, at: int | None = None) -> str:
    """A new identifier of the kind `prefix`, never given before."""
    stamp = clock.now() if at is None else at
    return f"{prefix}_{_stamp(stamp)}{encode(int.from_bytes(os.urandom(10), 'big'), 16)}"


def earliest(prefix: str, at: int) -> str:
    """What comes before every identifier of the kind `prefix` that was given at this time or later, and after those
    before."""
    return f"{prefix}_{_stamp(at)}"


@lru_cache(maxsize=16)
def _stamp(at: int) -> str:
    return encode(at, 10)


def encode(number: int, length: int) -> str:
    """`number` in Crockford base32, `length` characters (even), leading zeros kept."""
    pairs = []
    for _ in range(length // 2):
        number, low = divmod(number, 1024)
        pairs.append(_PAIRS[low])
    return "".join(reversed(pairs))


def number_of(id: str) -> int:
    """The 128 bits behind an identifier that `new_id` gave."""
    number = 0
    for char in id[-26:]:
        number = number << 5 | _ALPHABET.index(char)
    return number
