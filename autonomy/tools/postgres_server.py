"""PostgreSQL of declared connectors: the address is judged before it is connected to, and TLS proves who answers.

The driver (libpq) is told everything it would else take from the environment or from files of the account it runs as:
addresses, passwords, client certificates.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

from autonomy.audit.store import checkpoint, head, subject_key
from autonomy.catalog.model import SqlConnector
from autonomy.kernel.errors import Invalid

from .credential import Credential
from .database_url import PostgresDatabase, read_url, without_password
from .errors import Unreachable
from .ssrf import is_named, may_reach, ranges

Lookup = Callable[[str, int], Sequence[str]]
"""Resolves a host and a port into addresses."""

OWN_TABLES = [head.name, subject_key.name, checkpoint.name]
_COUNT_OWN_TABLES = (
    "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND relname = ANY(%s) "
    "GROUP BY relnamespace ORDER BY 1 DESC LIMIT 1"
)
"""By which a PostgreSQL database is known that holds a control plane: all its tables are in one schema. Every role may
ask that, and no name of a server, proxy, pooler or standby on the way to it changes the answer."""

NOTHING_ELSE = {
    "passfile": "/dev/null/none",  # there is no such file: passwords in files of the account are not for connectors
    "gssencmode": "disable",
    "sslcertmode": "disable",
    "sslnegotiation": "postgres",
    "channel_binding": "prefer",
    "target_session_attrs": "any",
    "load_balance_hosts": "disable",
    "application_name": "autonomy",
    "client_encoding": "UTF8",
}
"""What libpq would else take from variables (`PG…`), service files and the home folder of the account. It knows no
other place for time zone and form of dates (`PGTZ`, `PGDATESTYLE`), and none to leave a service out (`PGSERVICE`)."""

SYSTEM_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
"""Where systems keep the certificates they trust. The driver's own OpenSSL looks into a folder of its wheel."""

OVER_TLS = "password,md5,scram-sha-256,none"
IN_CLEAR = "scram-sha-256,none"
"""How a server may ask for a password (`require_auth`). Without TLS nothing may go out that shows it to a listener: not
itself, and not its MD5, from which short ones are found."""

NOT_PROVEN = ("does not support SSL", "certificate verify failed", "server certificate for", "root certificate")
"""By which the driver's words are known where a server offers no TLS, or none that can be trusted."""


class PostgresServer:
    """The PostgreSQL server of one connector. Used from threads."""

    def __init__(self, spec: SqlConnector, folder: Path, lookup: Lookup | None = None) -> None:
        self._spec = spec
        self._allow = ranges(spec.allow)
        self._folder = folder
        self._lookup = lookup or _look_up

    def connect(self, credential: Credential | None, write: bool, seconds: float) -> psycopg.Connection[Any]:
        """A connection, read-only unless `write`. Raises Unreachable, naming no URL, also where the database is that of
        a control plane (`connector.reserved`)."""
        url, password = self._spec.url or "", credential.reveal() if credential else None
        if password and "://" in password:
            url, password = without_password(password)
        place = self._place(url)
        connection = self._connected(place, self._settings(place, password, write, seconds), seconds)
        try:
            with connection.transaction():
                row = connection.execute(_COUNT_OWN_TABLES, [OWN_TABLES]).fetchone()
        except (psycopg.Error, OSError) as error:
            connection.close()
            raise _failure(error) from None
        if row is not None and row[0] == len(OWN_TABLES):
            connection.close()
            raise Unreachable("this database belongs to a control plane", code="connector.reserved")
        return connection

    def _place(self, url: str) -> PostgresDatabase:
        try:
            place = read_url(url, self._spec.socket)
        except Invalid as error:
            raise Unreachable(error.message, code="connector.url", hint=error.hint) from None
        if not isinstance(place, PostgresDatabase):
            raise Unreachable("the credential is not the URL of a PostgreSQL database", code="connector.url")
        return place

    def _settings(
        self, place: PostgresDatabase, password: str | None, write: bool, seconds: float
    ) -> dict[str, str | int]:
        """Everything the driver is told but the address."""
        return {
            **NOTHING_ELSE,
            **self._security(),
            **({"user": place.user} if place.user else {}),
            "dbname": place.name,
            "port": place.port,
            "password": password or "",  # where it is absent, the driver looks for one in the environment
            "options": f"-c default_transaction_read_only={'off' if write else 'on'}"
            f" -c statement_timeout={max(1, int(seconds * 1_000))}",
            "tcp_user_timeout": max(1_000, int(seconds * 1_000)),
        }

    def _security(self) -> dict[str, str]:
        if self._spec.socket is not None or self._spec.security == "none":
            return {"sslmode": "disable", "require_auth": IN_CLEAR}
        file = self._spec.certificates
        trusted = str(self._folder / file) if file else _system_certificates()
        return {"sslmode": "verify-full", "sslrootcert": trusted, "require_auth": OVER_TLS}

    def _connected(
        self, place: PostgresDatabase, settings: dict[str, str | int], seconds: float
    ) -> psycopg.Connection[Any]:
        """A connection to the first of the judged addresses that answers."""
        end = time.monotonic() + seconds
        last = Unreachable("the business database cannot be reached", code="upstream.unreachable")
        for where in self._ways(place):
            left = end - time.monotonic()
            if left <= 0:
                break
            try:
                return psycopg.connect(**where, **settings, connect_timeout=max(2, int(left)))  # type: ignore[arg-type]
            except (psycopg.Error, OSError) as error:
                last = _failure(error)
            if last.code != "upstream.unreachable":
                break
        raise last

    def _ways(self, place: PostgresDatabase) -> list[dict[str, str]]:
        """Where to connect to: the folder of the socket, or addresses that may be reached. The name is resolved once;
        it stays for the certificate alone."""
        if self._spec.socket is not None:
            return [{"host": self._spec.socket, "hostaddr": ""}]
        try:
            found = self._lookup(place.host, place.port)
        except OSError:
            raise Unreachable("the business database cannot be reached", code="upstream.unreachable") from None
        admitted = [address for address in found if self._is_admitted(address)]
        if not admitted:
            raise Unreachable(
                "the business database is not at an address this connector may reach",
                code="egress.forbidden",
                hint="add its range to the connector's `allow`",
            )
        return [{"host": place.host, "hostaddr": address} for address in admitted]

    def _is_admitted(self, address: str) -> bool:
        """Without TLS nobody proves who answers: then only what is named is reached, public or not."""
        judge = is_named if self._spec.security == "none" else may_reach
        return judge(address, self._allow)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _system_certificates() -> str:
    """The file of certificates the system trusts; `SSL_CERT_FILE` names another."""
    named = ssl.get_default_verify_paths().cafile
    return named or next((path for path in SYSTEM_CERTIFICATES if Path(path).exists()), "system")


def _failure(error: Exception) -> Unreachable:
    """What an error of the driver means. Its words may hold names and what the server said: they are not told."""
    words = str(error)
    if "authentication method requirement" in words:
        return Unreachable(
            "the business database asks for the password in a way that is not admitted; it was not sent",
            code="upstream.clear_password",
            hint="use TLS, or SCRAM (`password_encryption = scram-sha-256`) where there is none",
        )
    if any(sign in words for sign in NOT_PROVEN):
        return Unreachable(
            "the business database cannot prove who it is; nothing was sent",
            code="upstream.tls",
            hint="name `certificates`, or `security: none` for an address that `allow` names",
        )
    return Unreachable("the business database cannot be reached", code="upstream.unreachable")
