"""Evidence, packs and scorecards: the chapter's endpoints."""

from __future__ import annotations

from console.api.prove import challenges, corrections, log, packs, samples, scorecards
from console.web.routes import Routes

CHAPTER: tuple[Routes, ...] = (
    log.routes,
    packs.routes,
    samples.routes,
    challenges.routes,
    corrections.routes,
    scorecards.routes,
)
"""The chapter's tables of routes; the composition root takes them in this order."""
