"""The auditor's sample: points drawn by a seed that he chose, each with a snapshot of what the record says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection

from console import views
from console.evaluator.running import so_far
from monitor.evidence.selection import Chosen, choose
from monitor.finding import refuse
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, day_of
from monitor.points import RosterPoint
from monitor.rates import ZERO, add, rate_of, service_of, six
from monitor.scope import EVERYTHING
from monitor.store.seen import newest
from settlement.contract import Terms

FORMAT = "camsla-sample/1"
MAX_POINTS = 500
OUTAGES = 3
"""So many of a point's last outages are in its snapshot."""
Stratum = Literal["", "phase", "area", "supplier"]
METHOD = "sha256(seed LF code), smallest first; strata by largest remainder"


def draw(
    connection: Connection, terms: Terms, period: Period, seed: str, n: int, stratify: Stratum, at: Instant
) -> dict[str, Any]:
    """Draw n points of those that the contract had in service in a period, and return their snapshots as JSON data.

    A period that still runs at `at` is measured up to the last day that is over (`until` says which); the points are those
    of the whole period. The same record gives the same document on a day. InputError if no point was in service.
    """
    question = views.Question(period, terms.zone, terms.policy)
    served: dict[str, RosterPoint] = {}
    for point in views.contract_roster(connection, EVERYTHING, terms, question):
        if _in_service(point, question.window, terms.zone):
            served[point.code] = point  # the last stretch decides about its stratum
    if not served:
        raise refuse(
            f"{terms.contract} 在 {period.label} 没有在服务期的点位 no point in service",
            "检查台账 check the ledger",
            column="contract",
        )
    strata = {code: str(getattr(point, stratify)) if stratify else "" for code, point in served.items()}
    chosen = choose(strata, n, seed)
    measured = so_far(period, day_of(at, terms.zone))
    until = {} if measured == period else {"until": measured.last.isoformat()}
    question = views.Question(measured, terms.zone, terms.policy)
    return {
        "format": FORMAT,
        "method": METHOD,
        **until,
        "contract": terms.contract,
        "period": period.label,
        "seed": seed,
        "n": n,
        "stratify": stratify,
        "strata": {name: sum(of == name for of in strata.values()) for name in sorted(set(strata.values()))},
        "points": _snapshots(connection, chosen, served, terms, question),
    }


def _in_service(point: RosterPoint, window: Span, zone: str) -> bool:
    service = service_of(point.accepted_on, point.retired_on, zone)
    start = max(window[0], point.start // MICROSECONDS, window[0] if service.start is None else service.start)
    end = min(
        window[1],
        *(e for e in (service.end, None if point.end is None else point.end // MICROSECONDS) if e is not None),
    )
    return start < end


def _snapshots(
    connection: Connection,
    chosen: list[Chosen],
    served: Mapping[str, RosterPoint],
    terms: Terms,
    question: views.Question,
) -> list[dict[str, Any]]:
    only = frozenset(point.code for point in chosen)
    seconds = dict.fromkeys(only, ZERO)
    for account in views.of_contract(views.point_seconds(connection, EVERYTHING, question, only), terms):
        seconds[account.point] = add(seconds[account.point], account.seconds)
    outages: dict[str, list[list[int]]] = {code: [] for code in only}
    for row in views.outages(connection, EVERYTHING, question, only):
        outages[row.point].append([row.start, row.end, row.offline_s])
    snapshots = []
    for number, point in enumerate(chosen, 1):
        its = seconds[point.code]
        rate = rate_of(its, question.policy)
        last = newest(connection, point.code)
        snapshots.append(
            {
                "no": number,
                "code": point.code,
                "rank": point.rank,
                "stratum": point.stratum,
                "facts": _facts(served[point.code]),
                "seconds": its._asdict(),
                "good": rate.good,
                "counted": rate.counted,
                "rate": six(rate.value),
                "last": None
                if last is None
                else {
                    "state": last.outcome.state.value,
                    "reason": last.outcome.reason.value,
                    "rung": last.outcome.rung.value,
                    "since": int(last.first),
                    "seen": int(last.last),
                    "vantage": last.vantage,
                },
                "outages": outages[point.code][-OUTAGES:],
            }
        )
    return snapshots


def _facts(point: RosterPoint) -> dict[str, str | int | None]:
    return {
        "name": point.name,
        "address": point.address,
        "area": point.area,
        "category": point.category,
        "gb_code": point.gb_code,
        "lat_e7": point.lat_e7,
        "lon_e7": point.lon_e7,
        "phase": point.phase,
        "supplier": point.supplier,
        "accepted_on": _day(point.accepted_on),
        "retired_on": _day(point.retired_on),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
