"""Databases for tests: every store test runs on SQLite and on PostgreSQL, started by the tests themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from autonomy.audit import Log, begin_log
from autonomy.db import CommitQueue, Database, metadata
from tests.postgres import start_postgres


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server, without a database name. Workers of one run share it."""
    with start_postgres(tmp_path_factory.getbasetemp()) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield f"{postgres_server}/{name}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/autonomy.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with every table and an empty log."""
    found = Database.open(database_url)
    engine = found.writer_engine()
    metadata.create_all(engine)
    with engine.connect() as connection:
        begin_log(connection)
    engine.dispose()
    yield found
    found.close()


@pytest.fixture
def queue(database: Database) -> Iterator[CommitQueue]:
    """The commit queue of `database`, with the log, without hot units."""
    found = CommitQueue(database, Log())
    yield found
    found.close()
