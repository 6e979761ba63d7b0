"""The raw archive in the life of an installation: which days are owed a file, and who makes it.

A day is archived when it is over, from the batches that were committed by then. What comes later (an agent that was cut
off) becomes a further part of that day; a file that is there is never written again. pyarrow and numpy are imported in the
process that makes the file, never here: a watcher has no room for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from config.settings import Settings
from console.worker import Moved, in_worker
from monitor.archive.parts import Cut, Part, Taken, done_up_to, part_of, parts_of
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import day_of, midnight
from monitor.store import batches
from monitor.store.batch import Columns
from monitor.store.database import open_database, reading, snapshot
from monitor.store.lock import WriterLock

LATE_S = 120
"""A day is over for the archive so long after its midnight: attempts that began before it have ended and are stored."""
DEADLINE_S = 6 * 3600.0
"""A day of a large city takes half a minute; what has not ended by then hangs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where results come from and go to, and the zone that days are cut in."""

    url: str
    folder: Path
    zone: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A part that is to be made: its day and number, its batches by vantage, and how many results they have at most."""

    day: date
    number: int
    taken: Mapping[str, Taken]
    expected: int


def place_of(settings: Settings) -> Place:
    """Return the settings' archive."""
    return Place(settings.url, settings.archive_dir, settings.zone)


def figures_of(folder: Path, day: str) -> dict[str, int | str] | None:
    """Return what the manifest of a day says of its archive, {bytes, rows, sha256}; None if it has no file yet.

    InputError if the file's record is damaged.
    """
    part = part_of(folder, date.fromisoformat(day))
    return None if part is None else part.figures()


def owed(connection: Connection, place: Place, now: Instant, only: date | None = None) -> list[Owed]:
    """Return the parts that days which are over lack, by day; of one day with `only`. InputError for a damaged record."""
    parts = parts_of(place.folder)
    for part in parts:
        if part.zone != place.zone:
            raise refuse(
                f"归档按 {part.zone} 切日，而设置为 the archive's days are cut in {part.zone}, the settings say {place.zone}",
                "改回 zone，或另设 archive.folder set zone back, or name another archive.folder",
                file=str(part.path(place.folder)),
            )
    by_day: dict[date, list[Part]] = {}
    for part in parts:
        by_day.setdefault(part.day, []).append(part)
    sources = batches.sources(connection)
    done = done_up_to(parts, {vantage: low for vantage, (_, low, _) in sources.items()})
    lacking: dict[date, dict[str, _Lacking]] = {}
    for vantage, (number, _, _) in sources.items():
        for batch in batches.listed(connection, number, done[vantage]):
            first, last = _day_of(batch.first_at, place.zone), _day_of(batch.last_at, place.zone)
            for day in _days(first, last):
                if not _over(day, place.zone, now) or only not in (None, day):
                    continue
                if not any(part.taken.get(vantage, _NONE).has(batch.seq) for part in by_day.get(day, ())):
                    its = lacking.setdefault(day, {}).setdefault(vantage, _Lacking())
                    its.add(batch.seq, batch.n, first, last)
    return [
        Owed(
            day,
            max((part.number + 1 for part in by_day.get(day, ())), default=0),
            {vantage: its.taken() for vantage, its in sorted(found.items())},
            sum(its.results for its in found.values()),
        )
        for day, found in sorted(lacking.items())
    ]


@dataclass(frozen=True, slots=True)
class Building:
    """The job that makes what is owed: days in their order, each from one snapshot; `only` one day, if given."""

    place: Place
    now: Instant
    only: date | None = None

    def __call__(self, moved: Moved) -> None:
        """Make the files; `moved` counts results. InputError names what stands in the way."""
        self.place.folder.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(self.place.folder / "archive.lock")
        lock.acquire()
        engine = open_database(self.place.url)
        try:
            with reading(engine) as connection:
                days = [part.day for part in owed(connection, self.place, self.now, self.only)]
            for day in days:
                with reading(engine) as connection:
                    for part in owed(connection, self.place, self.now, day):
                        self._make(connection, part, moved)
        finally:
            engine.dispose()
            lock.release()

    def _make(self, connection: Connection, part: Owed, moved: Moved) -> None:
        from monitor.archive.building import build  # noqa: PLC0415  pyarrow: in this process only

        build(
            self.place.folder,
            part.day,
            part.number,
            self.place.zone,
            _told(contents(connection, part.taken), part.expected, moved),
            points=batches.point_codes(connection),
            taken=part.taken,
            expected=part.expected,
        )


@dataclass(frozen=True, slots=True)
class Yielding:
    """The same job in a process that steps back for the watcher."""

    building: Building

    def __call__(self, moved: Moved) -> None:
        """Do it."""
        os.nice(10)
        self.building(moved)


def build_owed(
    place: Place,
    now: Instant,
    *,
    only: date | None = None,
    moved: Moved = lambda *_: None,
    stopping: Callable[[], bool] = lambda: False,
) -> list[Part]:
    """Make the files that are owed, in a process of its own, and return them; none if nothing is owed.

    InputError says why not, and names the file; days that were made by then stay. StoppedError soon after `stopping`.
    """
    with snapshot(place.url) as connection:
        if not owed(connection, place, now, only):
            return []
    before = {(part.day, part.number) for part in parts_of(place.folder)}
    in_worker(Yielding(Building(place, now, only)), DEADLINE_S, moved, stopping)
    return [part for part in parts_of(place.folder) if (part.day, part.number) not in before]


def contents(connection: Connection, taken: Mapping[str, Taken]) -> Iterator[Columns]:
    """Yield the batches of a part, vantage by vantage. InputError names a damaged one."""
    sources = batches.sources(connection)
    for vantage, its in sorted(taken.items()):
        if vantage in sources:
            ranges = sorted([*its.whole, *((cut.seq, cut.seq) for cut in its.cut)])
            for _, columns in batches.contents(connection, (sources[vantage][0], vantage), ranges):
                yield columns


_NONE = Taken()


@dataclass(slots=True)
class _Lacking:
    """A vantage's batches that a day lacks, while they are being listed by number."""

    whole: list[tuple[int, int]] = field(default_factory=list)
    cut: list[Cut] = field(default_factory=list)
    results: int = 0

    def add(self, seq: int, n: int, first: date, last: date) -> None:
        self.results += n
        if first != last:
            self.cut.append(Cut(seq, first, last))
        elif self.whole and self.whole[-1][1] == seq - 1:
            self.whole[-1] = (self.whole[-1][0], seq)
        else:
            self.whole.append((seq, seq))

    def taken(self) -> Taken:
        return Taken(tuple(self.whole), tuple(self.cut))


def _told(found: Iterator[Columns], expected: int, moved: Moved) -> Iterator[Columns]:
    done = told = 0
    for batch in found:
        yield batch
        done += batch.n
        if done - told >= 100_000:
            moved(done, expected)
            told = done
    moved(expected, expected)


def _over(day: date, zone: str, now: Instant) -> bool:
    return (midnight(day + timedelta(days=1), zone) + LATE_S) * MICROSECONDS <= now


_recent: dict[str, tuple[int, int, date]] = {}


def _day_of(at: int, zone: str) -> date:
    """Return the day of an instant; that of the one before is remembered, since there are millions in a row."""
    start, end, day = _recent.get(zone, (0, 0, date.min))
    if not start <= at < end:
        day = day_of(at, zone)
        start, end = (midnight(d, zone) * MICROSECONDS for d in (day, day + timedelta(days=1)))
        _recent[zone] = (start, end, day)
    return day


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)
