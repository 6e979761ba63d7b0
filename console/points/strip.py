"""A point's timeline as a person reads it: a strip of characters for each day, and what stands behind every dark one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from console import views
from console.claims.correcting import GapRow, gaps_in
from console.points.records import Places, first_probes, numbered
from monitor.finding import refuse
from monitor.intervals import Span, clip, intersect, normalise, subtract, total
from monitor.model import MICROSECONDS, Instant, Reason, State
from monitor.period import midnight
from monitor.points import RosterPoint
from monitor.rates import ZERO, Seconds, Service, add, measure, service_of
from monitor.scope import EVERYTHING
from monitor.store.claims import Claim, listed
from monitor.store.exclusions import exclusions_for
from monitor.store.seen import Leaf, Probe, Sighting, sightings
from monitor.timeline import NOTHING, Policy, Timeline

CELL_S = 1_800
MAX_DAYS = 366
FIRST_PROBES = 3
"""So many of an outage's first failing probes are shown."""
MARKS = {"online": "█", "offline": "░", "unknown": "·", "excluded": "▒", "out": " "}
_WORST = ("offline", "unknown", "excluded", "online", "out")
"""A cell shows the first of these that any of its seconds is."""


class Day(NamedTuple):
    """A day: its account, and one character for each half hour."""

    day: date
    seconds: Seconds
    strip: str


@dataclass(frozen=True, slots=True)
class Down:
    """A confirmed outage with what its probes said. `start` and `end` are seconds; `leaf` is its record's number.

    `imported`: what it rests on came from a file, whose digest is in the log instead.
    """

    start: int
    end: int
    offline_s: int
    still_down: bool
    upstream: str
    reasons: tuple[tuple[str, str, int], ...]
    """Reason, rung, samples: as they came, summed up; none where all of it was reclassified."""
    probes: tuple[Probe, ...]
    imported: bool
    leaf: int | None


@dataclass(frozen=True, slots=True)
class PointLine:
    """All of it. `gaps` and `claims` come with the numbers of their records, None where they are not sealed."""

    code: str
    facts: tuple[RosterPoint, ...]
    seconds: Seconds
    days: tuple[Day, ...]
    outages: tuple[Down, ...]
    gaps: tuple[tuple[GapRow, int | None], ...]
    claims: tuple[tuple[Claim, int | None], ...]


def point_line(connection: Connection, code: str, question: views.Question, at: Instant, places: Places) -> PointLine:
    """Read a point's period. InputError if the ledger does not know it then, or the period is too long to be shown."""
    if (question.period.last - question.period.first).days >= MAX_DAYS:
        raise refuse(f"期间超过 {MAX_DAYS} 天 longer than that", "分几次看 show it in parts", column="period")
    facts = tuple(views.stretches_of(connection, EVERYTHING, question, (code,)).get(code, ()))
    if not facts:
        raise refuse(
            f"台账在该期间没有点位 no such point in the period: {code!r}", "改正编号 correct it", column="point"
        )
    timeline = dict(views.timelines(connection, EVERYTHING, question, only=(code,))).get(code, NOTHING)
    excluded = normalise(
        (row.start // MICROSECONDS, row.end // MICROSECONDS)
        for row in exclusions_for(connection, EVERYTHING, question.window_us, only=(code,))
    )
    days = tuple(_days(facts, timeline, excluded, question, at // MICROSECONDS))
    whole = ZERO
    for day in days:
        whole = add(whole, day.seconds)
    gaps = gaps_in(connection, question.window_us, code)
    claims = _claims(connection, code, question)
    outages = list(_failing(connection, code, question))
    recorded = [run.first for _, failing in outages for run in failing[:1]]
    recorded += [gap.recorded_at for gap in gaps]
    recorded += [claim.approved_at for claim in claims if claim.approved_at is not None]
    told = numbered(connection, places, code, recorded)
    return PointLine(
        code,
        facts,
        whole,
        days,
        tuple(_downs(connection, code, outages, told, places)),
        tuple((gap, _of_gap(gap, told)) for gap in gaps),
        tuple((claim, _of_claim(claim, told)) for claim in claims),
    )


def _days(
    facts: Sequence[RosterPoint], timeline: Timeline, excluded: Sequence[Span], question: views.Question, now: int
) -> Iterator[Day]:
    served = _served(facts, question)
    out = [] if question.policy.exclusions == "counted" else list(excluded)
    states = _states(timeline, out)
    day = question.period.first
    while day <= question.period.last:
        start, end = midnight(day, question.zone), midnight(day + timedelta(days=1), question.zone)
        seconds = ZERO
        for low, high in clip(served, start, end):
            seconds = add(seconds, measure(timeline, (low, high), Service(None, None), excluded, question.policy))
        shown = clip(served, start, min(end, max(start, now)))
        strip = "".join(_cell(states, shown, low, min(low + CELL_S, end)) for low in range(start, end, CELL_S))
        yield Day(day, seconds, strip)
        day += timedelta(days=1)


def _served(facts: Sequence[RosterPoint], question: views.Question) -> list[Span]:
    start, end = question.window
    spans = []
    for point in facts:
        service = service_of(point.accepted_on, point.retired_on, question.zone)
        low = max(start, point.start // MICROSECONDS, start if service.start is None else service.start)
        high = min(
            end, end if point.end is None else point.end // MICROSECONDS, end if service.end is None else service.end
        )
        spans.append((low, high))
    return normalise(spans)


def _states(timeline: Timeline, excluded: list[Span]) -> dict[str, list[Span]]:
    """The seconds of each state, outside exclusions; `unknown` is what none of them has."""
    found = {"excluded": excluded}
    for state in (State.OFFLINE, State.ONLINE):
        spans = normalise((piece.start, piece.end) for piece in timeline.pieces if piece.state is state)
        found[state.value] = subtract(spans, excluded)
    return found


def _cell(states: dict[str, list[Span]], served: list[Span], low: int, high: int) -> str:
    rest = clip(served, low, high)
    if not rest:
        return MARKS["out"]
    known = {name: intersect(rest, spans) for name, spans in states.items()}
    missing = total(rest) - sum(total(spans) for spans in known.values())
    present = {name for name, spans in known.items() if spans} | ({"unknown"} if missing else set())
    return MARKS[next(name for name in _WORST if name in present)]


def _failing(
    connection: Connection, code: str, question: views.Question
) -> Iterator[tuple[views.OutageRow, list[Sighting]]]:
    """Each outage with the failing runs that it rests on; none where all of it was reclassified."""
    for row in views.outages(connection, EVERYTHING, question, only=(code,)):
        span = (Instant(row.start * MICROSECONDS), Instant(row.end * MICROSECONDS))
        yield row, [run for run in sightings(connection, code, span) if _offline(run, question.policy)]


def _offline(run: Sighting, policy: Policy) -> bool:
    rejected = policy.auth_rejected == "offline" and run.outcome.reason is Reason.AUTH_REJECTED
    return rejected or run.outcome.state is State.OFFLINE


def _downs(
    connection: Connection,
    code: str,
    outages: Sequence[tuple[views.OutageRow, list[Sighting]]],
    told: Sequence[Leaf],
    places: Places,
) -> Iterator[Down]:
    opened = {(leaf.fields["vantage"], leaf.fields["t"]): leaf.number for leaf in told if leaf.kind == "tr"}
    for row, failing in outages:
        reasons: Counter[tuple[str, str]] = Counter()
        for run in failing:
            reasons[run.outcome.reason.value, run.outcome.rung.value] += run.n
        shown: list[Probe] = []
        first = failing[0] if failing else None
        if first is not None:
            until = Instant(row.end * MICROSECONDS)
            found = first_probes(connection, places, code, first, until, 2 * FIRST_PROBES)
            shown = [probe for probe in found if probe.outcome.state is not State.ONLINE]
        yield Down(
            row.start,
            row.end,
            row.offline_s,
            row.still_down,
            row.upstream or "",
            tuple((reason, rung, n) for (reason, rung), n in reasons.items()),
            tuple(shown[:FIRST_PROBES]),
            first is not None and first.kind in {"import", "platform"},
            None if first is None else opened.get((first.vantage, first.first)),
        )


def _of_gap(gap: GapRow, told: Sequence[Leaf]) -> int | None:
    """The record that opened a gap, or told of all of it."""
    wanted = (gap.vantage, gap.point, gap.start, gap.cause)
    names = ("vantage", "point", "start", "cause")
    return next((t.number for t in told if t.kind == "gap" and tuple(t.fields[n] for n in names) == wanted), None)


def _claims(connection: Connection, code: str, question: views.Question) -> list[Claim]:
    start, end = question.window_us
    found = listed(connection, EVERYTHING)
    return [claim for claim in found if claim.point == code and claim.start < end and claim.end > start]


def _of_claim(claim: Claim, told: Sequence[Leaf]) -> int | None:
    what = "revoke" if claim.revokes is not None else claim.what
    wanted = (what, claim.start, claim.end, claim.claimed_by, claim.claimed_at)
    names = ("what", "start", "end", "claimed_by", "claimed_at")
    return next((t.number for t in told if t.kind == "adj" and tuple(t.fields[n] for n in names) == wanted), None)
