"""Seconds so far: each point's account of today, this month and this quarter, counted as statements count.

Heavy: it reads a quarter of the whole city's runs, and runs in a process of its own every few minutes.
"""

from __future__ import annotations

import marshal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console import views
from console.board.card import Account, Stretch, tally
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, midnight, quarter_of
from monitor.points import RosterPoint
from monitor.rates import measure, service_of
from monitor.scope import EVERYTHING
from monitor.store.database import snapshot
from monitor.store.exclusions import exclusions_for
from monitor.timeline import Policy, Timeline
from settlement.contract import Terms
from settlement.store import contracts

PART = 250
"""Points unpacked at once."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """All points' seconds until an instant, by code; which day, month and quarter they are of."""

    at: Instant
    day: str
    month: str
    quarter: str
    stretches: Mapping[str, tuple[Stretch, ...]]


def terms_in_force(connection: Connection, configured: Sequence[Terms], day: date) -> list[Terms]:
    """Return the terms in force on a day: the store's approved versions, and the settings' for contracts it does not have."""
    names = sorted({version.contract for version in contracts.versions(connection)})
    found = [version.terms for name in names if (version := contracts.in_force(connection, name, day)) is not None]
    known = {terms.contract for terms in found}
    return found + [terms for terms in configured if terms.contract not in known]


def policies(terms: Sequence[Terms]) -> dict[tuple[str, str], Policy]:
    """Return the policy by contract and phase; ("", phase) is for points whose ledger names no contract."""
    found: dict[tuple[str, str], Policy] = {}
    for contract in terms:
        for phase in contract.phases:
            found[contract.contract, phase.id] = contract.policy
            found.setdefault(("", phase.id), contract.policy)
    return found


@dataclass(frozen=True, slots=True)
class Packed:
    """Accounts on their way between processes: in parts, so that unpacking one never holds up the server's loop."""

    accounts: Accounts
    parts: tuple[bytes, ...]

    def unpacked(self) -> dict[str, tuple[Account, ...]]:
        """Return the accounts of every point, by code."""
        found: dict[str, tuple[Account, ...]] = {}
        for part in self.parts:
            found.update(marshal.loads(part))  # noqa: S302  made by our own process
        return found


def packed(accounts: Accounts) -> Packed:
    """Return accounts in parts."""
    rows = [
        (code, tuple((*stretch[:4], *(tuple(part) for part in stretch[4:])) for stretch in its))
        for code, its in accounts.stretches.items()
    ]
    parts = tuple(marshal.dumps(rows[n : n + PART]) for n in range(0, len(rows), PART))
    return Packed(replace(accounts, stretches={}), parts)


def accounts_of(url: str, configured: Sequence[Terms], default: Policy, zone: str, at: Instant) -> Packed:
    """Count in a process of its own: opens the database itself. Everything is picklable."""
    with snapshot(url) as connection:
        return packed(accounts(connection, configured, default, zone, at))


def accounts(connection: Connection, configured: Sequence[Terms], default: Policy, zone: str, at: Instant) -> Accounts:
    """Count every point's seconds until an instant, under its contract's policy, `default` where none is in force."""
    now = at // MICROSECONDS
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    whole = quarter_of(today)
    period = Period(whole.label, whole.first, today)
    spans = tuple((midnight(first, zone), now) for first in (today, today.replace(day=1), whole.first))
    by_phase = policies(terms_in_force(connection, configured, today))
    stretches = views.stretches_of(connection, EVERYTHING, views.Question(period, zone, default))
    excluded: dict[str, list[Span]] = defaultdict(list)
    for row in exclusions_for(connection, EVERYTHING, views.Question(period, zone, default).window_us):
        excluded[row.point].append((row.start // MICROSECONDS, row.end // MICROSECONDS))
    by_policy: dict[Policy, dict[str, list[RosterPoint]]] = {}
    for code, its in stretches.items():
        for point in its:
            policy = by_phase.get((point.contract, point.phase), default)
            by_policy.setdefault(policy, {}).setdefault(code, []).append(point)
    found: dict[str, list[tuple[int, Stretch]]] = {}
    for policy, points in by_policy.items():
        question = views.Question(period, zone, policy)
        only = None if len(points) == len(stretches) else frozenset(points)
        for code, timeline in views.timelines(connection, EVERYTHING, question, only):
            for point in points.get(code, ()):
                stretch = _stretch(point, timeline, excluded.get(code, ()), spans, policy, zone)
                found.setdefault(code, []).append((point.start, stretch))
    ordered = {code: tuple(stretch for _, stretch in sorted(its)) for code, its in found.items()}
    return Accounts(at, str(today), f"{today:%Y-%m}", whole.label, ordered)


def _stretch(
    point: RosterPoint,
    timeline: Timeline,
    excluded: Sequence[Span],
    spans: Sequence[Span],
    policy: Policy,
    zone: str,
) -> Stretch:
    service = service_of(point.accepted_on, point.retired_on, zone)
    first = point.start // MICROSECONDS
    last = None if point.end is None else point.end // MICROSECONDS
    parts = []
    for start, end in spans:
        cut = (max(start, first), end if last is None else min(end, last))
        parts.append(tally(measure(timeline, cut, service, excluded, policy), policy))
    return Stretch(point.contract, point.phase, point.area, point.supplier, *parts)
