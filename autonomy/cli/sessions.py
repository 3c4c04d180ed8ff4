"""Sessions of this user: one for each server, in a file nobody else can read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer

from autonomy.kernel.errors import Invalid
from autonomy.sdk.wire import checked

from .private import read_private, write_private

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
