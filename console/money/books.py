"""The books as a file: the store's journal for Beancount, which adds it up again by itself."""

from __future__ import annotations

from sqlalchemy import Connection

from settlement.reports.beancount import beancount_text
from settlement.store import contracts, journal


def beancount_export(connection: Connection, contract: str | None = None) -> str:
    """Return the journal of a contract, or of all, as a Beancount file, with the store's balances asserted at its end."""
    versions = contracts.versions(connection, contract)
    return beancount_text(
        journal.entries(connection, contract),
        journal.balances(connection, contract),
        {version.contract: version.terms.title for version in versions},
        {version.contract: version.terms.supplier for version in versions},
    )
