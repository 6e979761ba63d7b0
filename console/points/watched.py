"""One point as it was watched: its account day by day and month by month, what it was when, its outages with their causes.

What a page shows of a point over a year is made from its timeline once, and kept until anything stored of the point changes
(monitor/store/one_point.py `mark`). The day that runs is cut at the present instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from console import views
from console.board.card import Standing
from monitor.debounce import Outage
from monitor.intervals import Span, clip, intersect, normalise, subtract
from monitor.model import MICROSECONDS, Instant, Reason, Run, State
from monitor.period import Period, day_of, midnight, months_of
from monitor.points import RosterPoint
from monitor.rates import ZERO, Seconds, Service, add, measure, service_of
from monitor.scope import EVERYTHING, Scope
from monitor.store import one_point
from monitor.store.queries import PointHistory, timeline_inputs
from monitor.timeline import NOTHING, Timeline

MAX_DAYS = 400
"""The longest stretch of days that is read at once."""
MOST_RUNS = 20_000
"""A point with more runs is read by the window: that looks for the window among all points, which takes longer."""
FIRST_SECOND, LAST_SECOND = 0, 2**40


class Cause(NamedTuple):
    """What failing probes said: reason, the rung that they reached, and how many they were."""

    reason: str
    rung: str
    samples: int


class Down(NamedTuple):
    """A confirmed outage in whole seconds; `offline_s` without the unknown in it, `excluded_s` of these were excluded.

    `causes` are those of the failing runs, most frequent first; none where all of it was reclassified.
    """

    start: int
    end: int
    offline_s: int
    excluded_s: int
    open: bool
    upstream: str
    causes: tuple[Cause, ...]


class Month(NamedTuple):
    """A month, or the part of it that was asked for, cut at the present."""

    period: Period
    seconds: Seconds
    outages: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A point over some days: [start, end) in seconds. `served` is when it was in service and in the reader's scope."""

    code: str
    question: views.Question
    facts: tuple[RosterPoint, ...]
    served: tuple[Span, ...]
    timeline: Timeline
    excluded: tuple[Span, ...]
    outages: tuple[tuple[Outage, tuple[Span, ...], tuple[Cause, ...]], ...]
    days: Mapping[date, Seconds]
    """Whole days that were over when it was made."""
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """What others worked out of it, for as long as it is kept; a few dozen values, none of them of the running day."""

    @property
    def zone(self) -> str:
        """The zone in which days are cut."""
        return self.question.zone

    def seen_spans(self) -> tuple[Span, ...]:
        """Return the microseconds in which the reader's scope sees the point."""
        return tuple(normalise((fact.start, microseconds(fact.end)) for fact in self.facts))

    def account(self, start: int, end: int) -> Seconds:
        """Return the account of the seconds [start, end) in service."""
        seconds = ZERO
        for low, high in clip(self.served, start, end):
            part = measure(self.timeline, (low, high), Service(None, None), self.excluded, self.question.policy)
            seconds = add(seconds, part)
        return seconds

    def day(self, day: date, now: int) -> Seconds:
        """Return a day's account, up to the second `now`."""
        known = self.days.get(day)
        if known is not None:
            return known
        start, end = midnight(day, self.zone), midnight(day + timedelta(days=1), self.zone)
        return self.account(start, max(start, min(end, now)))

    def whole(self, period: Period, now: int) -> Seconds:
        """Return a period's account, up to the second `now`."""
        seconds, day = ZERO, period.first
        while day <= period.last:
            seconds = add(seconds, self.day(day, now))
            day += timedelta(days=1)
        return seconds

    def months(self, period: Period, now: int) -> list[Month]:
        """Return the months of a period, newest first; those before the point's first day in service are left out."""
        begun = self.served[0][0] if self.served else LAST_SECOND
        found = []
        for month in months_of(period):
            start, end = month.span(self.zone)
            if end > begun and start < now:
                hit = sum(1 for _, spans, _ in self.outages if spans[-1][1] > start and spans[0][0] < end)
                found.append(Month(month, self.whole(month, now), hit))
        return found[::-1]

    def states(self, start: int, end: int, now: int) -> list[tuple[int, int, str]]:
        """Return what was when in [start, end): (start, end, state) without a break, up to `now`.

        States are those of a board's cards: online, offline, unknown, excluded, not-in-service.
        """
        end = min(end, max(start, now))
        served = clip(self.served, start, end)
        out = [] if self.question.policy.exclusions == "counted" else intersect(self.excluded, served)
        rest = subtract(served, out)
        parts = [(a, b, Standing.EXCLUDED.value) for a, b in out]
        parts += [(a, b, Standing.OUT.value) for a, b in subtract([(start, end)] if start < end else [], served)]
        known: list[Span] = []
        for state in (State.ONLINE, State.OFFLINE):
            spans = [
                (p.start, p.end) for p in self.timeline.pieces if p.state is state and p.end > start and p.start < end
            ]
            its = intersect(rest, normalise(spans))
            known += its
            parts += [(a, b, state.value) for a, b in its]
        parts += [(a, b, Standing.UNKNOWN.value) for a, b in subtract(rest, normalise(known))]
        return sorted(parts)

    def state_at(self, now: int) -> tuple[Standing, int | None]:
        """Return the state at a second and since when it holds: through an outage without its unknown parts."""
        if not any(a <= now < b for a, b in self.served):
            ended = [b for _, b in self.served if b <= now]
            return Standing.OUT, ended[-1] if ended else None
        for a, b in self.excluded:
            if a <= now < b:
                return Standing.EXCLUDED, a
        pieces = self.timeline.pieces
        piece = next((p for p in reversed(pieces) if p.start <= now), None)
        if piece is None:
            return Standing.UNKNOWN, None
        if now >= piece.end:
            return Standing.UNKNOWN, piece.end
        return Standing(piece.state.value), piece.start


class Keeps(Protocol):
    """Keeps what was made of points lately (console/points/kept.py)."""

    def get(self, key: Hashable, mark: tuple[Any, ...], make: Callable[[], Watched]) -> Watched:
        """Return what was made under a key while the mark was the same; else make it."""


def watched(
    connection: Connection, scope: Scope, code: str, question: views.Question, at: Instant, kept: Keeps
) -> Watched | None:
    """Return a point over the question's days; None if the scope sees nothing of it. ValueError for more than 400 days."""
    if (question.period.last - question.period.first).days >= MAX_DAYS:
        raise ValueError(f"more than {MAX_DAYS} days: {question.period.label}")
    facts = tuple(one_point.stretches(connection, scope, code))
    if not facts:
        return None
    stored = one_point.mark(connection, facts[0].id, code)
    mark = (facts, *stored, day_of(at, question.zone))
    key = (code, scope, question.period, question.zone, question.policy.model_dump_json())
    return kept.get(key, mark, lambda: _made(connection, code, facts, question, at, stored[0]))


def _made(
    connection: Connection, code: str, facts: tuple[RosterPoint, ...], question: views.Question, at: Instant, runs: int
) -> Watched:
    policy = question.policy
    history = _history(connection, code, facts[0].id, question, runs)
    stays: dict[str, list[tuple[int, int | None]]] = {}
    for device in one_point.devices(connection, facts[0].id):
        stays.setdefault(str(device.camera), []).append((device.start, device.end))
    timeline = NOTHING if history is None else views.timeline_of(history, stays, policy)
    excluded = normalise(
        (claim.start // MICROSECONDS, claim.end // MICROSECONDS)
        for claim in one_point.claims(connection, code)
        if claim.status == "approved" and not claim.to
    )
    served = normalise(
        span
        for point in facts
        for span in clip([_service(point, question.zone)], point.start // MICROSECONDS, _end(point.end))
    )
    failing = (
        [] if history is None else [run for run in history.runs if _failing(run, policy.auth_rejected == "offline")]
    )
    made = Watched(
        code,
        question,
        facts,
        tuple(served),
        timeline,
        tuple(excluded),
        tuple(_outages(timeline, served, question.window, failing)),
        {},
    )
    today, days, day = day_of(at, question.zone), {}, question.period.first
    while day <= min(question.period.last, today - timedelta(days=1)):
        days[day] = made.account(midnight(day, question.zone), midnight(day + timedelta(days=1), question.zone))
        day += timedelta(days=1)
    return replace(made, days=days)


def _history(
    connection: Connection, code: str, number: int, question: views.Question, runs: int
) -> PointHistory | None:
    """All of the point's history; where that is very long, so much of it as the question needs."""
    if runs <= MOST_RUNS:
        return one_point.history(connection, number, code)
    policy = question.policy
    found = timeline_inputs(
        connection,
        EVERYTHING,
        question.window_us,
        recovery_samples=policy.recovery_samples,
        minimum_recovery_s=policy.minimum_recovery_s,
        only=(code,),
    )
    return next(iter(found), None)


def _service(point: RosterPoint, zone: str) -> Span:
    service = service_of(point.accepted_on, point.retired_on, zone)
    start = FIRST_SECOND if service.start is None else service.start
    return start, LAST_SECOND if service.end is None else service.end


def _end(end: Instant | None) -> int:
    return LAST_SECOND if end is None else end // MICROSECONDS


def _failing(run: Run, rejected: bool) -> bool:
    return run.outcome.state is State.OFFLINE or (rejected and run.outcome.reason is Reason.AUTH_REJECTED)


def _outages(
    timeline: Timeline, served: Sequence[Span], window: Span, runs: Sequence[Run]
) -> list[tuple[Outage, tuple[Span, ...], tuple[Cause, ...]]]:
    """Each outage that touches the window and the point's service, with its offline spans there and its causes.

    One pass: outages and runs both come in order of time.
    """
    found = []
    ahead = sorted(runs, key=lambda run: run.first, reverse=True)
    near: list[Run] = []
    for outage in timeline.outages:
        while ahead and ahead[-1].first // MICROSECONDS < outage.end:
            near.append(ahead.pop())
        near = [run for run in near if run.last // MICROSECONDS >= outage.start]
        spans = intersect(list(outage.offline), clip(served, outage.start, outage.end))
        if not spans or spans[-1][1] <= window[0] or spans[0][0] >= window[1]:
            continue
        counted: Counter[tuple[str, str]] = Counter()
        for run in near:
            counted[run.outcome.reason.value, run.outcome.rung.value] += run.count
        causes = tuple(Cause(reason, rung, n) for (reason, rung), n in counted.most_common())
        found.append((outage, tuple(spans), causes))
    return found


def microseconds(end: Instant | None) -> int:
    """Return an end in microseconds; of what is open, one after all others."""
    return LAST_SECOND * MICROSECONDS if end is None else end
