"""Indexes of some rows. What only PostgreSQL is told of an index is said when tables are made there: SQLAlchemy would
load everything it knows of that database with the first such word, four megabytes on every start on SQLite."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Index, MetaData, event

from .engine import metadata

ONLY_THERE = "postgresql"  # where an index keeps what only PostgreSQL is told


def partial_index(name: str, *columns: Any, where: ColumnElement[bool], unique: bool = False) -> Index:
    """An index, on both databases, of the rows for which `where` holds."""
    return Index(name, *columns, unique=unique, sqlite_where=where, info={ONLY_THERE: {"where": where}})


def say_to_postgresql(tables: MetaData) -> None:
    """Tell the indexes of these tables what is to be said to PostgreSQL."""
    for index in (index for table in tables.tables.values() for index in table.indexes):
        for word, value in index.info.get(ONLY_THERE, {}).items():
            index.dialect_kwargs[f"postgresql_{word}"] = value


@event.listens_for(metadata, "before_create")
def _before_create(target: MetaData, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        say_to_postgresql(target)
