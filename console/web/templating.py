"""Templates and how values are written in them: money, percentages, instants and spans, in the person's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp_jinja2
import jinja2
from aiohttp import web

from console.web.access import ROLE_ZH
from console.web.assets import address
from console.web.menu import entries_for
from console.web.words import LANGUAGES, N_
from monitor.model import MICROSECONDS
from settlement.capitals import capitals
from settlement.money import grouped

FOLDER = Path(__file__).resolve().parent.parent / "templates"
NOTHING = "—"


def percent(value: Fraction | float | None, places: int = 2) -> str:
    """Write a share as 93.41 %; a dash where there is nothing to divide."""
    if value is None:
        return NOTHING
    exact = Fraction(value) * 100 * 10**places
    rounded = (exact.numerator * 2 + exact.denominator) // (exact.denominator * 2)
    return f"{rounded / 10**places:.{places}f}%"


def money(fen: int | None) -> str:
    """Write fen as yuan with thousands: 1,652,456.40."""
    return NOTHING if fen is None else grouped(fen)


def number(value: int | float | None) -> str:
    """Write a number with thousands."""
    return NOTHING if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def day(value: date | None) -> str:
    """Write a date as ISO says."""
    return NOTHING if value is None else value.isoformat()


@jinja2.pass_context
def instant(context: jinja2.runtime.Context, at: int | None, seconds: bool = True) -> str:
    """Write an instant in the installation's zone."""
    if at is None:
        return NOTHING
    zone = context["visit"].site.settings.zone
    moment = datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone))
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


@jinja2.pass_context
def duration(context: jinja2.runtime.Context, seconds: int | float | None) -> str:
    """Write a span of seconds in its two largest units."""
    if seconds is None:
        return NOTHING
    say: Callable[[str], str] = context["visit"].say
    left, parts = int(seconds), []
    for size, unit in ((86_400, N_("天")), (3_600, N_("小时")), (60, N_("分")), (1, N_("秒"))):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {say(unit)}")
    return " ".join(parts[:2]) or f"0 {say('秒')}"


def set_up(application: web.Application) -> None:
    """Give an application its templates."""
    environment = aiohttp_jinja2.setup(
        application,
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    environment.filters |= {
        "percent": percent,
        "money": money,
        "capitals": capitals,
        "number": number,
        "day": day,
        "instant": instant,
        "duration": duration,
    }
    environment.globals |= {
        "asset": address,
        "_": _say,
        "languages": LANGUAGES,
        "role_zh": ROLE_ZH,
        "menu_for": entries_for,
        "fraction": Fraction,
    }


@jinja2.pass_context
def _say(context: jinja2.runtime.Context, message: str, **values: Any) -> str:
    """Return a message in the visit's language, with its values put in."""
    text: str = context["visit"].say(message)
    return text.format(**values) if values else text
