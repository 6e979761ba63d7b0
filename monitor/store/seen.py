"""What was seen of one point, for a person who asks: its newest verdict, its runs, single probes, and record numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from monitor.model import Instant, Outcome
from monitor.store.batch import unpack
from monitor.store.identities import outcomes_by_id
from monitor.store.tables import batches, outbox, points, runs, vantages

MAX_BATCHES = 2_000
"""Batches that are looked through for one outage: half an hour at one a second."""


class Sighting(NamedTuple):
    """A run as the store has it now; instants in microseconds. `kind` is the vantage's: local, agent, import …"""

    vantage: str
    kind: str
    first: Instant
    last: Instant
    n: int
    outcome: Outcome
    valid_s: int


class Probe(NamedTuple):
    """One result: what came of it, how long it took, and the batch that it was committed in; None from the archive."""

    vantage: str
    at: Instant
    outcome: Outcome
    took_us: int
    batch: int | None


class Leaf(NamedTuple):
    """A numbered record of the evidence log: its number, its kind, its fields."""

    number: int
    kind: str
    fields: dict[str, Any]


def newest(connection: Connection, point: str) -> Sighting | None:
    """Return the run with the newest sample of a point, of whatever vantage; None if nobody saw it."""
    number = select(points.c.id).where(points.c.code == point).scalar_subquery()
    query = (
        select(
            vantages.c.name,
            vantages.c.kind,
            runs.c.first_at,
            runs.c.last_at,
            runs.c.n,
            runs.c.outcome_id,
            runs.c.valid_s,
        )
        .join(vantages, vantages.c.id == runs.c.vantage_id)
        .where(runs.c.point_id == number)
        .order_by(runs.c.last_at.desc(), vantages.c.name)
        .limit(1)
    )
    found = list(_sightings(connection, connection.execute(query).all()))
    return found[0] if found else None


def sightings(connection: Connection, point: str, span: tuple[Instant, Instant]) -> list[Sighting]:
    """Return the runs of a point with samples in a span, by time and vantage."""
    number = select(points.c.id).where(points.c.code == point).scalar_subquery()
    query = (
        select(
            vantages.c.name,
            vantages.c.kind,
            runs.c.first_at,
            runs.c.last_at,
            runs.c.n,
            runs.c.outcome_id,
            runs.c.valid_s,
        )
        .join(vantages, vantages.c.id == runs.c.vantage_id)
        .where(runs.c.point_id == number, runs.c.first_at < span[1], runs.c.last_at >= span[0])
        .order_by(runs.c.first_at, vantages.c.name)
    )
    return list(_sightings(connection, connection.execute(query).all()))


def _sightings(connection: Connection, rows: Sequence[Any]) -> Iterator[Sighting]:
    seen = outcomes_by_id(connection)
    for vantage, kind, first, last, n, outcome, valid_s in rows:
        yield Sighting(vantage, kind, Instant(first), Instant(last), n, seen[outcome], valid_s)


def probes(connection: Connection, point: str, vantage: str, span: tuple[Instant, Instant], most: int) -> list[Probe]:
    """Return the first results of a point in a span, from batches that are still in the store; none if they are not.

    ValueError if a stored batch is damaged.
    """
    number = connection.scalar(select(vantages.c.id).where(vantages.c.name == vantage))
    bounds = connection.execute(
        select(func.min(batches.c.seq), func.max(batches.c.seq)).where(batches.c.vantage_id == number)
    ).one()
    if number is None or bounds[0] is None:
        return []
    query = (
        select(batches.c.seq, batches.c.first_at, batches.c.sha256, batches.c.body)
        .where(batches.c.vantage_id == number, batches.c.seq >= _from(connection, number, bounds, span[0]))
        .order_by(batches.c.seq)
        .limit(MAX_BATCHES)
    )
    found: list[Probe] = []
    with connection.execute(query.execution_options(yield_per=50)) as rows:
        for seq, first_at, sha256, body in rows:
            if first_at >= span[1] or len(found) >= most:
                break
            found += [
                Probe(vantage, sample.at, sample.outcome, sample.took_us, seq)
                for sample in unpack(body, sha256)
                if sample.point == point and span[0] <= sample.at < span[1]
            ]
    return found[:most]


def _from(connection: Connection, vantage: int, bounds: Sequence[int], start: Instant) -> int:
    """Return a batch before which none reaches the instant: batches come in order of time, and none has an index by it."""
    low, high = bounds[0], bounds[1]
    query = select(batches.c.seq, batches.c.last_at).where(batches.c.vantage_id == vantage)
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(query.where(batches.c.seq >= middle).order_by(batches.c.seq).limit(1)).one_or_none()
        if row is not None and row.last_at < start:
            low = max(row.seq, middle) + 1
        else:
            high = middle
    return int(low)


def leaves(connection: Connection, point: str, kinds: Sequence[str]) -> list[Leaf]:
    """Return the numbered records of some kinds that name a point, by number. Reads all of the kinds: they have no index."""
    named = f'"point":{json.dumps(point, ensure_ascii=False)}'
    query = (
        select(outbox.c.leaf, outbox.c.kind, outbox.c.body)
        .where(outbox.c.kind.in_(kinds), outbox.c.leaf.is_not(None), outbox.c.body.contains(named, autoescape=True))
        .order_by(outbox.c.leaf)
    )
    rows = [Leaf(leaf, kind, json.loads(body)) for leaf, kind, body in connection.execute(query)]
    return [row for row in rows if row.fields.get("point") == point]


def gap_leaves(connection: Connection) -> list[Leaf]:
    """Return the numbered records of whole vantages' gaps, by number."""
    query = (
        select(outbox.c.leaf, outbox.c.kind, outbox.c.body)
        .where(outbox.c.kind == "gap", outbox.c.leaf.is_not(None), outbox.c.body.contains('"point":null'))
        .order_by(outbox.c.leaf)
    )
    return [Leaf(leaf, kind, json.loads(body)) for leaf, kind, body in connection.execute(query)]
