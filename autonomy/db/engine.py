"""Connections: SQLite by default, PostgreSQL by URL. Readers here; the one writer is `db.writer`."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from autonomy.kernel.errors import Busy, Invalid, Unavailable

from .backfill import MOST_PAGES
from .turns import Turns

T = TypeVar("T")
log = logging.getLogger("autonomy.db")

metadata = MetaData()
"""Every room declares its tables on this; the migrations must add up to it."""

BUSY_TIMEOUT_MS = 1_000  # invariant 3: a refusal within two seconds, so no wait may be longer than one
STATEMENT_TIMEOUT_MS = 1_500  # of readers; who has to read for longer uses a connection of its own
LOCK_TIMEOUT_MS = 1_500  # of the writer on PostgreSQL, for the head of the log
READER_CACHE_KB = 256  # of each reading connection; the operating system caches the file for all of them
READERS = 4
POOL_SECONDS = 1.0  # how long somebody waits for a connection to read on

_BEGIN_SNAPSHOT = {
    "sqlite": ("PRAGMA query_only=ON", "BEGIN"),
    "postgresql": (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ),
}
READ_SECONDS = 2.0  # how long somebody on the event loop waits for what is read in a thread
WIPES = 20  # tries to wipe what is gone
WIPE_PAUSE_SECONDS = 0.05  # between two tries
WIPE_TIMEOUT_MS = 250  # how long one of them waits for readers: others cannot write meanwhile

POSTGRESQL_CONNECTION = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3_000,  # milliseconds until what was sent and not acknowledged ends the connection
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
"""How libpq finds out that the other machine is gone, where the network does not say so."""


class Database:
    """One database of the control plane. Thread-safe; `close` it at the end."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
        self._engine = self._readers()
        self._threads = ThreadPoolExecutor(READERS, "reader")

    @classmethod
    def open(cls, url: str) -> Database:
        """The database at `sqlite:///FILE` or `postgresql://…`; raises Invalid for any other URL."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise Invalid(
                "the database URL cannot be read",
                code="db.url",
                hint="write `sqlite:///FILE` or `postgresql://HOST/NAME`",
            ) from None
        backend = parsed.get_backend_name()
        if backend == "postgresql":
            return cls(parsed.set(drivername="postgresql+psycopg"))
        if backend == "sqlite" and parsed.database:
            return cls(parsed.set(drivername="sqlite+pysqlite"))
        raise Invalid(
            f"`{backend}` is not a database this runs on",
            code="db.url",
            hint="write `sqlite:///FILE` or `postgresql://HOST/NAME`",
        )

    @property
    def path(self) -> Path | None:
        """The SQLite file; none on PostgreSQL."""
        return Path(self.url.database) if self.dialect == "sqlite" and self.url.database else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading committed data, for any thread. Raises Unavailable where the store is gone."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise unavailable(error.orig) from None
        except PoolTimeout:
            raise Busy("too many readers wait for the store", code="store.busy", retry_after=1.0) from None

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection on which everything read is of one moment, however long it takes; it cannot write."""
        engine = self.writer_engine()
        try:
            with engine.connect() as connection:
                for statement in _BEGIN_SNAPSHOT[self.dialect]:
                    connection.exec_driver_sql(statement)
                try:
                    yield connection
                finally:
                    connection.exec_driver_sql("ROLLBACK")
        except DBAPIError as error:
            raise unavailable(error.orig) from None
        finally:
            engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """`work` on a reading connection in a worker thread. Raises Unavailable where that takes too long."""
        reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)
        try:
            async with asyncio.timeout(READ_SECONDS) as limit:
                return await reading
        except TimeoutError:
            if not limit.expired():
                raise
            raise slow() from None

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self.reading() as connection:
            return work(connection)

    def writer_engine(self) -> Engine:
        """An engine whose connections leave BEGIN and COMMIT to the commit queue."""
        engine = create_engine(
            self.url, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=self._connect_args()
        )
        if self.dialect == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite_writer)
        else:
            event.listen(engine, "connect", _prepare_postgresql_writer)
        return engine

    def wipe(self, table: Table) -> None:
        """Take what `table` does not hold any more out of the store's files: of SQLite out of its write-ahead log, of
        PostgreSQL out of the table's own file, where an old version of a row stands until it is vacuumed. Blocks;
        PostgreSQL recycles its log by itself.

        Raises Unavailable where readers, or whoever writes, are in the way for too long.
        """
        wiped = self._wipe_log if self.path else lambda: self._rewrite(table)
        if not wiped():
            raise Unavailable(
                "what is gone still stands in the files of the store",
                code="store.unwiped",
                hint="a reader is in the way; do it again until it succeeds",
            )

    def _wipe_log(self) -> bool:
        assert self.path is not None  # only SQLite has a log of its own to be wiped
        turns = Turns(self.path)
        try:
            with self._by_itself() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={WIPE_TIMEOUT_MS}")
                return any(_is_wiped(connection, turns) for _ in range(WIPES))
        finally:
            turns.close()

    def _rewrite(self, table: Table) -> bool:
        with self._by_itself() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = '{WIPE_TIMEOUT_MS}ms'")
            return any(_is_vacuumed(connection, table.name) for _ in range(WIPES))

    @contextmanager
    def _by_itself(self) -> Iterator[Connection]:
        """A connection beside the writer's, in no transaction. Raises Unavailable where the store is gone."""
        engine = self.writer_engine()
        try:
            with engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise unavailable(error.orig) from None
        finally:
            engine.dispose()

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _readers(self) -> Engine:
        engine = create_engine(
            self.url,
            pool_size=READERS,
            max_overflow=4,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=self.dialect == "postgresql",
            hide_parameters=True,
            connect_args=self._connect_args(),
        )
        prepare = _prepare_sqlite_reader if self.dialect == "sqlite" else _prepare_postgresql_reader
        event.listen(engine, "connect", prepare)
        return engine

    def _connect_args(self) -> dict[str, Any]:
        if self.dialect == "sqlite":
            return {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}
        return POSTGRESQL_CONNECTION


def upsert(
    table: Table, values: Mapping[str, Any] | Sequence[Mapping[str, Any]], keys: Sequence[str], dialect: str = "sqlite"
) -> Any:
    """INSERT … ON CONFLICT (`keys`) DO UPDATE of every other column given, for both databases."""
    rows = [values] if isinstance(values, Mapping) else list(values)
    statement = _insert(table, dialect).values(rows)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changed)


def _insert(table: Table, dialect: str) -> Any:
    if dialect == "sqlite":
        return sqlite.insert(table)
    # What SQLAlchemy knows of PostgreSQL is only loaded where it is used: four megabytes.
    return import_module("sqlalchemy.dialects.postgresql").insert(table)


def unavailable(error: BaseException | None) -> Unavailable:
    """What a caller is told when the store fails, and the log under which code: never the driver's own words, which may
    hold values."""
    full = "full" in str(error)
    log.error("the store failed: %s", _cause(error))
    return Unavailable(
        "the disk of the store is full" if full else "the store does not answer",
        code="store.full" if full else "store.unavailable",
        hint="nothing was done; see the server's log",
    )


def _cause(error: BaseException | None) -> str:
    """The error's class and the code the database gives it (PostgreSQL: SQLSTATE; SQLite: its result code's name)."""
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def slow() -> Unavailable:
    """For somebody who has waited long enough for what nobody has begun, or what only reads."""
    return Unavailable("the store is too slow", code="store.slow", hint="nothing was done; try again later")


def uncertain() -> Unavailable:
    """For a store that was lost while it committed: its answer would have said whether it had."""
    return Unavailable("the store was lost while it wrote", code="store.uncertain", hint="look before trying again")


def _is_wiped(connection: Connection, turns: Turns) -> bool:
    with turns.take():
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        time.sleep(WIPE_PAUSE_SECONDS)  # for readers SQLite has waited, for somebody who copies back it does not
    return not busy


def _is_vacuumed(connection: Connection, table: str) -> bool:
    """Vacuum, and rewrite the file: vacuuming alone frees the place of an old row and leaves its bytes there. False
    where somebody may still see old rows, which would be copied, or holds the table."""
    try:
        connection.exec_driver_sql(f"VACUUM {table}")
        dead = connection.exec_driver_sql(f"SELECT pg_stat_get_dead_tuples('{table}'::regclass)")
        if dead.scalar_one() > 0:
            time.sleep(WIPE_TIMEOUT_MS / 1000)
            return False
        connection.exec_driver_sql(f"VACUUM (FULL) {table}")
    except OperationalError as error:
        if connection.invalidated:
            raise
        log.info("`%s` is not vacuumed yet: %s", table, type(error.orig).__name__)
        return False
    return True


def _prepare_sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "query_only=ON",
        f"cache_size=-{READER_CACHE_KB}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: with NORMAL an fsync that fails is acknowledged all the same (RELIABILITY.md, row 2).
    # secure_delete: what is erased leaves no plain bytes in free pages.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"wal_autocheckpoint={MOST_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql_reader(connection: Any, _record: object) -> None:
    connection.autocommit = True  # else the setting would be undone with the first transaction
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_MS}ms'")
    connection.autocommit = False


def _prepare_postgresql_writer(connection: Any, _record: object) -> None:
    # A frozen process must not keep the head lock for ever, nor wait for it longer than callers do.
    connection.autocommit = True
    for setting in (
        "synchronous_commit = on",
        f"lock_timeout = '{LOCK_TIMEOUT_MS}ms'",
        "statement_timeout = '10s'",
        "idle_in_transaction_session_timeout = '10s'",
    ):
        connection.execute(f"SET {setting}")
