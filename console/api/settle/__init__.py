"""Contracts, statements, the authority's figures and money: the chapter's endpoints."""

from __future__ import annotations

from console.api.settle import (
    authority,
    authority_quarter,
    budget,
    contracts,
    disputes,
    invoices,
    payments,
    payments_account,
    payments_due,
    statement_measured,
    statement_steps,
    statements,
)
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    authority.routes,
    authority_quarter.routes,
    contracts.routes,
    statements.routes,
    statement_measured.routes,
    statement_steps.routes,
    disputes.routes,
    invoices.routes,
    payments_due.routes,
    payments_account.routes,
    payments.routes,
    budget.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
