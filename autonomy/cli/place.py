"""A data folder and its database as commands without a server see them: nothing is made that is not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, select

from autonomy.audit.store import checkpoint
from autonomy.db import Database
from autonomy.kernel.errors import NotFound
from autonomy.tools.key import VARIABLE, load_key
from autonomy.wiring import Settings

KEY_FILE = "master.key"

Data = Annotated[Path | None, typer.Option(help="The data folder; by default `autonomy-data`.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database", help="A database URL; by default SQLite in the folder.")]
Witness = Annotated[Path | None, typer.Option(help="Where copies of checkpoints are kept.")]


def settings_of(**given: Any) -> Settings:
    """The settings of the environment and of what was given on the command line."""
    return Settings.from_environment(**given)


def existing_key(settings: Settings) -> bytes | None:
    """The master key; None where there is none yet. Raises Invalid (`key.*`) for one that others can read."""
    path = settings.data / KEY_FILE
    return load_key(path) if VARIABLE in os.environ or path.exists() else None


def existing_database(settings: Settings) -> Database:
    """The database. Raises NotFound (`db.missing`) where its file is not there."""
    database = Database.open(settings.database_url)
    if database.path is not None and not database.path.is_file():
        database.close()
        raise NotFound(f"there is no database `{database.path}`", code="db.missing", hint="`autonomy up` makes one")
    return database


def newest_note(connection: Connection) -> str | None:
    """The newest signed checkpoint; None while there is none."""
    query = select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found
