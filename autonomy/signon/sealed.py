"""What is handed to a browser to be brought back: readable for us alone, unchangeable, and not for long."""

from __future__ import annotations

import base64
import binascii
import os
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes, as GCM is defined
LONGEST = 4_096  # characters; what a browser keeps in one cookie

T = TypeVar("T")


class Seal:
    """Seals and opens with one key. Every kind of value is bound to its name: none is taken for another."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, value: object) -> str:
        """`value` (a dataclass) as text for a cookie or a URL."""
        nonce = os.urandom(NONCE)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(value), type(value).__name__.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, text: str, kind: type[T]) -> T | None:
        """What was sealed; None for anything that was not, or not as this kind."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True) if len(text) <= LONGEST else b""
            opened = self._cipher.decrypt(raw[:NONCE], raw[NONCE:], kind.__name__.encode())
            return msgspec.json.decode(opened, type=kind)
        except (InvalidTag, ValueError, binascii.Error, msgspec.DecodeError):
            return None
