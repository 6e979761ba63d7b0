"""A city of 11,045 points for the benchmarks of the store: a month of its runs, cycles of its results; and the clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from monitor.model import MICROSECONDS, STATE_OF, Instant, Outcome, Reason, Run, Rung, Sample
from monitor.period import parse_period

POINTS = 11_045
INTERVAL_S = 60
MONTH = parse_period("2020-07")
START_S, END_S = MONTH.span()
ONLINE_S, OFFLINE_S = 55 * 3600, 3.6 * 3600
"""Mean lengths: about 25 runs a point and month, as in the month that the limits were measured on."""
ROUNDS = 3


def code(number: int) -> str:
    return f"P{number:05d}"


def outcome(reason: Reason) -> Outcome:
    return Outcome(STATE_OF[reason], reason, Rung.DESCRIBE)


read_outcome = cache(outcome)
"""Readers of files hand out one object per outcome; probes make a new one each time."""


def results(number: int, count: int) -> list[Sample]:
    """One cycle over `count` points; a thousandth of them changed."""
    chance = random.Random(number)
    start = (START_S + number * INTERVAL_S) * MICROSECONDS
    spread = INTERVAL_S * MICROSECONDS // count
    made = []
    for n in range(count):
        reason = Reason.TIMEOUT if (n + number) % 1000 == 0 else Reason.OK
        at = Instant(start + n * spread + chance.randrange(spread))
        made.append(Sample(code(n), "centre", at, outcome(reason), 125, chance.randrange(3_000, 40_000)))
    return made


def month_of_runs(count: int) -> list[Run]:
    """A month of `count` points, on the minute."""
    chance = random.Random(1)
    made = []
    for n in range(count):
        at, online = START_S, True
        while at < END_S:
            minutes = round(chance.expovariate(1 / (ONLINE_S if online else OFFLINE_S)) / INTERVAL_S) + 5
            samples = min(minutes, (END_S - at) // INTERVAL_S)
            last = at + (samples - 1) * INTERVAL_S
            reason = Reason.OK if online else Reason.TIMEOUT
            made.append(
                Run(
                    code(n),
                    "centre",
                    Instant(at * MICROSECONDS),
                    Instant(last * MICROSECONDS),
                    samples,
                    read_outcome(reason),
                    125,
                )
            )
            at, online = last + INTERVAL_S, not online
    return made


class Took(NamedTuple):
    """Seconds by the clock, and of this process's processor time, which a busy machine does not stretch."""

    wall: float
    cpu: float


def seconds_of(work: Callable[[], object]) -> Took:
    begun, used = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - begun, time.process_time() - used)


def best(*works: Callable[[], Took]) -> list[Took]:
    """Return each work's best times of ROUNDS, taken in turn so that a busy machine meets all alike."""
    rounds = [[work() for work in works] for _ in range(ROUNDS)]
    return [Took(min(t.wall for t in column), min(t.cpu for t in column)) for column in zip(*rounds, strict=True)]
