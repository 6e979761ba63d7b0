"""Pages, by chapter: watch (what happens), settle (what it is worth), prove (evidence and scores), govern (accounts, system)."""

from __future__ import annotations

from console.pages import govern, prove, settle, watch
from console.web.routes import Routes

CHAPTERS: tuple[Routes, ...] = (*watch.CHAPTER, *settle.CHAPTER, *prove.CHAPTER, *govern.CHAPTER)
"""Every table of routes, in the order of the menu."""
