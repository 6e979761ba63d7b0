"""Points, their states and rates: the chapter's pages."""

from __future__ import annotations

from console.pages.watch import point
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (point.routes,)
"""The chapter's tables of routes; the composition root takes them in this order."""
