"""Contracts, statements, the authority's figures and money: the chapter's pages."""

from __future__ import annotations

from console.pages.settle import authority, budget, contracts, invoices, payments, settlement, statement
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    *authority.TABLES,
    *contracts.TABLES,
    settlement.routes,
    *statement.TABLES,
    invoices.routes,
    *payments.TABLES,
    budget.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
