"""公安数据: the authority's files, how they are read, figures typed from paper, and what they come to beside our own."""

from __future__ import annotations

from console.pages.settle.authority.beside import routes as beside
from console.pages.settle.authority.files import routes as files
from console.pages.settle.authority.importing import routes as importing
from console.pages.settle.authority.typing import routes as typing
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (files, importing, typing, beside)
"""In this order: the last one takes addresses that begin with a contract's name."""
