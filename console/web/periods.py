"""Periods that a reader may be limited to: a quarter (2020Q3) or a year (2020), of what an address names and a list shows.

Whoever is limited sees what lies wholly within. What belongs to no period (a contract's text, the log's checkpoints) is open;
what shows the present, or all times together, is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from console.periods import period_of
from monitor.finding import InputError

_YEAR = re.compile(r"[0-9]{4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PERIOD = re.compile(r"[0-9]{4}(?:Q[1-4]|-[0-9]{2}|-[0-9]{2}-[0-9]{2}\.\.[0-9]{4}-[0-9]{2}-[0-9]{2})", re.IGNORECASE)
_NAMING = ("{quarter", "{period")
"""In a route's path: everything under it is of the period that the address names."""
_YEARS = frozenset({"year", "period", "quarter"})
"""Names in an address whose bare number is a year; elsewhere it may count anything."""
_WHOLE = ("beancount",)
"""Ends of addresses below a period that nevertheless give a contract's whole journal."""
_OPEN = re.compile(
    r"(?:/api/v1)?(?:"
    r"/evidence(?:/(?:checkpoint|trust|verifier|signatures|packs|samples|challenges|days)\b.*)?"
    r"|/scorecards\b.*|/settlement|/statements|/contracts(?:/\{name\}(?:/(?:compare|differences|versions)\b.*)?)?"
    r"|/account(?:/.*)?|/reference\b.*|/openapi\.json|/problems\b.*|/static/.*|/login\b.*|/logout|/language|/l/.*)"
)
"""Routes that are of no period, or whose lists leave out what the reader does not see."""


def open_to_limited(path: str) -> bool:
    """Tell whether a route (its path with {names}) is open to a reader who is limited to a period, if the address allows."""
    if path.endswith(_WHOLE):
        return False
    return any(name in path for name in _NAMING) or _OPEN.fullmatch(path) is not None


def lies_in(label: str, period: str) -> bool:
    """Tell whether all days of a quarter, year, month, day or range lie in a quarter or year; False for what is none of them."""
    if not period:
        return True
    inner, outer = _days(label), _days(period)
    return inner is not None and outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1]


def named_within(period: str, given: Mapping[str, str] | Iterable[tuple[str, str]]) -> bool:
    """Tell whether every period among an address's (name, value) lies in a period."""
    pairs = given.items() if isinstance(given, Mapping) else given
    return all(
        lies_in(value, period)
        for name, value in pairs
        if _PERIOD.fullmatch(value) or (name in _YEARS and _YEAR.fullmatch(value))
    )


def _days(label: str) -> tuple[date, date] | None:
    text = label.strip().upper()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text), date.fromisoformat(text)
        found = period_of(text)
    except (InputError, ValueError):
        return None
    return found.first, found.last
