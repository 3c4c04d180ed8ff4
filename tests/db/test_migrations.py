"""The migrations add up to the tables as declared, on both databases, and can be run twice."""

from __future__ import annotations

import importlib

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from autonomy.db import Database, metadata
from autonomy.db.migrate import upgrade
from autonomy.db.migrations.revise import STORES
from autonomy.db.migrations.run import is_declared
from autonomy.kernel.errors import Conflict


@pytest.fixture
def migrated(empty_database_url: str) -> Database:
    for store in STORES:
        importlib.import_module(f"autonomy.{store}")
    found = Database.open(empty_database_url)
    upgrade(found)
    return found


def test_the_migrations_add_up_to_the_declared_tables(migrated: Database) -> None:
    with migrated.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_declared})
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing(migrated: Database) -> None:
    upgrade(migrated)
    with migrated.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_a_database_of_a_newer_release_is_refused(migrated: Database) -> None:
    engine = migrated.writer_engine()
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Conflict) as refused:
        upgrade(migrated)
    assert refused.value.code == "db.newer"
