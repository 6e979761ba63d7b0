"""How Alembic runs here: on the connection it is handed, inside the transaction that is open on it.

monitor/store/migrate.py hands it over when the program starts. Nothing else runs it.
"""

from __future__ import annotations

from alembic import context

from deploy.migrations import METADATA

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run migrations through monitor.store.migrate, which hands over a connection")

# SQLite's DDL takes part in transactions as PostgreSQL's does: a migration happens as a whole or not at all.
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
