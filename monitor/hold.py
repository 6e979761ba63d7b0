"""For which seconds each vantage's results hold, and what several vantages say together (steps 1–4).

1. Run instants and gap starts are floored to the second, gap ends ceiled; empty pieces are dropped. Where two runs of a
   vantage begin in one second, the later wins it.
2. A run is `count` samples of one outcome, no two further apart than `valid_s`. A row of the store has only the first
   and the last of their instants; where a run has to be divided, its samples are taken as evenly spaced between them.
3. A run's state holds over [first, e), e = the earliest of: the next run's first, last + valid_s, the first gap. Inside
   a gap nothing is known, nor after it until the next sample. In a run that goes on after a gap the next sample came no
   later than `valid_s` after the gap's end (rule 2) nor later than the run's last: from then on the state is proven.
   Whether a run's first or last sample came after a gap is asked of instants, not of seconds: the gap of a crash ends
   with the first result after it, and rounding must not put that result into the gap. Its second stays the gap's.
4. At any second the point is online if any vantage says online; else offline if at least `quorum` vantages say so; else
   unknown. The samples of a merged stretch are those of its largest vantage that fall within it, or 1 if it only holds
   the verdict of an earlier one. (Not the run's whole count: a vantage whose own line has been down for hours must not
   lend its thousands of samples to another vantage's single failed probe.)

No I/O, no clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from monitor.debounce import Piece
from monitor.model import MICROSECONDS, Gap, Outcome, Reason, Run, State

FOREVER = 1 << 62
"""The end, in seconds, of a gap that is still open."""

_first = attrgetter("first")


class Blind(NamedTuple):
    """The whole seconds [start, end) that touching gaps touch; `until` is the instant at which the last of them ends."""

    start: int
    end: int
    until: int


class Held(NamedTuple):
    """A vantage's state over the whole seconds [start, end): samples number `low` to `high` - 1 of a run.

    The run's `samples` are numbered from 0; its first lies in second `first`, its last in second `last`.
    """

    start: int
    end: int
    state: State
    low: int
    high: int
    first: int
    last: int
    samples: int


def reading(outcome: Outcome, auth_offline: bool) -> State:
    """The outcome's state; a rejected login is offline where the contract says so (`auth_offline`)."""
    if auth_offline and outcome.reason is Reason.AUTH_REJECTED:
        return State.OFFLINE
    return outcome.state


def in_order(runs: Iterable[Run]) -> list[Run]:
    """One vantage's runs by first instant. Among equal first instants the order is arbitrary but always the same."""
    result = sorted(runs, key=_first)
    if len(set(map(_first, result))) < len(result):
        result.sort(key=_whole_run)
    return result


def _whole_run(run: Run) -> tuple[int, int, int, int, State, Reason, str]:
    return (run.first, run.last, run.count, run.valid_s, run.outcome.state, run.outcome.reason, run.outcome.rung)


def blind(gaps: Iterable[Gap]) -> list[Blind]:
    """The whole seconds that the gaps touch: in order, apart, none empty."""
    result: list[Blind] = []
    for gap in sorted(gaps, key=attrgetter("start")):
        start = gap.start // MICROSECONDS
        end = FOREVER if gap.end is None else -(-gap.end // MICROSECONDS)
        until = FOREVER * MICROSECONDS if gap.end is None else gap.end
        if end <= start:
            continue
        if result and start <= result[-1].end:
            last = result[-1]
            result[-1] = Blind(last.start, max(last.end, end), max(last.until, until))
        else:
            result.append(Blind(start, end, until))
    return result


def hold(runs: Sequence[Run], gaps: Sequence[Blind], auth_offline: bool) -> list[Held]:
    """Where one vantage's runs (`in_order`) hold outside its gaps (of `blind`). In order, not overlapping."""
    result: list[Held] = []
    gap_ends = [gap.end for gap in gaps]
    following = FOREVER
    for run in reversed(runs):
        first, last = run.first // MICROSECONDS, run.last // MICROSECONDS
        end = min(following, last + run.valid_s)
        following = first
        state = reading(run.outcome, auth_offline)
        if first < end and state is not State.UNKNOWN:
            whole = Held(first, end, state, 0, run.count, first, last, run.count)
            result.extend(reversed(_outside(whole, run, gaps, bisect_right(gap_ends, first))))
    result.reverse()
    return result


def _outside(whole: Held, run: Run, gaps: Sequence[Blind], nearest: int) -> list[Held]:
    """The parts of a run that hold in spite of gaps; `nearest` is the first gap that ends after the run's first."""
    result: list[Held] = []
    start, end, low, high = whole.start, whole.end, 0, whole.high
    while start < end and nearest < len(gaps):
        gap = gaps[nearest]
        nearest += 1
        if gap.start >= end:
            high = _before(whole, gap.start)
            break
        if gap.start > start:
            result.append(whole._replace(start=start, end=gap.start, low=low, high=_before(whole, gap.start)))
        if gap.until <= run.first:  # before the run; rounding alone let them share a second
            start = max(start, gap.end)
        elif gap.until > run.last:
            return result
        else:
            low = min(_before(whole, gap.end), run.count - 1)
            start = max(gap.end, min(whole.last, gap.end + run.valid_s))
    if start < end:
        result.append(whole._replace(start=start, low=low, high=high))
    return result


def _before(held: Held, second: int) -> int:
    """How many of the run's samples, evenly spaced, lie before the second."""
    if second <= held.first:
        return 0
    if second > held.last or held.samples == 1:
        return held.samples
    return -(-(second - held.first) * (held.samples - 1) // (held.last - held.first))


def merge(vantages: Sequence[Sequence[Held]], quorum: int) -> list[Piece]:
    """What the vantages say together: known pieces in order, equal ones never touching; unknown is left out."""
    pieces: list[Piece] = []
    stretches = _stretches(vantages, quorum)
    places = [0] * len(vantages)
    for start, end, state in stretches:
        largest = 1
        for number, vantage in enumerate(vantages):
            place = places[number]
            while place < len(vantage) and vantage[place].end <= start:
                place += 1
            places[number] = place
            samples = 0
            while place < len(vantage) and vantage[place].start < end:
                held = vantage[place]
                if held.state is state:
                    samples += _within(held, start, end)
                place += 1
            largest = max(largest, samples)
        pieces.append(Piece(start, end, state, largest))
    return pieces


def _within(held: Held, start: int, end: int) -> int:
    low = held.low if start <= held.start else max(held.low, _before(held, start))
    high = held.high if end >= held.end else min(held.high, _before(held, end))
    return max(0, high - low)


def _stretches(vantages: Sequence[Sequence[Held]], quorum: int) -> list[tuple[int, int, State]]:
    """Maximal stretches of one known state, in order."""
    changes: list[tuple[int, int, int]] = []
    for vantage in vantages:
        for held in vantage:
            online = 1 if held.state is State.ONLINE else 0
            changes.append((held.start, online, 1 - online))
            changes.append((held.end, -online, online - 1))
    changes.sort()
    result: list[tuple[int, int, State]] = []
    online = offline = since = 0
    state = State.UNKNOWN
    for index, (at, more_online, more_offline) in enumerate(changes):
        online += more_online
        offline += more_offline
        if index + 1 < len(changes) and changes[index + 1][0] == at:
            continue
        now = State.ONLINE if online else State.OFFLINE if offline >= quorum else State.UNKNOWN
        if now is not state:
            if state is not State.UNKNOWN:
                result.append((since, at, state))
            state, since = now, at
    return result
