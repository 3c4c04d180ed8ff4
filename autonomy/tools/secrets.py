"""Credentials of systems of record, encrypted at rest (AES-256-GCM; name and version are authenticated with them)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock as clocks
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt, Invalid, NotFound, TooLarge

from . import store
from .credential import Credential

MAX_LENGTH = 65_536  # bytes; a key or certificate, not a file
MIN_LENGTH = 4  # characters; a shorter value could not be kept out of texts without destroying them
RENEWER = "system"  # who stores what a service renewed
NONCE = 12  # bytes, as GCM is defined

_PART = r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?"
_NAME = re.compile(f"{_PART}(/{_PART})?")
_ODD = re.compile("[\0\ud800-\udfff]")  # NUL and halves of characters survive no driver


class SecretVersion(NamedTuple):
    """What may be known of a secret: everything but its value. Times in milliseconds; `retired_at` None: in force."""

    name: str
    version: int
    created_at: int
    created_by: str
    retired_at: int | None


class Secrets:
    """The store of secrets under one key. `set` and `rotate` block until durable; call them from plain threads."""

    def __init__(self, database: Database, queue: CommitQueue, key: bytes, clock: Clock = clocks.now) -> None:
        self._database = database
        self._queue = queue
        self._cipher = AESGCM(key)
        self._clock = clock

    def set(self, name: str, value: str, by: str) -> int:
        """Store a new secret, or a new version of one; returns the version. Raises Invalid or TooLarge."""
        return self._put("set", name, value, by)

    def rotate(self, name: str, value: str, by: str) -> int:
        """Replace a secret that exists; returns the version. Raises NotFound where it does not."""
        return self._put("rotate", name, value, by)

    def renew(self, name: str, value: str) -> int:
        """Replace a secret by what a service gave in its place; no person did. Raises as `rotate` does."""
        return self._put("rotate", name, value, RENEWER)

    def list(self) -> tuple[SecretVersion, ...]:
        """Every version of every secret, never a value."""
        with self._database.reading() as connection:
            return tuple(SecretVersion(*row) for row in store.all_versions(connection))

    def reveal(self, name: str) -> Credential:
        """The credential in force, for the outbound module only. Raises NotFound, or Corrupt under another key."""
        with self._database.reading() as connection:
            row = store.version_in_force(connection, name, RENEWER)
        if row is None:
            raise _unknown(name)
        try:
            value = self._cipher.decrypt(row.nonce, row.ciphertext, _bound_to(name, row.version))
        except (InvalidTag, ValueError):
            raise Corrupt(
                f"the secret `{name}` cannot be read",
                code="secret.unreadable",
                hint="is this the key it was stored under?",
            ) from None
        return Credential(name, row.version, value.decode("utf-8"), row.given)

    def _put(self, operation: str, name: str, value: str, by: str) -> int:
        _check(name, value)
        return self._queue.run(lambda tx: self._write(tx, operation, name, value, by))

    def _write(self, tx: Tx, operation: str, name: str, value: str, by: str) -> int:
        at, version = self._clock(), store.latest_version(tx, name) + 1
        if store.retire_versions(tx, name, at) == 0 and operation == "rotate":
            raise _unknown(name)
        nonce = os.urandom(NONCE)
        store.add_version(
            tx,
            name=name,
            version=version,
            nonce=nonce,
            ciphertext=self._cipher.encrypt(nonce, value.encode("utf-8"), _bound_to(name, version)),
            created_at=at,
            created_by=by,
        )
        record(tx, "secret", at, actor=by, operation=operation, name=name, version=version)
        return version


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise Invalid(
            "this is not a name for a secret",
            code="secret.name",
            hint="lower case letters, digits, `-`, `_`, `.`, and one `/` at most",
        )
    if len(value) < MIN_LENGTH or _ODD.search(value):
        raise Invalid(
            "this value cannot be a secret", code="secret.value", hint=f"at least {MIN_LENGTH} characters of text"
        )
    if len(value.encode("utf-8")) > MAX_LENGTH:
        raise TooLarge(f"a secret has at most {MAX_LENGTH} bytes", code="secret.too_large")


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"there is no secret `{name[:63]}`", code="secret.unknown", hint="store it with `autonomy secret set`"
    )


def _bound_to(name: str, version: int) -> bytes:
    return f"{name}|{version}".encode()
