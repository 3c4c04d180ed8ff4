"""The key that encrypts secrets: from the environment, or from a file nobody else can read."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from autonomy.kernel.errors import Invalid, Unavailable

VARIABLE = "AUTONOMY_KEY"
LENGTH = 32  # bytes: AES-256


def load_key(path: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """The 32-byte key: from `AUTONOMY_KEY` (base64) where that is set, else from `path`, made (0600) where absent.

    Raises Invalid (`key.*`) for a key that is none or that others can read, Unavailable where the file cannot be used.
    """
    stated = environment.get(VARIABLE)
    if stated is not None:
        return _decoded(stated, f"the variable `{VARIABLE}`")
    try:
        if not path.exists():
            _create(path)
        return _decoded(_read_private(path), f"the key file `{path.name}`")
    except OSError as error:
        raise Unavailable(f"the key file cannot be used: {error.strerror}", code="key.unavailable") from None


def _create(path: Path) -> None:
    """Write a new key beside `path` and link it there, so that of two processes one key wins and is whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(LENGTH)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _link(draft, path)
    finally:
        draft.unlink()


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first; its key counts
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_private(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
            raise Invalid(
                f"the key file `{path.name}` can be read by others", code="key.exposed", hint="run `chmod 600` on it"
            )
        return file.read(1_024).decode("ascii", "replace")


def _decoded(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != LENGTH:
        raise Invalid(f"{place} holds no key", code="key.invalid", hint="it must be 32 bytes in base64")
    return key
