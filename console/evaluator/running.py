"""A period that still runs, as far as whole days of it are over: what is to come is no missing observation."""

from __future__ import annotations

import re
from datetime import date, timedelta

from monitor.period import Period, parse_period

_YEAR = re.compile(r"[0-9]{4}")


def period_of(text: str) -> Period:
    """Read a period as `parse_period` does, or a calendar year: 2026. InputError for anything else."""
    written = text.strip()
    if _YEAR.fullmatch(written):
        written = f"{written}-01-01..{written}-12-31"
    return parse_period(written)


def so_far(period: Period, day: date) -> Period:
    """Return a period up to the last day that is over on `day`, under its own label; a period that is over as it is.

    On a period's first day that is this day itself. A period that has not begun is returned as it is.
    """
    if period.last < day or day < period.first:
        return period
    return period._replace(last=max(period.first, day - timedelta(days=1)))
