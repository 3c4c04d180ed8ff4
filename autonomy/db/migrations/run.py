"""Alembic at work on a connection that is handed in; there is no configuration file."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from autonomy.db.migrate import MIGRATIONS


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for this connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Run every migration that has not run."""
    command.upgrade(configuration(connection), "head")
