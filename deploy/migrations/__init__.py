"""The database's schema, step by step: one schema for the tables of every room."""

from __future__ import annotations

import console.store.tables
import monitor.store.tables
import settlement.store.money_tables
import settlement.store.tables

METADATA = (monitor.store.tables.metadata, settlement.store.tables.metadata, console.store.tables.metadata)
"""All tables, as the newest migration leaves them."""
