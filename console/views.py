"""Read models: rates and settlement facts as pages, API and command line show them, read from one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from monitor.attribution import upstream_of
from monitor.finding import Finding
from monitor.intervals import Span, intersect, normalise, total
from monitor.model import MICROSECONDS, Gap, Instant, Run
from monitor.period import Period
from monitor.points import RosterPoint
from monitor.rates import Rate, Watched, devices_at, inspect, measure, rate_of, service_of, sum_of
from monitor.report import Definition, PointSeconds
from monitor.scope import Scope
from monitor.served import Stays, clip_to_stays
from monitor.store import roster
from monitor.store.exclusions import exclusions_for
from monitor.store.happenings import upstreams_down
from monitor.store.queries import timeline_inputs
from monitor.timeline import NOTHING, Outage, Piece, Policy, RunRow, Timeline, build, build_alone
from settlement.contract import Terms
from settlement.rules import OnlineRate, measured_rate


@dataclass(frozen=True, slots=True)
class Question:
    """What to measure: a period in a zone, under a policy, by a definition and, for snapshots, at which seconds.

    `known_at` asks for what was recorded by an instant; None is all that is known now.
    """

    period: Period
    zone: str
    policy: Policy
    definition: Definition = "time-weighted"
    instants: tuple[int, ...] = ()
    known_at: Instant | None = None

    @property
    def window(self) -> Span:
        """The period in seconds."""
        return self.period.span(self.zone)

    @property
    def window_us(self) -> tuple[Instant, Instant]:
        """The period in microseconds."""
        start, end = self.window
        return Instant(start * MICROSECONDS), Instant(end * MICROSECONDS)


def timelines(
    connection: Connection, scope: Scope, question: Question, only: Collection[str] | None = None
) -> Iterator[tuple[str, Timeline]]:
    """Yield every visible point's timeline around the period, by code; of all, or of those with the codes `only`."""
    policy = question.policy
    stays = stays_of(connection, scope, question.known_at, only)
    histories = timeline_inputs(
        connection,
        scope,
        question.window_us,
        recovery_samples=policy.recovery_samples,
        minimum_recovery_s=policy.minimum_recovery_s,
        known_at=question.known_at,
        only=only,
    )
    for history in histories:
        yield history.code, timeline_of(history, stays.get(history.code, {}), policy)


class History(Protocol):
    """What a timeline is built from, wherever it was read: see PointHistory."""

    @property
    def gaps(self) -> Sequence[Gap]: ...
    @property
    def given(self) -> Sequence[Piece]: ...
    @property
    def runs(self) -> Sequence[Run]: ...
    def alone(self) -> list[RunRow] | None: ...
    def cameras(self) -> dict[str, tuple[int, int]]: ...


def timeline_of(history: History, stays: Stays, policy: Policy) -> Timeline:
    """Return a point's timeline, its runs cut to the time their cameras served it."""
    rows = history.alone() if policy.vantages == "any_online" or policy.quorum == 1 else None
    if rows is not None and all(_served_all_along(stays, camera, span) for camera, span in history.cameras().items()):
        return build_alone(rows, policy)
    runs = clip_to_stays(history.runs, stays)
    return build(runs, history.gaps, policy, history.given) if runs or history.given else NOTHING


def _served_all_along(stays: Stays, camera: str, span: tuple[int, int]) -> bool:
    """Tell whether a camera served its point over a whole span of microseconds, so that nothing is to be cut."""
    its = stays.get(camera, ())
    return len(its) == 1 and its[0][0] <= span[0] and (its[0][1] is None or its[0][1] >= span[1])


def stretches_of(
    connection: Connection, scope: Scope, question: Question, only: Collection[str] | None = None
) -> dict[str, list[RosterPoint]]:
    """Return each point's facts in the period, one entry per stretch; of all, or of those with the codes `only`."""
    stretches: dict[str, list[RosterPoint]] = defaultdict(list)
    for point in roster.roster(connection, scope, *question.window_us, question.known_at, question.zone, only):
        stretches[point.code].append(point)
    return stretches


def point_seconds(
    connection: Connection, scope: Scope, question: Question, only: Collection[str] | None = None
) -> list[PointSeconds]:
    """Return every point's account in the period; one row per stretch of equal facts, in order of code and time."""
    stretches = stretches_of(connection, scope, question, only)
    excluded: dict[str, list[Span]] = defaultdict(list)
    for exclusion in exclusions_for(connection, scope, question.window_us, question.known_at, only):
        excluded[exclusion.point].append((exclusion.start // MICROSECONDS, exclusion.end // MICROSECONDS))
    accounts: list[PointSeconds] = []
    for code, timeline in timelines(connection, scope, question, only):
        spans = excluded.get(code, ())
        accounts += [account(stretch, timeline, spans, question) for stretch in stretches.get(code, ())]
    return accounts


class OutageRow(NamedTuple):
    """A confirmed outage that touches the period, in seconds; `upstream` is the device that was down meanwhile."""

    point: str
    start: int
    end: int
    offline_s: int
    still_down: bool
    upstream: str | None


def outages(
    connection: Connection, scope: Scope, question: Question, only: Collection[str] | None = None
) -> list[OutageRow]:
    """Return the confirmed outages that touch the period and the points' service, by code and time."""
    start, end = question.window
    stretches = stretches_of(connection, scope, question, only)
    rows: list[OutageRow] = []
    for code, timeline in timelines(connection, scope, question, only):
        facts = stretches.get(code, [])
        for outage in timeline.outages:
            served = [span for point in facts for span in served_in(point, outage, question)]
            offline = intersect(normalise(served), list(outage.offline))
            if not offline or offline[-1][1] <= start or offline[0][0] >= end:
                continue
            still = timeline.open_chain and outage is timeline.outages[-1] and offline[-1][1] == outage.end
            rows.append(OutageRow(code, offline[0][0], offline[-1][1], total(offline), still, None))
    return _attributed(connection, scope, question, rows)


def _attributed(connection: Connection, scope: Scope, question: Question, rows: list[OutageRow]) -> list[OutageRow]:
    """Say which upstream device was down: the one the ledger named when the outage began, whatever the window."""
    if not rows:
        return rows
    span = (min(row.start for row in rows) * MICROSECONDS, max(row.end for row in rows) * MICROSECONDS)
    down = upstreams_down(connection, Instant(span[0]), Instant(span[1]))
    if not down:
        return rows
    named: dict[str, list[RosterPoint]] = defaultdict(list)
    its = frozenset(row.point for row in rows)
    window = Instant(span[0]), Instant(span[1] + 1)
    for point in roster.roster(connection, scope, *window, zone=question.zone, only=its):
        named[point.code].append(point)

    def device(row: OutageRow) -> str | None:
        at = row.start * MICROSECONDS
        held = [p for p in named[row.point] if p.start <= at and (p.end is None or at < p.end)]
        return upstream_of((row.start, row.end), held[0].upstream, down) if held else None

    return [row._replace(upstream=device(row)) for row in rows]


def served_in(point: RosterPoint, outage: Outage, question: Question) -> list[Span]:
    """Return the part of an outage in which the point was in service; its own edges stay where no service ended."""
    service = service_of(point.accepted_on, point.retired_on, question.zone)
    start = outage.start if service.start is None else max(outage.start, service.start)
    end = outage.end if service.end is None else min(outage.end, service.end)
    return [(start, end)] if start < end else []


def stays_of(
    connection: Connection, scope: Scope, known_at: Instant | None = None, only: Collection[str] | None = None
) -> dict[str, Stays]:
    """Return when each camera served its point, by code and camera, as known now or at an instant.

    Of all visible points, or of those with the codes `only`.
    """
    found: dict[str, dict[str, list[tuple[int, int | None]]]] = {}
    whole = (Instant(0), Instant(2**62))  # history outside the window decides about outages at its edges
    for stay in roster.occupancy(connection, scope, *whole, known_at, only):
        cameras = found.setdefault(stay.point, {})
        end = None if stay.end is None or stay.end >= whole[1] else int(stay.end)
        cameras.setdefault(str(stay.camera_id), []).append((stay.start, end))
    return dict(found)


def account(point: RosterPoint, timeline: Timeline, excluded: Sequence[Span], question: Question) -> PointSeconds:
    """Return a point's account while a stretch of facts held; `excluded` are its approved exclusions in seconds."""
    service = service_of(point.accepted_on, point.retired_on, question.zone)
    start = max(question.window[0], point.start // MICROSECONDS)
    end = question.window[1] if point.end is None else min(question.window[1], point.end // MICROSECONDS)
    seconds = measure(timeline, (start, end), service, excluded, question.policy)
    inspections = None
    watched = Watched(timeline, service, excluded)
    at = [instant for instant in question.instants if start <= instant < end]
    if question.definition == "snapshot":
        inspections = inspect(watched, at, question.policy)
    elif question.definition == "integrity":
        inspections = sum_of(devices_at(watched, instant, question.policy) for instant in at)
    return PointSeconds(point.code, seconds, point.phase, point.area, point.supplier, inspections, point.contract)


def of_contract(accounts: Sequence[PointSeconds], terms: Terms) -> list[PointSeconds]:
    """Return the accounts that a contract settles: of its phases, under its name or under none."""
    phases = {phase.id for phase in terms.phases}
    return [a for a in accounts if a.phase in phases and a.contract in ("", terms.contract)]


def phase_rates(connection: Connection, scope: Scope, terms: Terms, period: Period) -> dict[str, Rate]:
    """Return the rate of each phase that has points in a period, under the contract's policy.

    Points whose ledger names no contract count for the phase of that name.
    """
    by_phase: dict[str, list[PointSeconds]] = defaultdict(list)
    for account in of_contract(point_seconds(connection, scope, Question(period, terms.zone, terms.policy)), terms):
        by_phase[account.phase].append(account)
    return {
        phase: rate_of(sum_of(account.seconds for account in accounts), terms.policy)
        for phase, accounts in sorted(by_phase.items())
    }


def online_rates(rates: Mapping[str, Rate]) -> dict[str, OnlineRate | None]:
    """Return each phase's rate as settlement takes it; None where nothing was counted."""
    return {phase: measured_rate(rate.good, rate.counted) for phase, rate in rates.items()}


def contract_roster(connection: Connection, scope: Scope, terms: Terms, question: Question) -> list[RosterPoint]:
    """Return the contract's points with the facts that held in the period, one per stretch."""
    phases = {phase.id for phase in terms.phases}
    return [
        point
        for point in roster.roster(connection, scope, *question.window_us, question.known_at, question.zone)
        if point.phase in phases and point.contract in ("", terms.contract)
    ]


def settling_doubts(
    connection: Connection, scope: Scope, terms: Terms, period: Period, rates: Mapping[str, Rate]
) -> list[Finding]:
    """Warn of what a statement cannot show: verdicts that unknown time leaves open, and points that may be missing.

    The latter are points that name the contract, or none, with a phase that it does not have, and points that name
    another contract with a phase of this one.
    """
    doubts: list[Finding] = []
    for phase, rate in rates.items():
        if rate.unknown and rate.counted and rate.best is not None and rate.worst is not None:
            share = float(Fraction(rate.unknown, rate.unknown + rate.counted)) * 100
            message = (
                f"监测缺失 unknown {rate.unknown:,} s（{share:.2f} %）：在线率下限 worst {float(rate.worst):.2%}，"
                f"上限 best {float(rate.best):.2%}，采用 used {float(Fraction(rate.good, rate.counted)):.4%}"
            )
            doubts.append(
                Finding(
                    "", 0, phase, message, "导入缺失时段或书面确认 import what is missing, or agree on it", "warning"
                )
            )
    phases = {phase.id for phase in terms.phases}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    question = Question(period, terms.zone, terms.policy)
    for point in roster.roster(connection, scope, *question.window_us, zone=question.zone):
        ours = point.contract in ("", terms.contract)
        if ours != (point.phase in phases):
            groups[point.contract, point.phase].append(point.code)
    for (contract, phase), codes in sorted(groups.items()):
        message = (
            f"台账有 {len(codes):,} 个点位未计入 points of the ledger are not settled here: 合同 contract "
            f"{contract or '（空 empty）'}，期次 phase {phase or '（空 empty）'}，如 such as {codes[0]}"
        )
        remedy = f"若属本合同，更正合同编号或期次 if they belong here, correct them: {', '.join(sorted(phases))}"
        doubts.append(Finding("", 0, "ledger", message, remedy, "warning"))
    return doubts
