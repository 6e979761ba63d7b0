"""The API under /api/v1, in the same chapters as the pages: what a person can do on a page, a program can do here."""

from __future__ import annotations

from console.api import govern, prove, settle, watch
from console.web.routes import Routes

CHAPTERS: tuple[Routes, ...] = (*watch.CHAPTER, *settle.CHAPTER, *prove.CHAPTER, *govern.CHAPTER)
"""Every table of routes, in the order of the menu."""
