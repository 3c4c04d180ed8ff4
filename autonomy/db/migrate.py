"""Bringing a database to the present schema, by Alembic; the migrations are the only way a table comes to be."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from autonomy.kernel.errors import Conflict

from .engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run the migrations that have not run. Raises Conflict where the database is of a newer release than this one."""
    if database.path is not None:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    engine = database.writer_engine()
    try:
        with engine.connect() as connection:
            current = revision_of(connection)
            _check_known(current)
            if current != newest_revision():
                # Alembic is only loaded where there is something to do: a start costs ten megabytes less.
                import_module("autonomy.db.migrations.run").upgrade(connection)
    finally:
        engine.dispose()


def newest_revision() -> str:
    """The newest migration of this release."""
    return max(known())


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
