"""Points' histories around a period, from the archive alone: so much of them that nothing inside can read differently.

Step 9 of the timeline algorithm: the period's days and one on either side, and for points where that settles nothing (no
run that passes recovery, or confirms an outage, at the edge) further days, up to REACH_DAYS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.archive.reading import Book, Stretches
from monitor.archive.shelf import Shelf
from monitor.finding import refuse
from monitor.model import CS_US, Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.period import Period
from monitor.timeline import Policy

REACH_DAYS: Final = 31
"""How far beyond the period's edges is looked at most."""
Moved = Callable[[int, int], None]


class Histories:
    """What the archive says of each point."""

    def __init__(self, book: Book, rows: int) -> None:
        self.rows = rows
        """How many results were read."""
        self._runs = book.stretches()
        self._vantages, self._cameras = book.vantages.all(), book.cameras.all()
        self._outcomes = [_outcome(*words) for words in book.verdicts.all()]
        cuts = np.flatnonzero(np.diff(self._runs.point, prepend=-1)).tolist()
        codes = book.points.all()
        ends = [*cuts[1:], len(self._runs.point)][: len(cuts)]
        self._spans = {codes[int(self._runs.point[a])]: (a, b) for a, b in zip(cuts, ends, strict=True)}

    @property
    def points(self) -> Collection[str]:
        """The codes of points that have results."""
        return self._spans.keys()

    def runs(self, code: str) -> list[Run]:
        """Return a point's runs, by vantage and time.

        Instants are the last microsecond of their hundredth: the true one is in the same second, and no result that
        ended a gap falls before its end.
        """
        first, last = self._spans.get(code, (0, 0))
        columns = (column[first:last].tolist() for column in self._runs[1:])
        return [
            Run(
                code,
                self._vantages[vantage],
                Instant(begun * CS_US + CS_US - 1),
                Instant(ended * CS_US + CS_US - 1),
                samples,
                self._outcomes[verdict],
                valid_s,
                self._cameras[camera],
            )
            for vantage, camera, verdict, valid_s, begun, ended, samples in zip(*columns, strict=True)
        ]


def _outcome(state: str, reason: str, rung: str) -> Outcome:
    try:
        return Outcome(State(state), Reason(reason), Rung(rung))
    except ValueError as error:
        message = f"归档中有不认识的结果 a result of the archive is of no known kind: {error}"
        raise refuse(message, "升级 camsla，或从备份恢复 upgrade camsla, or restore the file from a backup") from None


def histories(
    shelf: Shelf, gaps: Iterable[Gap], period: Period, zone: str, policy: Policy, moved: Moved = lambda *_: None
) -> Histories:
    """Read the histories that a policy needs of a period; `moved` counts days. InputError names a damaged file."""
    start, end = (second * 100 for second in period.span(zone))
    gaps = list(gaps)
    book = Book(gaps)
    rows = _read(book, shelf, period.first - timedelta(days=1), period.last + timedelta(days=1), None, moved)
    for direction in (-1, 1):
        edge, step = (period.first if direction < 0 else period.last) + timedelta(days=direction), 1
        reached = 1
        while reached < REACH_DAYS:
            lacking = _lacking(book, gaps, start, end, direction, policy)
            beyond = [day for day in shelf.days if (day - edge).days * direction > 0]
            if not lacking or not beyond:
                break
            near, far = edge + timedelta(days=direction), edge + timedelta(days=direction * step)
            rows += _read(book, shelf, min(near, far), max(near, far), lacking, moved)
            edge, reached, step = far, reached + step, step * 2
    return Histories(book, rows)


def _read(book: Book, shelf: Shelf, first: date, last: date, points: Collection[str] | None, moved: Moved) -> int:
    days = sorted(day for day in shelf.days if first <= day <= last)
    rows = 0
    for number, day in enumerate(days, 1):
        rows += sum(book.read(path, points) for path in shelf.paths(day))
        moved(number, len(days))
    return rows


def _lacking(book: Book, gaps: Sequence[Gap], start: int, end: int, direction: int, policy: Policy) -> list[str]:
    """Return the points without a run at the edge before which (or after which) nothing can matter to the period."""
    runs = book.stretches()
    if not len(runs.point):
        return []
    settled = _settling(book, runs, policy) & ~_blind(book, runs, gaps)
    settled &= runs.first <= start if direction < 0 else runs.last >= end
    known, done = np.unique(runs.point), np.unique(runs.point[settled])
    codes = book.points.all()
    return [codes[n] for n in np.setdiff1d(known, done).tolist()]


def _settling(book: Book, runs: Stretches, policy: Policy) -> NDArray[np.bool_]:
    """Tell which runs divide a history: online that pass recovery; and confirmed outages, where one vantage alone speaks."""
    states = np.array([state for state, _, _ in book.verdicts.all()])
    state = states[runs.verdict]
    lasting = runs.last - runs.first
    # A second more: quantising may take one away.
    online = (state == State.ONLINE.value) & (runs.samples >= policy.recovery_samples)
    online &= lasting >= (policy.minimum_recovery_s + 1) * 100
    offline = (state == State.OFFLINE.value) & (runs.samples >= policy.confirm_samples)
    offline &= lasting >= (policy.minimum_outage_s + 1) * 100
    several = np.unique(runs.point[1:][(runs.point[1:] == runs.point[:-1]) & (runs.vantage[1:] != runs.vantage[:-1])])
    offline &= ~np.isin(runs.point, several)
    if policy.vantages == "quorum" and policy.quorum > 1:
        offline[:] = False
    return np.asarray(online | offline)


def _blind(book: Book, runs: Stretches, gaps: Sequence[Gap]) -> NDArray[np.bool_]:
    """Tell which runs lie in a gap: no run goes on over its edges."""
    result = np.zeros(len(runs.first), bool)
    for gap in gaps:
        inside = (runs.first >= gap.start // CS_US) & (runs.vantage == book.vantages.find(gap.vantage))
        if gap.end is not None:
            inside &= runs.first < gap.end // CS_US
        if gap.point is not None:
            inside &= runs.point == book.points.find(gap.point)
        result |= inside
    return result
