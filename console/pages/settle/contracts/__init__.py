"""合同与计费: contracts, their versions, what they leave open and what a change would come to."""

from __future__ import annotations

from console.pages.settle.contracts.shown import routes as shown
from console.pages.settle.contracts.trying import routes as trying
from console.pages.settle.contracts.versions import routes as versions
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (shown, versions, trying)
"""The contracts' tables of routes."""
