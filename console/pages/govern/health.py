"""How the system stands: vantages, evidence log, schedule, database, disk; and where an administrator goes from here."""

from __future__ import annotations

from aiohttp import web

from console.board.summary import VANTAGE_ZH
from console.health import health
from console.web.access import ADMINISTRATORS
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


@routes.page("/system", allow=ADMINISTRATORS, section="system")
async def system(visit: Visit) -> web.Response:
    """Everything about the installation at a glance."""
    found = await visit.read(health, visit.site.settings, visit.at)
    return visit.render("govern/system.html", health=found, kinds=VANTAGE_ZH)
