"""Where a business database is: the two forms of URL a SQL connector may declare, read strictly. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from autonomy.kernel.errors import Invalid

from .sql_words import Dialect
from .ssrf import parse_url

POSTGRESQL_PORT = 5432


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite file; a relative path is meant within the data folder."""

    path: PurePosixPath


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database of a PostgreSQL server; `repr` shows no password because it is not among it.

    `host` is a lower-case DNS name or a canonical address; empty where it is reached by a Unix socket.
    """

    host: str
    port: int
    user: str
    name: str


def read_url(url: str, socket: str | None = None) -> SqliteFile | PostgresDatabase:
    """Read `sqlite:///file` or `postgresql://[user@]host[:port]/name`; without host where there is a `socket`.

    What a driver could read as more than one host, as a file or as an option is refused. Raises Invalid
    (`connector.url`), which never shows the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or POSTGRESQL_PORT
    except ValueError:
        raise _bad("it cannot be read") from None
    if parts.scheme == "sqlite":
        return SqliteFile(_sqlite_path(url))
    if parts.scheme != "postgresql":
        raise _bad("only `sqlite` and `postgresql` are known")
    if parts.password:
        raise _bad("a password does not belong into it")
    if "?" in url or "#" in url:
        raise _bad(
            "it has options", "declare `security`, `certificates`, `socket` and `timeout` in the connector instead"
        )
    user, name = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
    if not (url.isprintable() and user.isprintable() and name.isprintable()):
        raise _bad("it holds characters that cannot be seen")
    host = _host(parts.netloc.rpartition("@")[2], socket)
    if not name:
        raise _bad("the name of a database is needed")
    return PostgresDatabase(host, port, user, name)


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


def _host(place: str, socket: str | None) -> str:
    """The host of `host[:port]`, by the rules for URLs of services: one plain name, or one address as usual."""
    if socket is not None:
        if place.partition(":")[0]:
            raise _bad("it names a host beside the declared `socket`", "write `postgresql://user@/name`")
        return ""
    try:
        return parse_url(f"https://{place}/").host
    except Invalid:
        raise _bad("one host is needed, a plain name or an address in its usual form") from None


def _sqlite_path(url: str) -> PurePosixPath:
    name = url.removeprefix("sqlite:///")
    path = PurePosixPath(name)
    if name == url or not path.name or ".." in path.parts or any(mark in name for mark in "?#%:\0"):
        raise _bad("write `sqlite:///FILE`, without `..` and options")
    return path


def _bad(
    reason: str, hint: str = "write `sqlite:///file` or `postgresql://user@host/name` and keep the password as a secret"
) -> Invalid:
    return Invalid(f"the connector's URL is not usable: {reason}", code="connector.url", hint=hint)
