"""Points, their states and rates: the chapter's pages."""

from __future__ import annotations

from console.pages.watch import changes, importing, live, map, overview, point, points
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    overview.routes,
    live.routes,
    map.routes,
    points.routes,
    importing.routes,
    point.routes,
    changes.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
