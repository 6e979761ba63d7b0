"""公安数据: the authority's files, how they are read, figures typed from paper, and what they come to beside our own."""

from __future__ import annotations

from console.pages.settle.authority import beside, files, importing, typing
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (files.routes, importing.routes, typing.routes, beside.routes)
"""In this order: the last one takes addresses that begin with a contract's name."""
