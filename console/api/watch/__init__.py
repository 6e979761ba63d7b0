"""Points, their states and rates: the chapter's endpoints."""

from __future__ import annotations

from console.api.watch import badges, changes, live, map, overview, point, points
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    overview.routes,
    live.routes,
    map.routes,
    badges.routes,
    points.routes,
    point.routes,
    changes.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
