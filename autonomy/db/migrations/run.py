"""Alembic at work on a connection that is handed in; there is no configuration file."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from autonomy.db.migrate import MIGRATIONS


def is_declared(name: str | None, kind: str, _parents: object) -> bool:
    """Whether something in a database is compared with the tables as declared. The full-text indexes of memory are not:
    SQLite makes the tables behind its own by itself, and Alembic does not read what PostgreSQL's is an index of."""
    return not (name or "").startswith("memory_search" if kind == "table" else "memory_item_marks")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for this connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Run every migration that has not run."""
    command.upgrade(configuration(connection), "head")
