"""From a timeline to a rate: cut, count, and say what the unknown time leaves open (steps 9–11).

Four definitions of a rate:

- time-weighted: online seconds over counted seconds; a group adds its points' seconds.
- mean of points: the plain mean of the points' own exact time-weighted rates. Points with nothing counted are left out,
  and their number is told.
- snapshot: of all inspections of points at given instants, the share that found them online. A point is inspected at
  an instant if it is in service then.
- integrity (完好率): a snapshot at one instant, counted in devices: (built - faulty) / built.

All are exact fractions. Nothing is rounded but by `six`, for printing. No I/O, no clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple, Protocol

from monitor.hold import FOREVER
from monitor.intervals import Span, clip, normalise, total
from monitor.model import State
from monitor.period import ZONE, midnight
from monitor.timeline import Policy, Timeline

Verdict = Literal["met", "missed", "undecided", "not-assessable"]


class Service(NamedTuple):
    """The seconds [start, end) in which a point is in service; None is without limit on that side."""

    start: int | None
    end: int | None


NEVER = Service(0, 0)
"""The service of a point that has not been accepted."""


def service_of(accepted_on: date | None, retired_on: date | None, zone: str = ZONE) -> Service:
    """In service from midnight of `accepted_on` in `zone` to midnight of `retired_on`; never if not accepted."""
    if accepted_on is None:
        return NEVER
    return Service(midnight(accepted_on, zone), None if retired_on is None else midnight(retired_on, zone))


class Seconds(NamedTuple):
    """Seconds of a cut (or, for snapshots, inspections): known outside exclusions, unknown there, and excluded."""

    online: int
    offline: int
    unknown: int
    excluded: int

    def total(self) -> int:
        """All of the cut: online + offline + unknown + excluded."""
        return self.online + self.offline + self.unknown + self.excluded


ZERO = Seconds(0, 0, 0, 0)


def add(a: Seconds, b: Seconds) -> Seconds:
    """The two accounts as one."""
    return Seconds(a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


def sum_of(parts: Iterable[Seconds]) -> Seconds:
    """All accounts as one."""
    result = ZERO
    for part in parts:
        result = add(result, part)
    return result


def measure(timeline: Timeline, window: Span, service: Service, exclusions: Sequence[Span], policy: Policy) -> Seconds:
    """The account of one point in window ∩ service, in whole seconds; `.total()` is exactly that cut's length.

    `exclusions` are the approved ones, in any order. Under policy `exclusions: counted` they have no effect.
    """
    start, end = window
    if service.start is not None:
        start = max(start, service.start)
    if service.end is not None:
        end = min(end, service.end)
    if start >= end:
        return ZERO
    excluded = clip(normalise(exclusions), start, end) if exclusions and policy.exclusions != "counted" else []
    pieces = timeline.pieces
    online = offline = place = 0
    for index in range(max(0, bisect_right(pieces, (start, FOREVER)) - 1), len(pieces)):
        piece_start, piece_end, state, _ = pieces[index]
        if piece_start >= end:
            break
        begin, stop = max(piece_start, start), min(piece_end, end)
        if stop <= begin or state is State.UNKNOWN:
            continue
        seconds = stop - begin
        if excluded:
            while place < len(excluded) and excluded[place][1] <= begin:
                place += 1
            seconds -= _covered(excluded, place, begin, stop)
        if state is State.ONLINE:
            online += seconds
        else:
            offline += seconds
    out = total(excluded)
    return Seconds(online, offline, end - start - out - online - offline, out)


def _covered(spans: Sequence[Span], place: int, start: int, end: int) -> int:
    """How much of [start, end) a normal list covers from `place` on."""
    result = 0
    while place < len(spans) and spans[place][0] < end:
        result += min(spans[place][1], end) - max(spans[place][0], start)
        place += 1
    return result


class AnyRate(Protocol):
    """What every definition's rate tells."""

    @property
    def value(self) -> Fraction | None: ...
    @property
    def best(self) -> Fraction | None: ...
    @property
    def worst(self) -> Fraction | None: ...


@dataclass(frozen=True, slots=True)
class Rate:
    """good / counted, after the policy's treatment of excluded and unknown time.

    Units are seconds, for snapshots inspections, for integrity devices. `best` and `worst` are the rate if all unknown
    had been online, and offline. They are told even if nothing is counted, when `value` is None: of time that is all
    unknown they are 1 and 0. They are None only where there is nothing unknown either.
    """

    good: int
    counted: int
    excluded: int
    unknown: int
    best: Fraction | None
    worst: Fraction | None

    @property
    def value(self) -> Fraction | None:
        """The exact rate, None if nothing is counted."""
        return Fraction(self.good, self.counted) if self.counted else None


@dataclass(frozen=True, slots=True)
class MeanRate:
    """The plain mean of `points` rates; `left_out` points had nothing counted. None if none had."""

    points: int
    left_out: int
    value: Fraction | None
    best: Fraction | None
    worst: Fraction | None


def rate_of(seconds: Seconds, policy: Policy) -> Rate:
    """The rate of an account under the policy (step 10)."""
    online, offline, unknown, excluded = seconds
    good, counted = online, online + offline
    if policy.exclusions == "online":
        good += excluded
        counted += excluded
    most, least, known_or_not = good + unknown, good, counted + unknown
    if policy.unknown == "online":
        good += unknown
        counted += unknown
    elif policy.unknown == "offline":
        counted += unknown
    if not known_or_not:
        return Rate(good, counted, excluded, unknown, None, None)
    return Rate(good, counted, excluded, unknown, Fraction(most, known_or_not), Fraction(least, known_or_not))


def verdict(seconds: Seconds, policy: Policy, target: Fraction | None) -> Verdict:
    """Step 11 on an account. Without a target nothing can be assessed."""
    return judge(rate_of(seconds, policy), seconds, policy, target)


def judge(rate: AnyRate, seconds: Seconds, policy: Policy, target: Fraction | None) -> Verdict:
    """Step 11 on a rate of any definition; `seconds` is the account whose coverage is asked."""
    best, worst = rate.best, rate.worst
    if target is None or rate.value is None or best is None or worst is None:
        return "not-assessable"
    known = seconds.online + seconds.offline
    # Multiplied out: where everything is excluded there is nothing to cover, and 0 / 0 is no lack of coverage.
    if known < policy.minimum_coverage * (known + seconds.unknown):
        return "not-assessable"
    if worst >= target:
        return "met"
    return "missed" if best < target else "undecided"


def mean_of_points(points: Sequence[Seconds], policy: Policy) -> MeanRate:
    """The mean of the points' exact rates, of their best and of their worst; one account per point."""
    rates = [rate_of(seconds, policy) for seconds in points]
    values = [rate.value for rate in rates if rate.value is not None]
    # A point of which only unknown time is known is left out of the mean, but not out of what the mean might be.
    return MeanRate(
        len(values),
        len(points) - len(values),
        _mean(values),
        _mean([rate.best for rate in rates if rate.best is not None]),
        _mean([rate.worst for rate in rates if rate.worst is not None]),
    )


def _mean(values: Sequence[Fraction]) -> Fraction | None:
    """The exact mean.

    Thousands of different denominators multiply up to hundreds of thousands of digits: they are added in pairs, small
    with small, and reduced once at the end, since reducing after every addition takes minutes.
    """
    if not values:
        return None
    by_denominator: dict[int, int] = {}
    for value in values:
        by_denominator[value.denominator] = by_denominator.get(value.denominator, 0) + value.numerator
    sums = [(numerator, denominator) for denominator, numerator in sorted(by_denominator.items())]
    while len(sums) > 1:
        paired = [(a * d + c * b, b * d) for (a, b), (c, d) in zip(sums[::2], sums[1::2], strict=False)]
        if len(sums) % 2:
            paired.append(sums[-1])
        sums = paired
    numerator, denominator = sums[0]
    return Fraction(numerator, denominator * len(values))


class Watched(NamedTuple):
    """What an inspection of one point needs; `devices` is how many devices are built there."""

    timeline: Timeline
    service: Service
    exclusions: Sequence[Span]
    devices: int = 1


def inspect(point: Watched, instants: Sequence[int], policy: Policy) -> Seconds:
    """One point's inspections at the given seconds, counted by what they found; 1 each where it was in service.

    An inspection within an approved exclusion is excluded, unless the policy says `exclusions: counted`.
    """
    found = ZERO
    for at in instants:
        found = add(found, measure(point.timeline, (at, at + 1), point.service, point.exclusions, policy))
    return found


def snapshot(points: Iterable[Watched], instants: Sequence[int], policy: Policy) -> Rate:
    """The share of point-inspections that found the point online; units are inspections."""
    return rate_of(sum_of(inspect(point, instants, policy) for point in points), policy)


def devices_at(point: Watched, instant: int, policy: Policy) -> Seconds:
    """One point's devices at the given second, counted by the state the point was in."""
    online, offline, unknown, excluded = inspect(point, (instant,), policy)
    n = point.devices
    return Seconds(online * n, offline * n, unknown * n, excluded * n)


def integrity(points: Iterable[Watched], instant: int, policy: Policy) -> Rate:
    """(built - faulty) / built at the given second; units are devices, faulty are those of an offline point."""
    return rate_of(sum_of(devices_at(point, instant, policy) for point in points), policy)


def six(share: Fraction | None) -> str | None:
    """Six places, half up (away from zero), such as "0.934316"; None stays None."""
    if share is None:
        return None
    millionths = (2_000_000 * abs(share.numerator) + share.denominator) // (2 * share.denominator)
    sign = "-" if share < 0 and millionths else ""
    return f"{sign}{millionths // 1_000_000}.{millionths % 1_000_000:06d}"
