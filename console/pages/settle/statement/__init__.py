"""费用结算单: one quarter's statement, why its amounts are what they are, its steps, disputes and papers."""

from __future__ import annotations

from console.pages.settle.statement import amounts, disputes, drafting, history, papers, shown, steps
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (
    shown.routes,
    amounts.routes,
    history.routes,
    disputes.routes,
    drafting.routes,
    steps.routes,
    papers.routes,
)
"""The statement's tables of routes."""
