"""Where a business database is: the two forms of URL a SQL connector may declare, read strictly. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from autonomy.kernel.errors import Invalid

from .sql_words import Dialect

_OPTIONS = {"host", "sslmode", "sslrootcert"}
"""What may stand after the `?`. `options`, `service` and `passfile` would undo what this connector promises."""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite file; a relative path is meant within the data folder."""

    path: PurePosixPath


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """Keyword arguments for the driver; `repr` shows no password because it is not among them."""

    settings: Mapping[str, str]


def read_url(url: str) -> SqliteFile | PostgresServer:
    """Read `sqlite:///file` or `postgresql://[user@]host[:port]/name`.

    Raises Invalid (`connector.url`), which never shows the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("it cannot be read") from None
    if parts.scheme == "sqlite":
        return SqliteFile(_sqlite_path(url))
    if parts.scheme != "postgresql":
        raise _bad("only `sqlite` and `postgresql` are known")
    if parts.password:
        raise _bad("a password does not belong into it")
    options = dict(parse_qsl(parts.query))
    if set(options) - _OPTIONS or ("host" in options and not options["host"].startswith("/")):
        raise _bad("after the `?` only `sslmode`, `sslrootcert` and a socket folder as `host` are admitted")
    named = {
        "host": unquote(parts.hostname or ""),
        "port": str(port or ""),
        "user": unquote(parts.username or ""),
        "dbname": unquote(parts.path.removeprefix("/")),
    }
    settings = {name: value for name, value in named.items() if value} | options
    if "host" not in settings or "dbname" not in settings:
        raise _bad("host and database name are needed")
    return PostgresServer(MappingProxyType(settings))


def dialect_of(url: str | None) -> Dialect:
    """The SQL dialect behind a URL. A URL that is itself a secret is PostgreSQL's: a file has no credential."""
    return "sqlite" if url is not None and url.startswith("sqlite:") else "postgres"


def without_password(url: str) -> tuple[str, str | None]:
    """A secret URL taken apart: the URL as `read_url` takes it, and the password in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _bad("it cannot be read") from None
    account, at, place = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    return parts._replace(netloc=user + at + place).geturl(), unquote(password) or None


def _sqlite_path(url: str) -> PurePosixPath:
    name = url.removeprefix("sqlite:///")
    path = PurePosixPath(name)
    if name == url or not path.name or ".." in path.parts or any(mark in name for mark in "?#%:\0"):
        raise _bad("write `sqlite:///FILE`, without `..` and options")
    return path


def _bad(reason: str) -> Invalid:
    return Invalid(
        f"the connector's URL is not usable: {reason}",
        code="connector.url",
        hint="write `sqlite:///file` or `postgresql://user@host/name` and keep the password as a secret",
    )
