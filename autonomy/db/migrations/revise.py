"""Writes the migration from the migrations so far to the tables as declared.

`python -m autonomy.db.migrations.revise 0002 "what it is for"`; read what it wrote before you keep it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from alembic import command

from autonomy.db.engine import Database, metadata
from autonomy.db.indexes import say_to_postgresql
from autonomy.db.migrate import upgrade
from autonomy.db.migrations.run import configuration

STORES = (
    "audit.store",
    "identity.store",
    "identity.outside_store",
    "catalog.store",
    "tools.store",
    "tools.deliveries",
    "tools.sites.store",
    "approvals.store",
    "notices.outbox",
    "budget.store",
    "memory.store",
    "gate.store",
    "tasks.store",
    "workflow.store",
    "incidents.store",
    "insight.found",
    "insight.cells",
    "insight.labels",
    "insight.checking",
)
"""Every module that declares tables."""


def revise(message: str, number: str) -> None:
    """Compare a freshly migrated database with the declared tables and write the difference as a migration."""
    for store in STORES:
        importlib.import_module(f"autonomy.{store}")
    say_to_postgresql(metadata)
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{Path(folder) / 'present.sqlite'}")
        upgrade(database)
        with database.writer_engine().connect() as connection:
            config = configuration(connection)
            config.attributes["metadata"] = metadata
            command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    revise(sys.argv[2], sys.argv[1])
