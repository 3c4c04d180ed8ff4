"""The only way out to systems of record, and the only place where a credential is put on a connection.

SQLite files are opened here, PostgreSQL by `postgres_server`, HTTP by `endpoint`, mail by `mail_server`, programs by
`programs`, which nobody else uses.
"""

from __future__ import annotations

import socket
import sqlite3
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from autonomy.catalog.model import SqlConnector
from autonomy.catalog.services import HttpService
from autonomy.catalog.systems import MailConnector

from . import child
from .admitted import Admitted
from .certificates import Certificates
from .credential import Credential, Presented
from .database_url import SqliteFile
from .errors import Unreachable
from .keyring import Keyring, Places, Reveal, agent_alone
from .oauth import Keep, Tokens
from .ports import SecretProvider
from .programs import Programs
from .signatures import key_of
from .ssrf import may_reach, parse_url
from .wanted import Wanted

if TYPE_CHECKING:
    import psycopg

    from .endpoint import Endpoint
    from .mail_server import MailServer

Providers = Mapping[str, Callable[[Callable[[HttpService], "Endpoint"]], SecretProvider]]
"""Makers of stores of secrets by their prefix; each is handed the one way to make an HTTP endpoint."""

SQLITE_LENGTH = 16_777_216  # bytes of one value or row; bounds what `replace` and `printf` can build


class Outbound:
    """Reveals credentials to connections and opens them.

    `folder` is where relative SQLite files lie; `reserved` are files of the control plane that no connector may open;
    `programs` says how command lines may begin that are started; `places` says whose secret a name means, `keep` stores
    a renewed refresh token, `providers` are stores of secrets.
    """

    def __init__(
        self,
        reveal: Reveal,
        folder: Path,
        reserved: Collection[Path] = (),
        *,
        programs: Collection[str] = (),
        places: Places = agent_alone,
        keep: Keep | None = None,
        providers: Providers | None = None,
    ) -> None:
        made = {prefix: make(self.endpoint) for prefix, make in (providers or {}).items()}
        self._keyring = Keyring(reveal, places, made)
        self._tokens = Tokens(self._keyring, self.endpoint, self.tls, keep)
        self._certificates = Certificates()
        self._folder = folder
        self._reserved = tuple(path.resolve() for path in reserved)
        self._admitted = Admitted(programs)
        self.programs = Programs(self._admitted, folder)

    async def credential(self, name: str | None, agent: str = "") -> Credential | None:
        """The credential `name` in its present version, for the agent that acts; none for no name."""
        return None if name is None else await self._keyring.credential(name, agent)

    def meant(self, name: str, agent: str) -> str:
        """The secret that `name` means where `agent` acts. Raises Refused (`credential.whose`)."""
        return self._keyring.name_for(name, agent)

    async def present(
        self,
        service: HttpService,
        wanted: Sequence[Wanted],
        agent: str,
        seconds: float,
        refused: Sequence[Presented] = (),
    ) -> list[Presented]:
        """What a request shows: credentials and tokens as they are now, anew where the service refused them.

        Raises Refused or Unreachable: nothing was sent to the service.
        """
        found = []
        for index, one in enumerate(wanted):
            before = refused[index].credential if refused else None
            shown = await self._shown(service, one, agent, seconds, before)
            found.append(Presented(shown, one.header, one.scheme, one.basic))
        return found

    async def tls(self, service: HttpService, agent: str) -> ssl.SSLContext | None:
        """The TLS context of a service that wants a client certificate or has authorities of its own; else none."""
        if service.certificate is None and service.authorities is None:
            return None
        certificate = await self.credential(service.certificate, agent)
        return self._certificates.context(certificate, await self.credential(service.authorities, agent))

    async def signing_key(self, name: str) -> bytes:
        """The bytes that sign webhooks, or prove them. Raises Invalid (`webhook.secret`) where they are too few."""
        return key_of((await self._keyring.credential(name)).reveal())

    async def close(self) -> None:
        """Let go of the connections to those who give credentials."""
        await self._tokens.close()
        await self._keyring.close()

    async def _shown(
        self, service: HttpService, wanted: Wanted, agent: str, seconds: float, refused: Credential | None
    ) -> Credential:
        if wanted.secret is None:
            assert service.oauth is not None  # the checks of apply hold it
            return await self._tokens.token(service, service.oauth, agent, seconds, refused)
        if refused is not None:
            return await self._keyring.renewed(wanted.secret, agent, refused)
        return await self._keyring.credential(wanted.secret, agent)

    def endpoint(self, spec: HttpService) -> Endpoint:
        """The HTTP side of one service. Make it on the event loop; close it."""
        # The HTTP client is only loaded where a connector needs it: a start costs a quarter of a second less.
        from .endpoint import Endpoint  # noqa: PLC0415

        return Endpoint(spec)

    async def program(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        variable: str | None,
        credential: Credential | None,
        longest: int,
    ) -> child.Child:
        """A program, started; the credential is in `variable` of its environment, never among its arguments.

        Raises Unreachable (`program.not_admitted`) for one that whoever runs this process has not admitted.
        """
        self._admitted.require(command)
        secret = {variable: credential.reveal()} if variable and credential else {}
        return await child.start(command, {**environment, **secret}, longest)

    def mail_server(self, spec: MailConnector) -> MailServer:
        """The SMTP side of one connector."""
        # Mail is only loaded where a connector sends it.
        from .mail_server import MailServer  # noqa: PLC0415

        return MailServer(spec, self._folder)

    def sqlite(self, file: SqliteFile, write: bool) -> sqlite3.Connection:
        """A connection to an existing business database, read-only unless `write`. Raises Unreachable."""
        path = (self._folder / file.path).resolve()
        if any(_is_same(path, own) for own in self._reserved):
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

    def postgres(
        self, spec: SqlConnector, credential: Credential | None, write: bool, seconds: float
    ) -> psycopg.Connection[Any]:
        """A connection to the PostgreSQL server of one connector, read-only unless `write`. Raises Unreachable."""
        # Loading the driver takes a fifth of a second; only processes with a PostgreSQL connector need it.
        from .postgres_server import PostgresServer  # noqa: PLC0415

        return PostgresServer(spec, self._folder).connect(credential, write, seconds)


def _is_same(path: Path, own: Path) -> bool:
    """Whether two names are of one file, links included."""
    return path == own or (path.exists() and own.exists() and path.samefile(own))


def relay_endpoint(url: str) -> Endpoint:
    """HTTP for whoever sits at a terminal and named the URL. Make it on the event loop; close it."""
    # Loaded where it is used, as above.
    from .endpoint import Endpoint  # noqa: PLC0415

    return Endpoint(HttpService(baseUrl=url, allow=private_ranges(url)))


def private_ranges(url: str) -> list[str]:
    """The addresses of a URL's host that only a connector reaches which allows them. Raises Unreachable."""
    target = parse_url(url)
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unreachable(f"`{target.host}` has no address", code="upstream.unreachable") from None
    addresses = sorted({str(each[4][0]).partition("%")[0] for each in found})
    return [str(ip_network(address)) for address in addresses if not may_reach(address)]
