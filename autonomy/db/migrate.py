"""Bringing a database to the present schema, by Alembic; the migrations are the only way a table comes to be."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from autonomy.kernel.errors import Conflict

from .engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run the migrations that have not run. Raises Conflict where the database is of a newer release than this one."""
    if database.path is not None:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    config = _config()
    engine = database.writer_engine()
    try:
        with engine.connect() as connection:
            _check_known(connection_revision := MigrationContext.configure(connection).get_current_revision())
            if connection_revision != ScriptDirectory.from_config(config).get_current_head():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    finally:
        engine.dispose()


def _check_known(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise Conflict(
            f"the database is at `{revision}`, which this release does not know",
            code="db.newer",
            hint="use a newer release",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
