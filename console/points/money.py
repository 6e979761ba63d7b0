"""What a point's outages cost: as statements say point by point, and an estimate for months that no statement holds yet.

The estimate applies the contract's reading to the point alone, with its own measured rate and its own billed days; rules
that look at whole phases, at incidents or at points are left out of it, so it is no preview of a statement.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from console.points.watched import Down, Month, Watched
from console.quarters.rosters import roster_by_phase
from monitor.finding import InputError
from monitor.intervals import Span, clip, intersect, subtract, total
from monitor.period import Period, day_of, midnight, quarter_of
from monitor.points import RosterPoint
from monitor.rates import Seconds, rate_of
from monitor.store import one_point
from settlement.contract import Reading, Terms
from settlement.life import STATE_ZH, State
from settlement.lines import Kind
from settlement.money import fen
from settlement.quarter import life
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, measured_rate, roster_facts
from settlement.statement import settle
from settlement.store import contracts, statements

KEPT_STATEMENTS = 8


class Charged(NamedTuple):
    """A point's line of a statement, in fen."""

    full_fen: int
    payable_fen: int
    outages: int
    offline_s: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What a point was or may be docked in a quarter (of a statement) or month (an estimate), in fen.

    `state` is the statement's and its Chinese name; both empty for an estimate. None: no estimate can be made.
    """

    label: str
    contract: str
    full_fen: int | None
    deduction_fen: int | None
    revision: int = 0
    state: str = ""
    state_zh: str = ""

    @property
    def estimated(self) -> bool:
        """Whether no statement stands behind it."""
        return not self.state


class PointLines:
    """The point lines of statements, parsed once each; the last few are kept. For any thread."""

    def __init__(self, most: int = KEPT_STATEMENTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Mapping[str, Charged]] = OrderedDict()

    def of(self, connection: Connection, brief: statements.Brief) -> Mapping[str, Charged]:
        """Return a statement's point lines by the point's code."""
        key = f"{brief.contract}/{brief.quarter}/{brief.revision}/{brief.inputs_sha}"
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        document = statements.by_id(connection, brief.id).document
        lines = {
            line["code"]: Charged(fen(line["full"]), fen(line["payable"]), line["outages"], line["offline_s"])
            for phase in document.get("phases", ())
            for line in phase.get("point_lines", ())
        }
        with self._lock:
            self._found[key] = lines
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return lines


def losses(
    connection: Connection,
    point: Watched,
    months: Sequence[Month],
    lines: PointLines,
    *,
    drafts: bool,
    only: frozenset[str] | None,
) -> list[Loss]:
    """Return what each quarter's statement took of a point, and estimates of the months without one; newest first.

    `drafts` tells whether drafts are shown, `only` which contracts. Statements are those of quarters that the months touch.
    """
    found: list[tuple[date, Loss]] = []
    names = sorted({fact.contract for fact in point.facts if fact.contract})
    quarters = {quarter_of(month.period.first).label: quarter_of(month.period.first) for month in months}
    stated: set[str] = set()
    for name in names:
        if only is not None and name not in only:
            continue
        for brief in statements.listed(connection, name):
            if brief.quarter not in quarters:
                continue
            state = life(connection, brief).state
            line = lines.of(connection, brief).get(point.code) if drafts or state is not State.DRAFT else None
            if line is None:
                continue
            stated.add(brief.quarter)
            loss = Loss(
                brief.quarter,
                name,
                line.full_fen,
                line.full_fen - line.payable_fen,
                brief.revision,
                state.value,
                STATE_ZH[state],
            )
            found.append((quarters[brief.quarter].last, loss))
    facts = pauses_of(connection, point)
    for month in months:
        if quarter_of(month.period.first).label not in stated:
            estimate = _estimated(connection, point, month, facts, only)
            if estimate is not None:
                found.append((month.period.last, estimate))
    return [loss for _, loss in sorted(found, key=lambda row: row[0], reverse=True)]


def _estimated(
    connection: Connection, point: Watched, month: Month, facts: Sequence[RosterPoint], only: frozenset[str] | None
) -> Loss | None:
    contract = contract_on(point, month.period.last)
    if not contract or (only is not None and contract not in only):
        return None
    version = contracts.in_force(connection, contract, quarter_of(month.period.first).first)
    if version is None:
        return None
    key = ("estimate", month.period, version.sha256)
    if key in point.memo:
        known: Loss = point.memo[key]
        return known
    costs = cost(version.terms, month.period, month.seconds, facts) or (None, None)
    loss = Loss(f"{month.period.first:%Y-%m}", contract, *costs)
    if month.period.last in point.days:  # what is not over yet is another month at every look
        point.memo[key] = loss
    return loss


def contract_on(point: Watched, day: date) -> str:
    """Return the contract that the ledger names for a point at the end of a day, else its last before that."""
    at = midnight(day + timedelta(days=1), point.zone) * 1_000_000
    held = [fact.contract for fact in point.facts if fact.start < at]
    return held[-1] if held else ""


def terms_on(connection: Connection, contract: str, day: date) -> Terms | None:
    """Return a contract's terms in force in the quarter of a day; None if there are none."""
    version = contracts.in_force(connection, contract, quarter_of(day).first)
    return None if version is None else version.terms


def pauses_of(connection: Connection, point: Watched) -> tuple[RosterPoint, ...]:
    """Return a point's facts with its billing pauses."""
    found = one_point.as_days(one_point.pauses(connection, point.facts[0].id), lambda at: day_of(at, point.zone))
    return tuple(replace(fact, pauses=found) for fact in point.facts)


def cost(terms: Terms, period: Period, seconds: Seconds, facts: Sequence[RosterPoint]) -> tuple[int, int] | None:
    """Return the fee of a point in a month and what its own rate takes of it, in fen; None where that cannot be said.

    It cannot where the contract has no reading (its rules alone decide), nothing was counted, or nothing was billed.
    """
    if terms.reading is Reading.NONE:
        return None
    rate = rate_of(seconds, terms.policy)
    its = measured_rate(rate.good, rate.counted)
    if its is None:
        return None
    days = (period.first.toordinal(), period.last.toordinal() + 1)
    known = {phase.id for phase in terms.phases}
    try:
        grouped = roster_by_phase([fact for fact in facts if fact.phase in known], terms, {})
        cut = {phase: _month_alone(found, its, period, days) for phase, found in grouped.items()}
        cut = {phase: found for phase, found in cut.items() if any(spans for spans, _ in found.groups)}
        if not cut:
            return None
        statement, _ = settle(_plain(terms), quarter_of(period.first).label, cut)
    except InputError:
        return None
    sums = dict.fromkeys((Kind.PAYABLE, Kind.DEDUCTION), 0)
    for line in statement.lines:
        if line.kind in sums:
            sums[line.kind] += line.amount.line.gross_fen
    full = sum(sums.values())
    return (full, sums[Kind.DEDUCTION]) if full else None


def _plain(terms: Terms) -> Terms:
    """The terms with their reading alone."""
    return terms.model_copy(update={"rules": (), "escalations": (), "breaches": (), "retention": None})


def _month_alone(facts: PhaseFacts, rate: OnlineRate, period: Period, days: Span) -> PhaseFacts:
    roster = [fact._replace(billed=tuple(clip(list(fact.billed), *days))) for fact in facts.roster]
    label = f"{period.first:%Y-%m}"
    return roster_facts(roster, rate, (MonthFacts(label, rate),))


def outage_cost(connection: Connection, point: Watched, down: Down, now: int) -> list[tuple[Loss, Seconds]]:
    """Return per month what an outage adds to the estimate: with it, less as if its counted seconds had been online.

    Beside each stands the month's account as measured. The full fee is the month's.
    """
    found = []
    facts = pauses_of(connection, point)
    spans = subtract(
        [span for _, its, _ in point.outages if its[0][0] == down.start for span in its], list(point.excluded)
    )
    first, last = (day_of(second * 1_000_000, point.zone) for second in (down.start, max(down.start, down.end - 1)))
    until = min(_month_end(last), day_of(now * 1_000_000, point.zone))  # of a month that runs, its days so far
    for month in point.months(Period("", first.replace(day=1), max(first, until)), now):
        contract = contract_on(point, month.period.last)
        terms = terms_on(connection, contract, month.period.first) if contract else None
        begun, ended = month.period.span(point.zone)
        lost = total(intersect(spans, [(begun, max(begun, min(ended, now)))]))  # a newest run holds beyond this instant
        measured = month.seconds
        better = Seconds(measured.online + lost, measured.offline - lost, measured.unknown, measured.excluded)
        if terms is None or lost == 0:
            continue
        with_it = cost(terms, month.period, measured, facts)
        without = cost(terms, month.period, better, facts)
        if with_it is None or without is None:
            found.append((Loss(f"{month.period.first:%Y-%m}", contract, None, None), measured))
        else:
            found.append((Loss(f"{month.period.first:%Y-%m}", contract, with_it[0], with_it[1] - without[1]), measured))
    return found


def _month_end(day: date) -> date:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)
