"""Single results of a point and the numbers of its records, read by a worker process with a connection of its own.

Batches and log files hold whole cities: what is looked through for one point takes up to seconds, and never on a thread that
serves pages. What goes in and out is plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from config.settings import Settings
from console.points.records import Places, first_probes, numbered
from monitor.archive.parts import parts_of
from monitor.evidence.folder import LogFolder
from monitor.finding import InputError
from monitor.model import Instant, State
from monitor.store.database import snapshot
from monitor.store.seen import Probe, Sighting, probes, sightings

MOST_PROBES = 1_000
MOST_SPAN_S = 2 * 86_400
"""The longest span that single results are asked for at once."""


class Source(NamedTuple):
    """Where a worker finds everything."""

    url: str
    evidence: Path
    origin: str
    archive: Path
    zone: str


class LogRow(NamedTuple):
    """A result as a page shows it. `batch` None: from the archive, which keeps hundredths of a second."""

    vantage: str
    at: int
    state: str
    reason: str
    rung: str
    took_us: int
    batch: int | None


class RunRow(NamedTuple):
    """A run of equal results: from its first to its last instant."""

    vantage: str
    kind: str
    first: int
    last: int
    samples: int
    state: str
    reason: str
    rung: str


class OutageLog(NamedTuple):
    """What lies under an outage. `leaf` is the number of the record that opened it, None while it is not sealed.

    `imported`: it rests on a file, whose digest is in the log instead. `trouble`: what could not be read, and why.
    """

    runs: tuple[RunRow, ...]
    probes: tuple[LogRow, ...]
    leaf: int | None
    imported: bool
    trouble: str = ""


def source_of(settings: Settings) -> Source:
    """Return where an installation's results and records lie."""
    return Source(settings.url, settings.evidence_dir, settings.evidence.origin, settings.archive_dir, settings.zone)


def outage_log(source: Source, code: str, start: Instant, end: Instant, most: int) -> OutageLog:
    """Return the failing runs of a span, their first results, and the number of the record that opened it."""
    with snapshot(source.url) as connection:
        return _outage_log(connection, source, code, start, end, most)


def _outage_log(
    connection: Connection, source: Source, code: str, start: Instant, end: Instant, most: int
) -> OutageLog:
    places = _places(source)
    seen = sightings(connection, code, (start, end))
    failing = [run for run in seen if run.outcome.state is not State.ONLINE]
    rows = tuple(_run(run) for run in failing[:most])
    own = [run for run in failing if run.kind not in {"import", "platform"}]
    found: list[Probe] = []
    leaf, trouble = None, ""
    try:
        for run in {run.vantage: run for run in reversed(own)}.values():
            found += first_probes(connection, places, code, run, end, most)
        if own:
            told = numbered(connection, places, code, [own[0].first])
            opened = {(record.fields["vantage"], record.fields["t"]): record for record in told if record.kind == "tr"}
            record = opened.get((own[0].vantage, own[0].first))
            leaf = None if record is None else record.number
    except InputError as error:
        trouble = "；".join(str(finding) for finding in error.findings)
    results = sorted((_row(probe) for probe in found), key=lambda row: row.at)[:most]
    return OutageLog(rows, tuple(results), leaf, bool(failing) and not own, trouble)


def probe_log(source: Source, code: str, spans: Sequence[tuple[int, int]], most: int) -> list[LogRow]:
    """Return a point's first results in some spans of microseconds, of every vantage, by time. InputError names a damaged file."""
    with snapshot(source.url) as connection:
        found = [row for a, b in spans for row in _results(connection, source, code, (Instant(a), Instant(b)), most)]
        return sorted(found, key=lambda row: (row.at, row.vantage))[:most]


def _results(
    connection: Connection, source: Source, code: str, span: tuple[Instant, Instant], most: int
) -> list[LogRow]:
    """What batches have of a span, and before the first of that what the archive has."""
    found: list[LogRow] = []
    seen = sightings(connection, code, span)
    for vantage in sorted({run.vantage for run in seen if run.kind not in {"import", "platform"}}):
        stored = probes(connection, code, vantage, span, most)
        until = stored[0].at if stored else span[1]
        found += _archived(source, code, vantage, (span[0], until), most) if span[0] < until else []
        found += [_row(probe) for probe in stored]
    return found


def _archived(source: Source, code: str, vantage: str, span: tuple[Instant, Instant], most: int) -> list[LogRow]:
    places = _places(source)
    first, last = places.day(span[0]), places.day(span[1]) + timedelta(days=1)
    files = [
        part.path(source.archive)
        for part in parts_of(source.archive, first, last)
        if part.pruned_at is None and part.rows and part.path(source.archive).exists()
    ]
    if not files:
        return []
    from monitor.archive.probes import kept_probes  # noqa: PLC0415  loads a library of many megabytes, seldom

    return [
        LogRow(
            vantage,
            row.at,
            row.outcome.state.value,
            row.outcome.reason.value,
            row.outcome.rung.value,
            row.took_us,
            None,
        )
        for row in kept_probes(files, code, vantage, span, most)
    ]


def _places(source: Source) -> Places:
    return Places(LogFolder(source.evidence, source.origin), source.archive, source.zone)


def _row(probe: Probe) -> LogRow:
    said = probe.outcome
    return LogRow(
        probe.vantage, probe.at, said.state.value, said.reason.value, said.rung.value, probe.took_us, probe.batch
    )


def _run(run: Sighting) -> RunRow:
    said = run.outcome
    return RunRow(
        run.vantage, run.kind, run.first, run.last, run.n, said.state.value, said.reason.value, said.rung.value
    )
