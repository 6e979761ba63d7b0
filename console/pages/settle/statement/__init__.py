"""费用结算单: one quarter's statement, why its amounts are what they are, its steps, disputes and papers."""

from __future__ import annotations

from console.pages.settle.statement.amounts import routes as amounts
from console.pages.settle.statement.disputes import routes as disputes
from console.pages.settle.statement.drafting import routes as drafting
from console.pages.settle.statement.history import routes as history
from console.pages.settle.statement.measured import routes as measured
from console.pages.settle.statement.papers import routes as papers
from console.pages.settle.statement.shown import routes as shown
from console.pages.settle.statement.steps import routes as steps
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (shown, amounts, measured, history, disputes, drafting, steps, papers)
"""The statement's tables of routes."""
