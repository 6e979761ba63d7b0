"""What a decision about claims would change: each point's seconds and rate in its quarter, before and after, to the second.

The timeline is built twice with the same code that settles: as it stands, and with the claims taken as approved (or
withdrawn). Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection

from console import views
from monitor.finding import refuse
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Gap, Run, State
from monitor.period import Period, day_of, quarter_of
from monitor.points import RosterPoint
from monitor.rates import ZERO, Seconds, add, rate_of
from monitor.scope import Scope
from monitor.store.claims import Claim
from monitor.store.exclusions import exclusions_for
from monitor.store.queries import timeline_inputs
from monitor.timeline import Piece, Policy, RunRow
from settlement.money import yuan
from settlement.store import contracts, statements

MOST_POINTS = 200
"""More points than a page can wait for: what was claimed in one batch beyond this is told as a count."""


class Effect(NamedTuple):
    """A point's account in a quarter before and after. `statement` is the quarter's standing statement, "" for none."""

    point: str
    quarter: str
    before: Seconds
    after: Seconds
    rate_before: Fraction | None
    rate_after: Fraction | None
    contract: str
    statement: str
    total: str
    """What changes hands by that statement, in yuan; "" without one."""


def effects(
    connection: Connection, scope: Scope, rows: Sequence[Claim], known: Sequence[Claim], settings: tuple[Policy, str]
) -> list[Effect]:
    """Return what deciding these rows would do, by quarter and point. `known` are all claims: a revocation names one.

    InputError for more than 200 points at once.
    """
    by_quarter = _by_quarter(rows, settings[1])
    if len({row.point for row in rows}) > MOST_POINTS:
        raise refuse(f"超过 {MOST_POINTS} 个点位 more points than are shown at once", "逐条查看 look at each")
    targets = {row.id: row for row in known}
    found: list[Effect] = []
    for period, its in by_quarter.items():
        found += _of_quarter(connection, scope, period, its, targets, settings)
    return found


def touched(
    connection: Connection, scope: Scope, rows: Sequence[Claim], settings: tuple[Policy, str]
) -> list[tuple[str, str]]:
    """Return the (contract, quarter) that settle the points and times of claims, in order; any number of points."""
    policy, zone = settings
    names = sorted({version.contract for version in contracts.versions(connection)})
    found: set[tuple[str, str]] = set()
    for period, its in _by_quarter(rows, zone).items():
        stretches = views.stretches_of(connection, scope, views.Question(period, zone, policy))
        kept = [point for code in {row.point for row in its} for point in stretches.get(code, ())]
        for name in names:
            version = contracts.in_force(connection, name, period.first)
            phases = {phase.id for phase in version.terms.phases} if version is not None else set()
            if any(point.phase in phases and point.contract in ("", name) for point in kept):
                found.add((name, period.label))
    return sorted(found, key=lambda one: (one[1], one[0]))


def _by_quarter(rows: Sequence[Claim], zone: str) -> dict[Period, list[Claim]]:
    """Return every quarter that claims touch, in order, with those that touch it."""
    found: dict[Period, list[Claim]] = defaultdict(list)
    for row in rows:
        last = day_of(row.end - 1, zone)
        period = quarter_of(day_of(row.start, zone))
        while period.first <= last:
            found[period].append(row)
            period = quarter_of(period.last + timedelta(days=1))
    return dict(sorted(found.items(), key=lambda pair: pair[0].first))


def _of_quarter(
    connection: Connection,
    scope: Scope,
    period: Period,
    rows: Sequence[Claim],
    targets: dict[int, Claim],
    settings: tuple[Policy, str],
) -> list[Effect]:
    policy, zone = settings
    question = views.Question(period, zone, policy)
    stretches = views.stretches_of(connection, scope, question)
    excluded: dict[str, list[Span]] = defaultdict(list)
    for one in exclusions_for(connection, scope, question.window_us):
        excluded[one.point].append((one.start // MICROSECONDS, one.end // MICROSECONDS))
    stays = views.stays_of(connection, scope)
    only = frozenset(row.point for row in rows)
    terms = {name: contracts.in_force(connection, name, period.first) for name in _contracts(stretches, only)}
    policies = {name: version.terms.policy for name, version in terms.items() if version is not None}
    told: list[Effect] = []
    deepest = max([policy, *policies.values()], key=lambda each: (each.recovery_samples, each.minimum_recovery_s))
    for history in timeline_inputs(
        connection,
        scope,
        question.window_us,
        recovery_samples=deepest.recovery_samples,
        minimum_recovery_s=deepest.minimum_recovery_s,
        only=only,
    ):
        code = history.code
        its = [row for row in rows if row.point == code]
        points = stretches.get(code, [])
        contract = points[-1].contract if points else ""
        asked = views.Question(period, zone, policies.get(contract, policy))
        spans = excluded.get(code, [])
        after_history, after_spans = _decided(history, spans, its, targets)
        before, after = ZERO, ZERO
        here = stays.get(code, {})
        timeline, changed = (views.timeline_of(each, here, asked.policy) for each in (history, after_history))
        for stretch in points:
            before = add(before, views.account(stretch, timeline, spans, asked).seconds)
            after = add(after, views.account(stretch, changed, after_spans, asked).seconds)
        stored = statements.find(connection, contract, period.label) if contract else None
        told.append(
            Effect(
                code,
                period.label,
                before,
                after,
                rate_of(before, asked.policy).value,
                rate_of(after, asked.policy).value,
                contract,
                "" if stored is None else stored.name,
                "" if stored is None else _total(connection, contract, period.label),
            )
        )
    return told


def _total(connection: Connection, contract: str, quarter: str) -> str:
    brief = next((one for one in statements.listed(connection, contract) if one.quarter == quarter), None)
    return "" if brief is None else yuan(brief.total_fen)


class _Given:
    """A point's history with other decisions about its unknown seconds."""

    def __init__(self, history: views.History, given: Sequence[Piece]) -> None:
        self._history = history
        self.given = given

    @property
    def gaps(self) -> Sequence[Gap]:
        return self._history.gaps

    @property
    def runs(self) -> Sequence[Run]:
        return self._history.runs

    def alone(self) -> list[RunRow] | None:
        return None

    def cameras(self) -> dict[str, tuple[int, int]]:
        return self._history.cameras()


def _decided(
    history: views.History, spans: Sequence[Span], rows: Sequence[Claim], targets: dict[int, Claim]
) -> tuple[views.History, list[Span]]:
    """Return the history and the excluded spans as they are once the rows are decided."""
    given, excluded = list(history.given), list(spans)
    for row in rows:
        span = (row.start // MICROSECONDS, row.end // MICROSECONDS)
        if row.revokes is not None:
            if not targets[row.revokes].approved_by:
                continue
            if row.to:
                given = [piece for piece in given if (piece.start, piece.end, piece.state.value) != (*span, row.to)]
            elif span in excluded:
                excluded.remove(span)
        elif row.to:
            given.append(Piece(*span, State(row.to), None))
        else:
            excluded.append(span)
    return _Given(history, sorted(given, key=lambda piece: piece.start)), excluded


def _contracts(stretches: dict[str, list[RosterPoint]], only: frozenset[str]) -> set[str]:
    return {point.contract for code in only for point in stretches.get(code, ()) if point.contract}
