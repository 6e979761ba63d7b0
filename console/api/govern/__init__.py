"""Accounts, sessions, tokens and the system itself: the chapter's endpoints."""

from __future__ import annotations

from console.api.govern import account, accounts, audit, links, reference, system
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    account.routes,
    accounts.routes,
    links.routes,
    reference.routes,
    audit.routes,
    system.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
