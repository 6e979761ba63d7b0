"""Which points of the reference history were down, and when: quarters with given fault rates, met to the second.

No I/O. Outages last 300 s or more and online stretches 600 s or more; an outage may continue over a quarter's edge, or be
under way when the history begins or ends.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from simulators.refusal import BadInput

ZONE = timezone(timedelta(hours=8))  # Asia/Shanghai had no summer time in these years
MIN_OUTAGE_S = 300
MIN_ONLINE_S = 600
MAX_DOWN = Fraction(92, 100)
"""The largest share of a quarter that one point may be down: the rest stays for its online stretches."""
MEAN_OUTAGES = 4.5
MAX_OUTAGES = 24
"""Outages of a point in a quarter: the mean, and the bound. 24 outages need 24 × 600 s online, which 8 % allows."""

Span = tuple[int, int]
"""Half-open, seconds since 1970 UTC."""


class Quarter(NamedTuple):
    """One quarter of one phase with the fault rate it is to have."""

    label: str
    first_month: tuple[int, int]
    fault_rate: Fraction

    def span(self) -> Span:
        year, month = self.first_month
        end = (year + 1, 1) if month == 10 else (year, month + 3)
        return _midnight(year, month), _midnight(*end)


class Phase(NamedTuple):
    """One phase: its points, its service start, its quarters without a break between them."""

    id: str
    code: str
    name: str
    in_service_from: str
    quarters: tuple[Quarter, ...]


PHASES = (
    Phase(
        "phase-1",
        "XJ1",
        "一期",
        "2019-07-01",
        (
            Quarter("2019Q4", (2019, 10), Fraction(1638, 10000)),
            Quarter("2020Q1", (2020, 1), Fraction(1702, 10000)),
            Quarter("2020Q2", (2020, 4), Fraction(1779, 10000)),
            Quarter("2020Q3", (2020, 7), Fraction(1864, 10000)),
        ),
    ),
    Phase("phase-2", "XJ2", "二期", "2020-07-01", (Quarter("2020Q3", (2020, 7), Fraction(1229, 10000)),)),
)


def _midnight(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=ZONE).timestamp())


def _shares(rng: random.Random, points: int, length_s: int, total_s: int, badness: Sequence[float]) -> list[int]:
    """Split a quarter's offline seconds over its points, unevenly, to the second; each share is 0 or >= 300."""
    cap = int(length_s * MAX_DOWN)
    weights = [bad * rng.lognormvariate(0.0, 0.5) for bad in badness]
    # Capped points hand the rest to the others: find the scale at which the capped shares add up, by halving.
    low, high = 0.0, 1.0
    while sum(min(cap, int(high * w)) for w in weights) < total_s:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(min(cap, int(middle * w)) for w in weights) < total_s else (low, middle)
    shares = [min(cap, int(low * w)) for w in weights]
    shares = [share if share >= MIN_OUTAGE_S else 0 for share in shares]
    left = total_s - sum(shares)
    for number in range(points):
        if left and shares[number]:
            more = min(left, cap - shares[number])
            shares[number] += more
            left -= more
    if left:
        raise AssertionError("the rates above leave room for every second")
    return shares


def _pieces(rng: random.Random, total_s: int, count: int, least_s: int, sigma: float) -> list[int]:
    """Cut a length into so many pieces, each at least `least_s`, log-normally unequal, adding up exactly."""
    raw = list(accumulate(rng.lognormvariate(0.0, sigma) for _ in range(count)))
    spare = total_s - count * least_s
    edges = [0, *(int(spare * at / raw[-1]) for at in raw[:-1]), spare]
    return [least_s + b - a for a, b in pairwise(edges)]


def _outages(rng: random.Random, window: Span, down_s: int) -> list[Span]:
    """Place outages of `down_s` seconds in all inside the window, ascending, evenly likely at any time of it.

    Outages and online stretches lie on a ring that is then cut open anywhere; were they laid from edge to edge, every
    quarter would begin and end with its better days. A cut leaves neither side shorter than its kind's least length.
    """
    if down_s == 0:
        return []
    start, end = window
    length = end - start
    count = min(1 + int(rng.expovariate(1 / (MEAN_OUTAGES - 0.5))), MAX_OUTAGES, max(1, down_s // (2 * MIN_OUTAGE_S)))
    outages = _pieces(rng, down_s, count, MIN_OUTAGE_S, 1.5)
    stretches = _pieces(rng, length - down_s, count, MIN_ONLINE_S, 1.0)
    ring = [piece for pair in zip(outages, stretches, strict=True) for piece in pair]
    edges = list(accumulate(ring, initial=0))
    cut = rng.randrange(length)
    piece = bisect.bisect_right(edges, cut) - 1
    least = MIN_ONLINE_S if piece % 2 else MIN_OUTAGE_S
    if min(cut - edges[piece], edges[piece + 1] - cut) < least:
        cut = edges[piece]
    spans: list[Span] = []
    for first, outage in zip(edges[:-1:2], outages, strict=True):
        at = start + (first - cut) % length
        spans.append((at, min(at + outage, end)))
        if at + outage > end:
            spans.append((start, at + outage - length))
    return sorted(spans)


def offline_spans(seed: int, phase: Phase, points: int) -> list[list[Span]]:
    """Return, per point of a phase, its outages over all the phase's quarters, ascending and merged."""
    rng = random.Random(f"history/{seed}/{phase.id}/{points}")
    badness = [rng.lognormvariate(0.0, 1.6) for _ in range(points)]
    found: list[list[Span]] = [[] for _ in range(points)]
    for quarter in phase.quarters:
        start, end = quarter.span()
        total = offline_seconds(quarter, points)
        shares = _shares(rng, points, end - start, total, badness)
        for number, down_s in enumerate(shares):
            for span in _outages(rng, (start, end), down_s):
                if found[number] and found[number][-1][1] == span[0]:
                    found[number][-1] = (found[number][-1][0], span[1])
                else:
                    found[number].append(span)
    return found


def offline_seconds(quarter: Quarter, points: int) -> int:
    """Return rate × points × seconds of the quarter; BadInput where that is not a whole number."""
    start, end = quarter.span()
    exact = quarter.fault_rate * points * (end - start)
    if exact.denominator != 1:
        raise BadInput([f"--points {points}: 须为 25 的倍数 must be a multiple of 25, or {quarter.label} is not exact"])
    return int(exact)
