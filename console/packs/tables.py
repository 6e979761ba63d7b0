"""The rows of a pack's CSV files, from what was replayed: points, days, outages, gaps, corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from console.packs import people
from console.packs.recompute import Recomputed
from monitor.evidence.known import Known
from monitor.intervals import total
from monitor.model import MICROSECONDS
from monitor.period import Period, months_of
from monitor.points import RosterPoint
from monitor.rates import Seconds, rate_of, six
from settlement.contract import Terms

Rows = Iterator[Sequence[object]]
Table = tuple[str, Sequence[str], Callable[[], Rows]]
"""Its member, its headings, and what gives its rows anew."""


def of(
    known: Known,
    found: Recomputed,
    terms: Terms,
    period: Period,
    corrections: Sequence[Mapping[str, Any]],
    log_zone: str,
) -> list[Table]:
    """Return every table of a pack; days are divided by month, so that a spreadsheet holds each."""
    codes = sorted({account.point for account in found.accounts})
    window = tuple(second * MICROSECONDS for second in period.span(terms.zone))
    tables: list[Table] = [
        ("csv/points.csv", people.POINTS, lambda: points(found, terms)),
        ("csv/outages.csv", people.OUTAGES, lambda: outages(found, terms.zone)),
        ("csv/gaps.csv", people.GAPS, lambda: gaps(known, codes, window, log_zone)),
        ("csv/corrections.csv", people.CORRECTIONS, lambda: corrected(corrections, codes, window, log_zone)),
    ]
    for month in months_of(period):
        tables.append((f"csv/days-{month.first:%Y-%m}.csv", people.DAYS, _days(known, codes, month)))
    return tables


def _days(known: Known, codes: Sequence[str], month: Period) -> Callable[[], Rows]:
    return lambda: days(known, codes, month.first, month.last)


def points(found: Recomputed, terms: Terms) -> Rows:
    """Yield each stretch of a point's facts with its account and rate in the period."""
    accounts: dict[str, list[Seconds]] = defaultdict(list)
    for account in found.accounts:
        accounts[account.point].append(account.seconds)
    for code, its in sorted(found.stretches.items()):
        for stretch, seconds in zip(its, accounts[code], strict=True):
            rate = rate_of(seconds, terms.policy)
            figures = (*seconds, six(rate.value), six(rate.worst), six(rate.best))
            yield (*_facts(stretch), *figures)


def _facts(point: RosterPoint) -> tuple[object, ...]:
    """What the ledger says of a point; last days are printed as the offices write them."""
    return (
        point.code,
        point.phase,
        point.supplier,
        point.area,
        point.category,
        point.contract,
        *(None if day is None else str(day) for day in (point.accepted_on, point.billed_from)),
        *(_last(day) for day in (point.billed_until, point.retired_on)),
    )


def _last(day: date | None) -> str | None:
    """Write a first day no longer as the last day."""
    return None if day is None else str(date.fromordinal(day.toordinal() - 1))


def days(known: Known, codes: Iterable[str], first: date, last: date) -> Rows:
    """Yield the newest sum of each day and point, by day."""
    wanted = [known.traces[code] for code in codes if code in known.traces]
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = str(date.fromordinal(ordinal))
        for trace in wanted:
            its = trace.sums.get(day)
            if its is not None:
                yield (day, trace.code, its.rev, *its.seconds)


def outages(found: Recomputed, zone: str) -> Rows:
    """Yield the confirmed outages that touch the period, whole, by point and time."""
    for code, outage, still in found.outages:
        start, end = (people.clock(second * MICROSECONDS, zone) for second in (outage.start, outage.end))
        yield (code, start, end, total(outage.offline), "是 yes" if still else "")


def gaps(known: Known, codes: Iterable[str], window: Sequence[int], zone: str) -> Rows:
    """Yield the spans in which the watcher was blind, of whole vantages and of these points, that touch the window."""
    ours = set(codes)
    for vantage, point, start, end, cause in known.blindness.rows():
        if (point is None or point in ours) and start < window[1] and (end is None or end > window[0]):
            yield (vantage, point, people.clock(start, zone), people.clock(end, zone), cause)


def corrected(records: Iterable[Mapping[str, Any]], codes: Iterable[str], window: Sequence[int], zone: str) -> Rows:
    """Yield approved corrections of these points that touch the window, and what revoked any of them, as recorded."""
    ours = set(codes)
    for record in records:
        if record["point"] in ours and record["start"] < window[1] and record["end"] > window[0]:
            yield (
                people.KINDS[record["what"]],
                record["point"],
                people.clock(record["start"], zone),
                people.clock(record["end"], zone),
                record["to"],
                record["cause"],
                record["claimed_by"],
                people.clock(record["claimed_at"], zone),
                record["approver"],
                people.clock(record.get("at"), zone),
                record["document"],
                record["id"],
                record["target"],
            )
