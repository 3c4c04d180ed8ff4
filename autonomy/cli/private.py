"""Files that only their owner can read."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from pathlib import Path

from autonomy.kernel.errors import Invalid


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise Invalid (`file.unwritable`) where `write_private` could not write the file; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path.parent):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        raise Invalid(f"`{path}` cannot be written: {reason}", code="file.unwritable") from None


def write_link(path: Path, url: str, token: str) -> None:
    """Keep a one-time link in a file of its owner's."""
    write_private(path, f"{url}/invite/{token}\n")


def read_private(path: Path) -> str:
    """The text of a file that only its owner can read. Raises Invalid (`file.exposed`, `file.unreadable`)."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Invalid(f"`{path}` can be read by others", code="file.exposed", hint=f"run `chmod 600 {path}`")
            return file.read()
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise Invalid(f"`{path}` cannot be read: {reason}", code="file.unreadable") from None
