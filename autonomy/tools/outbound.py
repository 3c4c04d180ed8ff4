"""The only way out to systems of record, and the only place where a credential is put on a connection.

Business databases are opened here, HTTP by `endpoint`, mail by `mail_server`, programs by `programs`, which nobody else
uses.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from autonomy.catalog.model import HttpConnector
from autonomy.catalog.systems import MailConnector
from autonomy.kernel.errors import AutonomyError, Invalid

from .credential import Credential
from .database_url import PostgresServer, SqliteFile, read_url, without_password
from .errors import Unreachable
from .programs import Programs
from .signatures import key_of

if TYPE_CHECKING:
    import psycopg

    from .endpoint import Endpoint
    from .mail_server import MailServer

Reveal = Callable[[str], Credential]
"""Gives the credential of a name; blocks on the store."""

FRESH_S = 2.0  # how long a revealed credential is used again: rotation takes effect within it
SQLITE_LENGTH = 16_777_216  # bytes of one value or row; bounds what `replace` and `printf` can build


class Outbound:
    """Reveals credentials to connections and opens them.

    `folder` is where relative SQLite files lie; `reserved` are files of the control plane that no connector may open;
    `programs` are those that may be started.
    """

    def __init__(
        self, reveal: Reveal, folder: Path, reserved: Collection[Path] = (), programs: Collection[str] = ()
    ) -> None:
        self._reveal = reveal
        self._folder = folder
        self.programs = Programs(programs, folder)
        self._reserved = frozenset(path.resolve() for path in reserved)
        self._known: dict[str, tuple[float, Credential]] = {}

    async def credential(self, name: str | None) -> Credential | None:
        """The credential `name` in its present version; none for no name."""
        if name is None:
            return None
        known = self._known.get(name)
        if known is None or known[0] < time.monotonic():
            found = await self._fresh(name)
            known = self._known[name] = (time.monotonic() + FRESH_S, found)
        return known[1]

    async def signing_key(self, name: str) -> bytes:
        """The bytes that sign webhooks, or prove them. Raises Invalid (`webhook.secret`) where they are too few."""
        found = await self.credential(name)
        assert found is not None  # it was named
        return key_of(found.reveal())

    async def _fresh(self, name: str) -> Credential:
        try:
            return await asyncio.to_thread(self._reveal, name)
        except AutonomyError as error:
            raise Unreachable(error.message, code=error.code, hint=error.hint) from None

    def endpoint(self, spec: HttpConnector) -> Endpoint:
        """The HTTP side of one connector. Make it on the event loop; close it."""
        # The HTTP client is only loaded where a connector needs it: a start costs a quarter of a second less.
        from .endpoint import Endpoint  # noqa: PLC0415

        return Endpoint(spec)

    def mail_server(self, spec: MailConnector) -> MailServer:
        """The SMTP side of one connector."""
        # Mail is only loaded where a connector sends it.
        from .mail_server import MailServer  # noqa: PLC0415

        return MailServer(spec, self._folder)

    def sqlite(self, file: SqliteFile, write: bool) -> sqlite3.Connection:
        """A connection to an existing business database, read-only unless `write`. Raises Unreachable."""
        path = (self._folder / file.path).resolve()
        if path in self._reserved:
            raise Unreachable("this file belongs to the control plane", code="connector.reserved")
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode={'rw' if write else 'ro'}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LENGTH)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            for pragma in ("trusted_schema=OFF", "foreign_keys=ON", f"query_only={'OFF' if write else 'ON'}"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            raise Unreachable("the business database cannot be opened", code="upstream.unreachable") from None
        return connection

    def postgres(self, url: str, credential: Credential | None, write: bool, seconds: float) -> psycopg.Connection[Any]:
        """A connection to a PostgreSQL server, read-only unless `write`. Raises Unreachable, naming no URL."""
        # Loading the driver takes a fifth of a second; only processes with a PostgreSQL connector need it.
        import psycopg  # noqa: PLC0415

        password = credential.reveal() if credential else None
        if password and "://" in password:
            url, password = without_password(password)
        try:
            return psycopg.connect(
                **_server(url).settings,  # type: ignore[arg-type]
                password=password,
                connect_timeout=max(2, int(seconds)),
                application_name="autonomy",
                options=f"-c default_transaction_read_only={'off' if write else 'on'}",
                tcp_user_timeout=max(1_000, int(seconds * 1_000)),
            )
        except (psycopg.Error, OSError):
            raise Unreachable("the business database cannot be reached", code="upstream.unreachable") from None


def _server(url: str) -> PostgresServer:
    try:
        place = read_url(url)
    except Invalid as error:
        raise Unreachable(error.message, code="connector.url", hint=error.hint) from None
    if not isinstance(place, PostgresServer):
        raise Unreachable("the credential is not the URL of a PostgreSQL database", code="connector.url")
    return place
