"""What a contract's wording leaves open: the linter's findings and the ambiguity report, computed once per version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import Connection, func, select

from console.settling.jobs import Remarked, Told, lint_stored, readings_of
from console.settling.remembered import Remembered
from console.web.visit import Visit
from monitor.model import MICROSECONDS
from monitor.period import midnight
from monitor.store.tables import point_facts
from settlement.ambiguity import Ambiguity
from settlement.contract import Terms
from settlement.daycount import Quarter, add_months
from settlement.past import without_points
from settlement.readings import STEP
from settlement.rules import OnlineRate

ASSUMED_POINTS = 1_000
MOST_STUDIES = 60
MOST_RATES = 8
_KNOWN: Remembered[Study] = Remembered(MOST_STUDIES)


@dataclass(frozen=True, slots=True)
class Study:
    """A contract looked at before it is signed. `rates` belong to `reports`, one by one; `sizes` are the points assumed."""

    quarter: str
    sizes: dict[str, int]
    rates: tuple[OnlineRate, ...]
    reports: tuple[Ambiguity, ...]
    left_out: tuple[str, ...]
    remarks: tuple[Remarked, ...]

    @property
    def cliffs(self) -> list[Remarked]:
        """The remarks about jumps of what is payable."""
        return [remark for remark in self.remarks if remark.code == "cliff"]

    @property
    def others(self) -> list[Remarked]:
        """All other remarks."""
        return [remark for remark in self.remarks if remark.code != "cliff"]


def sizes_of(terms: Terms, ledger: Mapping[str, int]) -> dict[str, int]:
    """Return each phase's points as the contract prints them, else as many as the ledger has, else 1,000."""
    return {
        phase.id: phase.contracted.points if phase.contracted else ledger.get(phase.id) or ASSUMED_POINTS
        for phase in terms.phases
    }


def ledger_sizes(connection: Connection, terms: Terms, today: date) -> dict[str, int]:
    """Return how many points of each phase name the contract now."""
    at = midnight(today, terms.zone) * MICROSECONDS
    facts = point_facts.c
    query = (
        select(facts.phase, func.count(func.distinct(facts.point_id)))
        .where(
            facts.contract == terms.contract, facts.valid_from <= at, (facts.valid_to.is_(None)) | (facts.valid_to > at)
        )
        .group_by(facts.phase)
    )
    return {phase: int(count) for phase, count in connection.execute(query)}


def first_whole_quarter(terms: Terms) -> Quarter:
    """Return the first quarter in which the most phases are in service from its first to its last day."""
    starts = []
    for phase in terms.phases:
        day = phase.in_service_from
        quarter = Quarter(day.year, (day.month + 2) // 3)
        starts.append(quarter if quarter.start >= day else quarter.following())
    starts = sorted(set(starts))

    def served(quarter: Quarter) -> int:
        return sum(
            phase.in_service_from <= quarter.start and quarter.end <= add_months(phase.in_service_from, phase.months)
            for phase in terms.phases
        )

    return max(starts, key=lambda quarter: (served(quarter), -starts.index(quarter)))


def usual_rates(terms: Terms) -> list[OnlineRate]:
    """Return rates at which readings are worth comparing: all online, the target, just below, five and ten points below."""
    below = [terms.target - share for share in (STEP, 5 * 100 * STEP, 10 * 100 * STEP)]
    values = [Fraction(1), terms.target, *(value for value in below if value > 0)]
    return [OnlineRate(value.numerator, value.denominator, "given") for value in dict.fromkeys(values)]


async def study_of(
    visit: Visit, terms: Terms, sha: str, rates: list[OnlineRate] | None = None, quarter: str = ""
) -> Study:
    """Return the study of a version, computed in a worker process where it is not known yet. InputError as from settling."""
    tried = (rates or usual_rates(terms))[:MOST_RATES]
    when = quarter or first_whole_quarter(terms).label
    sizes = sizes_of(terms, await visit.read(ledger_sizes, terms, visit.today))
    key = f"{sha} {when} {sorted(sizes.items())} {[(rate.good, rate.counted) for rate in tried]}"
    known = _KNOWN.get(key)
    if known is not None:
        return known
    told: Told[list[Ambiguity]] = await visit.compute(readings_of, terms, when, sizes, tried)
    reports = told.required()
    remarks = await visit.compute(lint_stored, terms)
    study = Study(when, sizes, tuple(tried), tuple(reports), without_points(terms)[1], tuple(remarks))
    _KNOWN.put(key, study)
    return study
