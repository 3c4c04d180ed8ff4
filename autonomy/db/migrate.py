"""Bringing a database to the present schema, by Alembic; the migrations are the only way a table comes to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from autonomy.kernel.errors import Conflict

from .engine import Database, unavailable
from .turns import Turns

MIGRATIONS = Path(__file__).parent / "migrations"

WAIT_SECONDS = 30.0  # for another process that migrates: a refusal to start helps nobody
ADVISORY_LOCK = 0x6175746F  # any number that everybody who migrates takes


def nothing_more(_connection: Connection) -> None:
    """For a database that needs no beginning beyond its tables."""


def upgrade(database: Database, begin: Callable[[Connection], None] = nothing_more) -> None:
    """Run the migrations that have not run, then `begin`, all in one transaction and one process at a time.

    Raises Conflict where the database is of a newer release than this one, Unavailable where it cannot be used.
    """
    with _alone(database) as connection:
        current = revision_of(connection)
        _check_known(current)
        if current != newest_revision():
            # Alembic is only loaded where there is something to do: a start costs ten megabytes less.
            import_module("autonomy.db.migrations.run").upgrade(connection)
        begin(connection)


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A transaction beside which nobody else migrates, committed at the end."""
    if database.path is None:
        with _transaction(database) as connection:
            yield connection
        return
    database.path.parent.mkdir(parents=True, exist_ok=True)
    turns = Turns(database.path)
    try:
        with turns.take(WAIT_SECONDS), _transaction(database) as connection:
            yield connection
    finally:
        turns.close()


@contextmanager
def _transaction(database: Database) -> Iterator[Connection]:
    engine = database.writer_engine()
    try:
        # SQLAlchemy has to know of the transaction, or Alembic would end it after each migration.
        with engine.connect() as connection, connection.begin():
            for statement in _BEGIN[database.dialect]:
                connection.exec_driver_sql(statement)
            yield connection
    except DBAPIError as error:
        raise unavailable(error.orig) from None
    finally:
        engine.dispose()


_BEGIN = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": (
        "BEGIN",
        f"SET LOCAL lock_timeout = '{WAIT_SECONDS:.0f}s'",
        "SET LOCAL statement_timeout = 0",
        f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})",
    ),
}


def newest_revision() -> str:
    """The newest migration of this release."""
    return max(known(), default="")


def known() -> set[str]:
    """The migrations of this release, by number."""
    return {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def revision_of(connection: Connection) -> str | None:
    """The migration a database is at; None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _check_known(revision: str | None) -> None:
    if revision is not None and revision not in known():
        raise Conflict(
            f"the database is at `{revision}`, which this release does not know",
            code="db.newer",
            hint="use a newer release",
        )
