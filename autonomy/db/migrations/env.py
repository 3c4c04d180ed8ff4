"""Alembic's environment: the connection is handed in; there is no configuration file."""

from alembic import context

from autonomy.db.migrations.run import is_declared

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transactional_ddl=True,
    include_name=is_declared,
)
with context.begin_transaction():
    context.run_migrations()
