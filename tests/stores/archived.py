"""Short ways to the archive of a test's store: days built here and now, a watched history, and its rates both ways."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from console import views
from console.archives import archived_rates
from console.archives.archiving import LATE_S, Building, Place
from monitor.archive.parts import Part, parts_of
from monitor.model import MICROSECONDS, Instant, Sample
from monitor.period import ZONE, midnight, parse_period
from monitor.report import PointSeconds
from monitor.scope import EVERYTHING
from monitor.store.database import reading
from monitor.timeline import Policy

JULY = "2020-07-01..2020-07-03"
DAY = date(2020, 7, 1)


def place(store, folder: Path | None = None) -> Place:
    return Place(store.url, folder or store.folder / "archive", ZONE)


def after(day: date) -> Instant:
    """The first instant at which a day is over for the archive."""
    return Instant((midnight(day + timedelta(days=1)) + LATE_S) * MICROSECONDS)


def build(store, upto: date, folder: Path | None = None, only: date | None = None) -> list[Part]:
    """Archive all days up to one, in this process."""
    where = place(store, folder)
    Building(where, after(upto), only)(lambda *_: None)
    return parts_of(where.folder)


def commit(
    store, samples: Sequence[Sample], *, size: int = 40, vantage: str = "local", writer=None, resume: bool = True
):
    """Commit samples in order of time, in batches of `size`, and project them; return the writer."""
    writer = writer or store.writer()
    ordered = sorted(samples, key=lambda s: (s.at, s.point))
    if resume:
        writer.resume(vantage, Instant(ordered[0].at), blind=False)
    for n in range(0, len(ordered), size):
        part = ordered[n : n + size]
        writer.commit_batch(vantage, writer.next_seq(vantage), part)
    writer.project(vantage, Instant(ordered[-1].at))
    return writer


def both(store, period: str = JULY, policy: Policy | None = None) -> tuple[list[PointSeconds], list[PointSeconds]]:
    """The accounts of a period from the store's runs, and from the archive."""
    question = views.Question(parse_period(period), ZONE, policy or Policy())
    with reading(store.engine) as connection:
        runs = views.point_seconds(connection, EVERYTHING, question)
        archive, _ = archived_rates.from_store(connection, place(store).folder, question)
    return runs, archive


@dataclass
class Watched:
    """How a made-up watcher sees a made-up point: seconds between probes, jitter, and how often things change."""

    interval_s: int = 600
    jitter_s: float = 0.1
    reasons: tuple[str, ...] = ("ok", "ok", "ok", "timeout", "refused", "auth-rejected", "watcher")
    change: float = 0.1
    lost: float = 0.03


def watched(
    make, points: Iterable[str], first_s: float, last_s: float, seed: int, how: Watched | None = None
) -> list[Sample]:
    """Results of points from `first_s` to `last_s` after T0: `make(point, second, reason, valid_s=…)` makes one."""
    how, chance = how or Watched(), random.Random(seed)
    samples = []
    for point in points:
        phase, reason = chance.uniform(0, how.interval_s), "ok"
        second = first_s + phase
        while second < last_s:
            if chance.random() < how.change:
                reason = chance.choice(how.reasons)
            if chance.random() >= how.lost:
                at = second + chance.uniform(0, how.jitter_s)
                samples.append(make(point, at, reason, valid_s=2 * how.interval_s + 5))
            second += how.interval_s
    return samples
