"""Sessions of this user: one for each server, in a file nobody else can read."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer

from autonomy.kernel.errors import Invalid
from autonomy.sdk.wire import checked

FOLDER = "AUTONOMY_CONFIG"
"""The environment variable that names another folder than the user's own."""

DEFAULT_URL = "http://127.0.0.1:8085"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and the token that proves it."""

    name: str
    token: str = field(repr=False)


@dataclass(slots=True)
class _Kept:
    current: str = DEFAULT_URL
    sessions: dict[str, Session] = field(default_factory=dict)


class Sessions:
    """The sessions in one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sessions.json"

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> Sessions:
        """Those of the user who runs this command."""
        named = environment.get(FOLDER)
        return cls(Path(named) if named else Path(typer.get_app_dir("autonomy")))

    def current(self) -> str:
        """The server signed in to last; the local one where there is none."""
        return self._read().current

    def get(self, url: str) -> Session | None:
        """The session at a server, if there is one."""
        return self._read().sessions.get(checked(url))

    def keep(self, url: str, session: Session) -> None:
        """Remember a session; its server is the current one from now on."""
        found = self._read()
        found.current = checked(url)
        found.sessions[found.current] = session
        self._write(found)

    def forget(self, url: str) -> None:
        """Forget the session at a server."""
        found = self._read()
        if found.sessions.pop(checked(url), None) is not None:
            self._write(found)

    def _read(self) -> _Kept:
        if not self._path.exists():
            return _Kept()
        try:
            found = json.loads(read_private(self._path))
            sessions = {url: Session(one["name"], one["token"]) for url, one in found["sessions"].items()}
            return _Kept(str(found["current"]), sessions)
        except (ValueError, KeyError, TypeError, AttributeError):
            hint = f"remove `{self._path}` and sign in again"
            raise Invalid("the file of sessions is damaged", code="session.file", hint=hint) from None

    def _write(self, kept: _Kept) -> None:
        sessions = {url: {"name": one.name, "token": one.token} for url, one in kept.sessions.items()}
        write_private(self._path, json.dumps({"current": kept.current, "sessions": sessions}, indent=1) + "\n")


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
