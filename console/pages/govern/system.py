"""Backups: made with progress, listed, fetched, deleted; how one is restored is told, since a server cannot do it to itself."""

from __future__ import annotations

from aiohttp import web

from console.backups.backing_up import delete, made_by, note_begun, note_fetched, path_of
from console.health import MOST_BACKUPS_KEPT, backups
from console.web.access import ADMINISTRATORS
from console.web.routes import Routes
from console.web.visit import Visit
from console.web.words import N_

routes = Routes()
LOCATION = "/system/backup"


@routes.page(LOCATION, allow=ADMINISTRATORS, section="system")
async def shown(visit: Visit) -> web.Response:
    """The backups there are, and the one that is being made."""
    progress = made_by(visit.site).progress
    found = await visit.aside(backups, visit.site.settings)
    return visit.render(
        "govern/backup.html", progress=progress, backups=found, most=MOST_BACKUPS_KEPT, settings=visit.site.settings
    )


@routes.form(LOCATION, allow=ADMINISTRATORS, section="system")
async def make(visit: Visit) -> web.Response:
    """Begin one."""
    if len(await visit.aside(backups, visit.site.settings)) >= MOST_BACKUPS_KEPT:
        return visit.see(LOCATION, visit.say(N_("备份已满 {n} 份，请先删除旧的。")).format(n=MOST_BACKUPS_KEPT))
    progress = made_by(visit.site).begin(visit.person.name, visit.at)
    await visit.write(note_begun, progress.name, at=visit.at, actor=visit.person.name)
    return visit.see(LOCATION, visit.say("已开始备份"))


@routes.download(LOCATION + "/{name}", allow=ADMINISTRATORS)
async def fetch(visit: Visit) -> web.StreamResponse:
    """A backup, as a file; who fetched it is in the audit log."""
    path = path_of(visit.site.settings, visit.path("name"))
    if visit.request.method == "GET":
        await visit.write(note_fetched, path.name, at=visit.at, actor=visit.person.name)
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"', "Cache-Control": "no-store"}
    return web.FileResponse(path, headers=headers)


@routes.form(LOCATION + "/{name}/delete", allow=ADMINISTRATORS)
async def remove(visit: Visit) -> web.Response:
    """Delete one."""
    name = visit.path("name")
    await visit.write(delete, visit.site.settings, name, at=visit.at, actor=visit.person.name)
    return visit.see(LOCATION, visit.say("已删除备份 {name}").format(name=name))
