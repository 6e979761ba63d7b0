"""What every read of a single point needs of the site: the person's scope, what is kept in memory, the settings."""

from __future__ import annotations

from urllib.parse import quote

from console.points.kept import Kept
from console.points.money import PointLines
from console.points.page import Means
from console.web.access import MONEY_READERS, Role
from console.web.visit import Visit


def means_of(visit: Visit) -> Means:
    """Return it; what is kept is made with the first visit."""
    more = visit.site.more
    kept: Kept = more.setdefault(Kept, Kept())
    lines: PointLines = more.setdefault(PointLines, PointLines())
    return Means(visit.scope, kept, lines, visit.site.settings)


def sees_money(visit: Visit) -> bool:
    """Tell whether the person may read amounts."""
    return visit.may(MONEY_READERS)


def sees_drafts(visit: Visit) -> bool:
    """Tell whether the person may read statements before the supplier is asked to confirm them."""
    return visit.may(MONEY_READERS - {Role.SUPPLIER})


def address(code: str, *more: object) -> str:
    """Return the address of a point's page, or of something under it."""
    return "/".join(["/points", quote(code, safe=""), *(quote(str(part), safe="") for part in more)])
