"""Accounts as people write and read them: days that an account lasts, names between commas, browsers by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import LAST_YEAR

_BROWSER = re.compile(r"(?P<name>Edg|OPR|Firefox|Chrome|Version)/(?P<version>\d+)")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Version": "Safari"}
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
_BETWEEN = re.compile(r"[,，、;；\n\r\t]+")


def end_of(last: date | None, zone: str) -> Instant | None:
    """Return the instant after an account's last day in a zone; None for no end. InputError for a day no calendar ends with."""
    if last is None:
        return None
    if last.year > LAST_YEAR:
        raise refuse(f"年份不得晚于 {LAST_YEAR} no later year", "留空为长期 leave it out for no end", column="until")
    midnight = datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return Instant(int(midnight.timestamp()) * MICROSECONDS)


def last_day(until: Instant | None, zone: str) -> date | None:
    """Return the last day before an account's end in a zone; None for no end."""
    return None if until is None else datetime.fromtimestamp((until - 1) / MICROSECONDS, ZoneInfo(zone)).date()


def names_in(text: str) -> frozenset[str] | None:
    """Return the names in a text, between commas or on lines of their own; None for none, which restricts nothing."""
    return restricted(_BETWEEN.split(text))


def restricted(names: Iterable[str]) -> frozenset[str] | None:
    """Return names without blanks around them; None for none."""
    return frozenset(name.strip() for name in names if name.strip()) or None


def written(names: frozenset[str] | None) -> str:
    """Return names as a field shows them."""
    return "、".join(sorted(names or ()))


def browser(agent: str) -> str:
    """Return what a User-Agent names, like `Firefox 140 · Windows`; what it says itself where it names nothing known."""
    known = {found["name"]: found["version"] for found in _BROWSER.finditer(agent)}
    name = next((name for name in ("Edg", "OPR", "Firefox", "Chrome", "Version") if name in known), None)
    if name is None:
        return agent[:60]
    system = next((system for system in _SYSTEMS if system in agent), "")
    return f"{_NAMES.get(name, name)} {known[name]}{' · ' if system else ''}{system}"
