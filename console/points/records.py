"""Where a point's own record lies beside the tables: numbered lines of the log's folder, single results in the archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from monitor.archive.parts import parts_of
from monitor.canonical import canonical, parse_line
from monitor.evidence.folder import LogFolder
from monitor.finding import refuse
from monitor.model import Instant
from monitor.period import day_of
from monitor.store.seen import Leaf, Probe, Sighting, gap_leaves, leaves, probes

KINDS = ("tr", "gap", "adj")


@dataclass(frozen=True, slots=True)
class Places:
    """The log's folder, the archive's, and the zone in which both cut their days."""

    log: LogFolder
    archive: Path
    zone: str

    def day(self, at: int) -> date:
        """The day of an instant."""
        return day_of(at, self.zone)


def numbered(connection: Connection, places: Places, point: str, recorded: Iterable[int]) -> list[Leaf]:
    """Return the numbered records of a point, and of whole vantages' gaps, made on the days of some instants.

    From the outbox while they are there, else from the log's folder. InputError if a day's file is damaged.
    """
    found = {leaf.number: leaf for leaf in (*leaves(connection, point, KINDS), *gap_leaves(connection))}
    wanted = {places.day(at) for at in recorded}
    # What was seen shortly before midnight may have been recorded after it.
    days = {str(day + timedelta(days=more)) for day in wanted for more in (0, 1)}
    own, all_points = f'"point":{canonical(point)}'.encode(), b'"point":null'
    for day in places.log.days():
        if day not in days:
            continue
        sealed = places.log.read_day(day)
        for number, line in enumerate(sealed.lines, sealed.frontier.size):
            if number not in found and (own in line or all_points in line):
                fields = _parsed(line, day, number)
                if fields["k"] in KINDS and fields.get("point") in (point, None):
                    found[number] = Leaf(number, str(fields["k"]), fields)
    return [found[number] for number in sorted(found)]


def _parsed(line: bytes, day: str, number: int) -> dict[str, object]:
    try:
        return parse_line(line)
    except ValueError as error:
        raise refuse(
            f"记录 {number} 已损坏 the record is damaged: {error}", "从备份恢复 restore it", file=day
        ) from None


def first_probes(
    connection: Connection, places: Places, point: str, run: Sighting, until: Instant, most: int
) -> list[Probe]:
    """Return the first results of a run: from the store's batches, or from the archive; none where neither has them."""
    span = (run.first, Instant(max(run.last + 1, until)))
    found = probes(connection, point, run.vantage, span, most)
    if found and found[0].at == run.first:
        return found
    first = places.day(run.first)
    files = _files(places, first, min(places.day(span[1]), first + timedelta(days=1)))
    if not files:
        return found
    from monitor.archive.probes import kept_probes  # noqa: PLC0415  loads a library of many megabytes, seldom

    kept = kept_probes(files, point, run.vantage, span, most)
    return [Probe(run.vantage, row.at, row.outcome, row.took_us, None) for row in kept] or found


def _files(places: Places, first: date, last: date) -> Sequence[Path]:
    return [
        part.path(places.archive)
        for part in parts_of(places.archive, first, last)
        if part.pruned_at is None and part.rows and part.path(places.archive).exists()
    ]
