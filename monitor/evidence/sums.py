"""Which sums a day owes: one for every billed point, and one wherever the numbers are others than last said. PURE."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from monitor.evidence.known import Known
from monitor.evidence.replay import Said, State
from monitor.evidence.trace import Seconds, Sum

Moved = Callable[[int, int], None]
POINTS_AT_ONCE = 250
"""After so many points progress is told: after an import of years, a quarter second of work or more."""


class Due(NamedTuple):
    """A sum that a day owes: the point's seconds, and the sum that it follows."""

    point: str
    day: str
    seconds: Seconds
    before: Sum | None


class Doubt(NamedTuple):
    """A sum that was said and is not so, or that was not said (None) though owed; `told` False: nobody can tell here."""

    point: str
    day: str
    said: Seconds | None
    owed: Seconds | None
    told: bool = True


def due(known: Known, day: str, grown: Collection[str], earlier: Known | None = None) -> Iterator[Due]:
    """Yield the sums that a day owes, by point and day, all records of the day being known but its sums.

    `grown` are the points whose newest runs have grown since the log last told of them: only a sum can tell it. Points
    that `earlier` knows are computed by it: it can tell days that `known` cannot.
    """
    touched = known.touched()
    if earlier is not None:
        touched |= earlier.touched()
    for code in known.points:
        teller = earlier if earlier is not None and code in earlier.traces else known
        days = teller.days(code, min(day, touched.get(code, day)), day)
        yield from _of_point(teller, code, days, day, {}, told=code not in grown)


def wrong_sums(state: State, moved: Moved = lambda *_: None) -> list[Doubt]:
    """Compare the sums of the day that was just closed with those that it owes; [] if all are right.

    Days before the state's `since` cannot be told: their sums, and touched days without a sum, are doubts with `told` False.
    `moved` hears of points now and then (done, total).
    """
    said: dict[str, dict[str, Said]] = {}
    for one in state.said:
        said.setdefault(one.point, {})[one.day] = one
    touched = state.touched()
    doubts: list[Doubt] = []
    points = state.points
    for n, code in enumerate(points):
        if n % POINTS_AT_ONCE == 0:
            moved(n, len(points))
        its = said.get(code, {})
        since = min(state.day, touched.get(code, state.day))  # a correction may reach into days to come
        if since < state.since:
            if since not in its:
                doubts.append(Doubt(code, since, None, None, told=False))
            since = state.since
        right = dict(state.days(code, since, state.day))
        former = {day: one.before for day, one in its.items()}
        owed = {one.day: one.seconds for one in _of_point(state, code, right.items(), state.day, former)}
        for day in sorted(its.keys() | owed.keys()):
            found = its[day].now.seconds if day in its else None
            told = day >= state.since
            # One that nothing asked for, such as a sum that tells of a run alone, must be right all the same.
            so = (right.get(day) or state.seconds(code, day)) if told else None
            if found != so:
                doubts.append(Doubt(code, day, found, so, told))
    return doubts


def _of_point(
    teller: Known,
    code: str,
    days: Iterable[tuple[str, Seconds]],
    last: str,
    former: Mapping[str, Sum | None],
    *,
    told: bool = True,
) -> Iterator[Due]:
    """The sums that a point owes of days; `former` are those that stood where the log has newer ones.

    If not `told`, the last day's is owed in any case.
    """
    trace = teller.traces[code]
    for day, seconds in days:
        before = former[day] if day in former else trace.sums.get(day)
        if before is not None:
            owed = before.seconds != seconds
        else:
            start, end = teller.span(day)
            owed = seconds.un != end - start or (day == last and (not told or trace.billed(start, end)))
        if owed:
            yield Due(code, day, seconds, before)
