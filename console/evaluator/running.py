"""A period that still runs, as far as whole days of it are over: what is to come is no missing observation."""

from __future__ import annotations

from datetime import date, timedelta

from monitor.period import Period


def so_far(period: Period, day: date) -> Period:
    """Return a period up to the last day that is over on `day`, under its own label; a period that is over as it is.

    On a period's first day that is this day itself. A period that has not begun is returned as it is.
    """
    if period.last < day or day < period.first:
        return period
    return period._replace(last=max(period.first, day - timedelta(days=1)))
