"""The only way out to systems of record, and the only place where a credential is put on a connection.

Business databases are opened here, HTTP by `endpoint`, which nobody else uses.
"""

from __future__ import annotations

import asyncio
import shlex
import socket
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from autonomy.catalog.model import HttpConnector, McpConnector
from autonomy.kernel.errors import AutonomyError, Invalid

from . import child
from .credential import Credential
from .database_url import PostgresServer, SqliteFile, read_url, without_password
from .errors import Unreachable
from .ssrf import may_reach, parse_url

if TYPE_CHECKING:
    import psycopg

    from .endpoint import Endpoint

Reveal = Callable[[str], Credential]
"""Gives the credential of a name; blocks on the store."""

FRESH_S = 2.0  # how long a revealed credential is used again: rotation takes effect within it
SQLITE_LENGTH = 16_777_216  # bytes of one value or row; bounds what `replace` and `printf` can build


class Outbound:
    """Reveals credentials to connections and opens them.

    `folder` is where relative SQLite files lie; `reserved` are files of the control plane that no connector may open.
    `commands` are the beginnings of command lines that may be started as programs; `*` admits any.
    """

    def __init__(
        self, reveal: Reveal, folder: Path, reserved: Collection[Path] = (), commands: Collection[str] = ()
    ) -> None:
        self._reveal = reveal
        self._folder = folder
        self._reserved = frozenset(path.resolve() for path in reserved)
        self._commands = tuple(commands)
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

    def mcp_endpoint(self, spec: McpConnector) -> Endpoint:
        """The HTTP side of an MCP server at a URL. Make it on the event loop; close it."""
        assert spec.url is not None
        return self.endpoint(
            HttpConnector(
                type="http",
                baseUrl=spec.url,
                header=spec.header,
                scheme=spec.scheme,
                allow=spec.allow,
                maxBytes=spec.maxBytes,
            )
        )

    async def program(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        variable: str | None,
        credential: Credential | None,
        longest: int,
    ) -> child.Child:
        """A program, started; the credential is in `variable` of its environment, never among its arguments.

        Raises Unreachable (`connector.command`) for one that whoever runs this server has not admitted.
        """
        if not any(_begins(argv, admitted) for admitted in self._commands):
            raise Unreachable(
                f"the program `{argv[0][:80]}` may not be started by this server",
                code="connector.command",
                hint="whoever runs the server admits it: `AUTONOMY_COMMANDS`",
            )
        secret = {variable: credential.reveal()} if variable and credential else {}
        return await child.start(argv, {**environment, **secret}, longest)

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


def _begins(argv: Sequence[str], admitted: str) -> bool:
    words = shlex.split(admitted)
    return words == ["*"] or (bool(words) and list(argv[: len(words)]) == words)


def relay_endpoint(url: str) -> Endpoint:
    """HTTP for whoever sits at a terminal and named the URL. Make it on the event loop; close it."""
    # Loaded where it is used, as above.
    from .endpoint import Endpoint  # noqa: PLC0415

    return Endpoint(HttpConnector(type="http", baseUrl=url, allow=private_ranges(url)))


def private_ranges(url: str) -> list[str]:
    """The addresses of a URL's host that only a connector reaches which allows them. Raises Unreachable."""
    target = parse_url(url)
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unreachable(f"`{target.host}` has no address", code="upstream.unreachable") from None
    addresses = sorted({str(each[4][0]).partition("%")[0] for each in found})
    return [str(ip_network(address)) for address in addresses if not may_reach(address)]
