"""Rates from the raw archive: every result read again, and only what no result tells taken from elsewhere.

That is the roster, the gaps, the exclusions and the reclassifications, from the store or (but the last) from files. Runs
that were imported are no results of ours and are not in the archive. pyarrow and numpy come with this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from console import views
from monitor.archive.history import REACH_DAYS, Histories, histories
from monitor.archive.shelf import Shelf
from monitor.debounce import Piece
from monitor.finding import Finding
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Gap, Instant, Run
from monitor.period import Period, midnight
from monitor.report import PointSeconds
from monitor.scope import EVERYTHING
from monitor.sources.runs import read_gaps
from monitor.sources.states import load_case
from monitor.sources.states import point_seconds as seconds_of_files
from monitor.store.exclusions import exclusions_for
from monitor.store.gaps import touching
from monitor.store.given import given_to
from monitor.store.imports import imported_vantages
from monitor.timeline import NOTHING, RunRow, Timeline

Moved = Callable[[int, int], None]
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class ArchivedHistory:
    """A point's history as a timeline is built from it."""

    runs: Sequence[Run]
    gaps: Sequence[Gap]
    given: Sequence[Piece]

    def alone(self) -> list[RunRow] | None:
        """Return the runs as rows if one vantage saw the point and nothing else matters, else None."""
        runs = self.runs
        if self.gaps or self.given or not runs or runs[0].vantage != runs[-1].vantage:
            return None
        return [(run.first, run.last, run.count, run.outcome, run.valid_s) for run in runs]

    def cameras(self) -> dict[str, tuple[int, int]]:
        """Return the first and last instant of each camera that a run names."""
        found: dict[str, tuple[int, int]] = {}
        for run in self.runs:
            if run.camera:
                first, last = found.get(run.camera, (run.first, 0))
                found[run.camera] = min(first, run.first), max(last, run.last + run.valid_s * MICROSECONDS)
        return found


class _Gaps:
    """Gaps by the points that they hold for, as far as they touch what was seen of them."""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        self._wide = [gap for gap in gaps if gap.point is None]
        self._own: dict[str, list[Gap]] = defaultdict(list)
        for gap in gaps:
            if gap.point is not None:
                self._own[gap.point].append(gap)

    def around(self, code: str, runs: Sequence[Run]) -> list[Gap]:
        if not runs:
            return []
        start, end = min(run.first for run in runs), max(run.last + run.valid_s * MICROSECONDS for run in runs)
        own = self._own.get(code, ())
        return [g for g in (*self._wide, *own) if g.start < end and (g.end is None or g.end > start)]


def from_store(
    connection: Connection, folder: Path, question: views.Question, moved: Moved = lambda *_: None
) -> tuple[list[PointSeconds], list[Finding]]:
    """Return every point's account in the period from the archive, with the store's roster, gaps and corrections.

    In the order of views.point_seconds. Warnings say what the archive lacks. InputError names a damaged file.
    """
    shelf = Shelf(folder)
    doubts = [*shelf.doubts(_days(question.period)), *_imported(connection, question)]
    gaps = touching(connection, *_reach(question))
    seen = histories(shelf, gaps, question.period, question.zone, question.policy, moved)
    stretches = views.stretches_of(connection, EVERYTHING, question)
    stays = views.stays_of(connection, EVERYTHING)
    excluded: dict[str, list[Span]] = defaultdict(list)
    for exclusion in exclusions_for(connection, EVERYTHING, question.window_us, None):
        excluded[exclusion.point].append((exclusion.start // MICROSECONDS, exclusion.end // MICROSECONDS))
    accounts: list[PointSeconds] = []
    for code, history in _told(connection, seen, gaps, sorted(stretches)):
        timeline = views.timeline_of(history, stays.get(code, {}), question.policy)
        spans = excluded.get(code, ())
        accounts += [views.account(stretch, timeline, spans, question) for stretch in stretches[code]]
    return accounts, doubts


def from_files(
    folder: Path,
    question: views.Question,
    points: Path,
    gaps_file: Path | None,
    exclusions: Path | None,
    moved: Moved = lambda *_: None,
) -> tuple[list[PointSeconds], list[Finding]]:
    """Return every point's account in the period from the archive and files alone, in the order of the points file."""
    case = load_case(points, None, exclusions)
    gaps = [] if gaps_file is None else read_gaps(gaps_file).gaps
    shelf = Shelf(folder)
    seen = histories(shelf, gaps, question.period, question.zone, question.policy, moved)
    blind = _Gaps(gaps)

    def timeline_of(code: str) -> Timeline:
        runs = seen.runs(code)
        # Without the ledger nobody can say when a camera served: every result counts for its point.
        return _built([_nameless(run) for run in runs], blind.around(code, runs), question)

    accounts = seconds_of_files(
        case,
        question.period,
        question.policy,
        zone=question.zone,
        definition=question.definition,
        instants=[Instant(second * MICROSECONDS) for second in question.instants],
        timeline_of=timeline_of,
    )
    return accounts, shelf.doubts(_days(question.period))


def _built(runs: Sequence[Run], gaps: Sequence[Gap], question: views.Question) -> Timeline:
    return views.timeline_of(ArchivedHistory(runs, gaps, ()), {}, question.policy) if runs else NOTHING


def _nameless(run: Run) -> Run:
    return Run(run.point, run.vantage, run.first, run.last, run.count, run.outcome, run.valid_s)


def _told(
    connection: Connection, seen: Histories, gaps: Sequence[Gap], codes: Sequence[str]
) -> Iterator[tuple[str, ArchivedHistory]]:
    blind = _Gaps(gaps)
    for chunk in (codes[n : n + _AT_ONCE] for n in range(0, len(codes), _AT_ONCE)):
        given = given_to(connection, chunk)
        for code in chunk:
            runs = seen.runs(code)
            yield code, ArchivedHistory(runs, blind.around(code, runs), given.get(code, ()))


def _days(period: Period) -> list[date]:
    return [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]


def _reach(question: views.Question) -> tuple[int, int]:
    """The microseconds that a history may be read of."""
    period, more = question.period, timedelta(days=REACH_DAYS + 2)
    return (
        midnight(period.first - more, question.zone) * MICROSECONDS,
        midnight(period.last + more, question.zone) * MICROSECONDS,
    )


def _imported(connection: Connection, question: views.Question) -> list[Finding]:
    names = imported_vantages(connection, question.window_us)
    if not names:
        return []
    message = f"期间另有导入的记录，不在归档中 imported runs are not in the archive: {'、'.join(names)}"
    return [Finding("", 0, "runs", message, "与 rates 的结果比较时注意 mind it when comparing with rates", "warning")]
