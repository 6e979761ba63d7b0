"""Accounts, sessions, tokens and the system itself: the chapter's pages."""

from __future__ import annotations

from console.pages.govern import account, accounts, audit, health, links, login, login_oidc, reference, system
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    login.routes,
    login_oidc.routes,
    account.routes,
    accounts.routes,
    links.routes,
    reference.routes,
    audit.routes,
    health.routes,
    system.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
