"""The server a command talks to, as the person who is signed in there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from autonomy.kernel.errors import Unauthenticated
from autonomy.sdk import Client

from .sessions import Sessions

TOKEN = "AUTONOMY_TOKEN"
"""The environment variable by which a program hands in a session token."""


@contextmanager
def connected(url: str | None) -> Iterator[Client]:
    """The server as the person signed in there sees it. Raises Unauthenticated where nobody is."""
    sessions = Sessions.of_user()
    address = url or sessions.current()
    token = os.environ.get(TOKEN) or _token(sessions, address)
    client = Client(address, token)
    try:
        yield client
    finally:
        client.close()


def _token(sessions: Sessions, url: str) -> str:
    session = sessions.get(url)
    if session is None:
        raise Unauthenticated(
            f"nobody is signed in to `{url}`", code="session.missing", hint=f"run `autonomy login --url {url}`"
        )
    return session.token
