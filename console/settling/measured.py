"""What our own measurement of a statement's quarter says of every point, as it was known when the statement was made.

A phase's rate is the sum of its points' seconds: here they are, and where they came from, down to each outage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection

from console import views
from console.authority import reconciled
from console.quarters import record
from console.quarters.progress import UNSEEN, Slate
from console.settling.heads import Head, terms_of_version
from console.web.visit import Visit
from monitor.rates import ZERO, Seconds, add, rate_of
from monitor.scope import EVERYTHING
from monitor.store.database import snapshot
from settlement.contract import Terms
from settlement.daycount import parse_quarter


class PointMeasured(NamedTuple):
    """A point's account of the quarter: its seconds, and of what was counted how much was good."""

    phase: str
    code: str
    seconds: Seconds
    good: int
    counted: int
    share: Fraction | None
    """Its part of all that its phase lost: counted less good seconds; None where nothing was lost."""

    @property
    def rate(self) -> Fraction | None:
        """Its own online rate; None where nothing was counted."""
        return Fraction(self.good, self.counted) if self.counted else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Every point of the quarter, by phase and code, and each phase's sum of them."""

    points: tuple[PointMeasured, ...]
    sums: Mapping[str, Seconds]


class PointAccount(NamedTuple):
    """One point's quarter: what was measured, and its confirmed outages with what of them lay in its service."""

    measured: PointMeasured
    outages: Sequence[views.OutageRow]


def _question(head: Head, terms: Terms) -> views.Question:
    period = record.period_of(parse_quarter(head.quarter))
    return views.Question(period, terms.zone, terms.policy, known_at=head.recorded_at)


def _point(phase: str, code: str, seconds: Seconds, lost: int, terms: Terms) -> PointMeasured:
    rate = rate_of(seconds, terms.policy)
    share = Fraction(rate.counted - rate.good, lost) if lost else None
    return PointMeasured(phase, code, seconds, rate.good, rate.counted, share)


def measure(url: str, head: Head, slate: Slate = UNSEEN) -> Measurement:
    """Read a statement's quarter as it was known when it was made. Runs in a process of its own and tells how far it is."""
    with snapshot(url) as connection:
        terms = terms_of_version(connection, head.contract, head.version)
        quarter = parse_quarter(head.quarter)
        _, measured = record.measured_facts(connection, terms, quarter, head.recorded_at, slate.stage("reading"))
    points: list[PointMeasured] = []
    for item in measured:
        whole = rate_of(item.seconds, terms.policy)
        lost = whole.counted - whole.good
        points += [_point(item.phase, code, its, lost, terms) for code, its in sorted(item.points.items())]
    return Measurement(tuple(points), {item.phase: item.seconds for item in measured})


async def measured_of(visit: Visit, head: Head, wait_s: float | None = None) -> Measurement:
    """Return a statement's measurement, read once for all who ask. UnderWayError if it takes longer than `wait_s`."""
    url, key = visit.site.settings.url, ("measured", head.inputs_sha, head.recorded_at)

    async def work(slate: Slate) -> Measurement:
        return await visit.compute(measure, url, head, slate)

    return await reconciled.soon(visit, key, lambda: reconciled.kept(visit).seen(key, work), wait_s)


def point_account(
    connection: Connection, head: Head, terms: Terms, code: str, lost: Mapping[str, int]
) -> list[PointAccount]:
    """Return one point's quarter, by the phases that it was in. `lost` is what each phase lost in all, in seconds."""
    question = _question(head, terms)
    accounts = views.of_contract(views.point_seconds(connection, EVERYTHING, question, {code}), terms)
    found = [row for row in views.outages(connection, EVERYTHING, question, {code}) if row.point == code]
    by_phase: dict[str, Seconds] = {}
    for its in accounts:
        if its.point == code:
            by_phase[its.phase] = add(by_phase.get(its.phase, ZERO), its.seconds)
    return [
        PointAccount(_point(phase, code, seconds, lost.get(phase, 0), terms), found)
        for phase, seconds in sorted(by_phase.items())
    ]
