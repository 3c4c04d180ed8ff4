"""Boxes for what a room keeps of what goes through it: AES-256-GCM under one key of the house, bound to a name."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import Corrupt

_NONCE = 12  # bytes, as GCM is defined


class Seal:
    """Seals and opens. `key` has 32 bytes; `code` is that of the error for what is not as it was written."""

    def __init__(self, key: bytes, code: str) -> None:
        self._box = AESGCM(key)
        self._code = code

    def seal(self, name: str, value: bytes) -> bytes:
        """The box of `value`, which opens under this name only."""
        nonce = os.urandom(_NONCE)
        return nonce + self._box.encrypt(nonce, value, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under `name`. Raises Corrupt with the code of this seal."""
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):  # the latter of what is too short to be a box
            raise Corrupt(f"what is stored of `{name[:80]}` is not what was written", code=self._code) from None
