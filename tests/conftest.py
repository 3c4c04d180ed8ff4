"""Databases for tests: every store test runs on SQLite and on PostgreSQL, started by the tests themselves.

Tables are made once for each kind; each test gets a copy of the file or an emptied database. That the migrations make
the same tables is a test of its own.
"""

from __future__ import annotations

import importlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from autonomy.audit import Log, begin_log
from autonomy.db import CommitQueue, Database, engine, metadata, turns
from autonomy.db.migrations.revise import STORES
from autonomy.gate import turnstile
from autonomy.kernel import interpreter
from tests import examples
from tests.postgres import start_postgres
from tests.tables import own
from tests.templates import migrate, put_migrated

pytest_plugins = ("tests.coroutines",)
LOG = "autonomy.example/log"

for _store in STORES:
    importlib.import_module(f"autonomy.{_store}")


def pytest_configure(config: pytest.Config) -> None:
    """The short run tries each property with fewer examples; chosen before a module of tests says with how many. Files
    of tests are in memory where the machine offers that, for every commit forces its own to the disk otherwise."""
    examples.choose(config.option.markexpr)
    if folder := _quick_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


SLOW_SECONDS = 1_800.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that is known to be slow has the time for it, also on a machine that is busy with other things."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


def pytest_collection_finish() -> None:
    """Six thousand tests and what they import stay: the collector need not look through all of it again and again,
    which stops a process for a second each time, longer than a store may take."""
    interpreter.calm()


def _share_what_is_compiled() -> None:
    """Every test opens engines of its own, and SQLAlchemy compiles each statement for each of them: a quarter of what a
    test of a house costs. Here those of a kind share it."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = lambda self, other: type(self) is type(other)
        kind.__hash__ = lambda self: hash(type(self))
    shared = LRUCache(20_000)
    Engine._compiled_cache = property(lambda self: shared, lambda self, value: None)


_share_what_is_compiled()

PATIENCE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A house inside a test has more time to read and to decide: beside other tests a processor is not always there
    within two seconds. What proves the two seconds themselves is marked `in_time` and has the house's own limits."""
    if not request.node.get_closest_marker("in_time"):
        for wait in ("READ_SECONDS", "POOL_SECONDS"):
            monkeypatch.setattr(engine, wait, PATIENCE_SECONDS)
        monkeypatch.setattr(turns, "WITHIN_SECONDS", PATIENCE_SECONDS)
        for wait in ("BUSY_TIMEOUT_MS", "STATEMENT_TIMEOUT_MS", "LOCK_TIMEOUT_MS"):
            monkeypatch.setattr(engine, wait, int(PATIENCE_SECONDS * 1000))
        monkeypatch.setattr(turnstile, "DECIDE_SECONDS", PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server, without a database name; one for each worker.

    Its folder is not pytest's, which another run may clear away.
    """
    with (
        TemporaryDirectory(prefix="autonomy-postgres-", dir=_quick_folder(), ignore_cleanup_errors=True) as folder,
        start_postgres(Path(folder)) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> str:
    """The URL of a database with every table, emptied before each test: eight megabytes less to copy each time."""
    url = _create(postgres_server)
    _make_tables(url)
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and an empty log, to be copied."""
    path = tmp_path_factory.mktemp("template") / "autonomy.sqlite"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    url = _create(postgres_server)
    yield url
    _drop(url)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database as the migrations leave it, to be copied."""
    url = _create(postgres_server)
    migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture
def migrated_postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database as the migrations leave it."""
    url = _create(postgres_server, postgres_template)
    yield url
    _drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a table, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/autonomy.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database as the migrations leave it, once for each kind."""
    if request.param == "sqlite":
        put_migrated(tmp_path / "autonomy.sqlite")
        return f"sqlite:///{tmp_path}/autonomy.sqlite"
    url: str = request.getfixturevalue("migrated_postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with every table and an empty log."""
    if request.param == "sqlite":
        path = tmp_path / "autonomy.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_database")
        _empty(url)
    found = Database.open(url)
    _make_own_tables(found.writer_engine())
    yield found
    found.close()


@pytest.fixture
def queue(database: Database) -> Iterator[CommitQueue]:
    """The commit queue of `database`, with the log, without hot units."""
    found = CommitQueue(database, Log())
    yield found
    found.close()


def _quick_folder() -> str | None:
    """Memory where the machine offers it as a folder: nothing of these databases has to last."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**31 else None


def _create(server: str, template: str = "template1") -> str:
    name = f"t_{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return f"{server}/{name}"


def _drop(url: str) -> None:
    server, _, name = url.rpartition("/")
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _empty(url: str) -> None:
    """As new: connections that a test left are ended, every row is gone, the log is at its beginning.

    A test that broke the tables on purpose gets them made again for the next one.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        present = {name for (name,) in connection.execute(query.encode())}
        whole = present >= set(metadata.tables)
        named = ", ".join(f'"{name}"' for name in sorted(present))
        connection.execute(f"TRUNCATE {named}" if whole else f"DROP TABLE IF EXISTS {named} CASCADE")
    if not whole:
        _make_tables(url)
        return
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.begin() as begun:
        begin_log(begun, LOG)


def _administer(server: str, statement: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def _make_tables(url: str) -> None:
    database = Database.open(url)
    engine = database.writer_engine()
    metadata.create_all(engine)
    with engine.connect() as connection:
        begin_log(connection, LOG)
        if database.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    database.close()


def _make_own_tables(engine: Engine) -> None:
    """Tables that a test module declared for itself."""
    own.create_all(engine)
    engine.dispose()
