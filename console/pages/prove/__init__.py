"""Evidence, packs and scorecards: the chapter's pages."""

from __future__ import annotations

from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = ()
"""The chapter's tables of routes; the composition root takes them in this order."""
