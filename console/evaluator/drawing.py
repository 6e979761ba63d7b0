"""Samples as the console draws and shows them: by whoever evaluates, with a seed of their own, each recorded for good."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from console.evaluator import sampling
from console.evaluator.sampling import MAX_POINTS, Stratum
from console.money.payables import contracts_seen
from console.periods import period_of
from console.web.access import Person
from monitor.finding import refuse
from monitor.model import Instant
from monitor.period import day_of
from monitor.store import evaluations
from monitor.store.evaluations import SAMPLE, Evaluation
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.reports import site_check
from settlement.store import contracts

MAX_SEED = 100


class Asked(NamedTuple):
    """A sample that somebody wants: so many points of a contract's period, by a seed, in strata or none ("")."""

    contract: str
    period: str
    seed: str
    n: int
    stratify: Stratum


class SampleRow(NamedTuple):
    """A recorded sample; its id is CONTRACT/PERIOD/N/STRATA/SEED."""

    id: str
    version: int
    contract: str
    period: str
    seed: str
    n: int
    points: int
    stratify: str
    at: Instant
    actor: str
    sha256: str


def samples(connection: Connection, person: Person) -> list[SampleRow]:
    """Return the samples of contracts and periods that a person sees whole, the newest first."""
    if person.scope.areas is not None or person.scope.supplier is not None:
        return []
    found = [_row(one) for one in evaluations.listed(connection, SAMPLE)]
    mine = [row for row in found if person.sees_contract(row.contract) and person.sees_period(row.period)]
    return sorted(mine, key=lambda row: (-row.at, row.id, -row.version))


def _row(one: Evaluation) -> SampleRow:
    said = one.document
    return SampleRow(
        one.id,
        one.version,
        said["contract"],
        said["period"],
        said["seed"],
        said["n"],
        len(said["points"]),
        said["stratify"],
        one.at,
        one.actor,
        one.sha256,
    )


def sample(connection: Connection, person: Person, sha256: str) -> tuple[SampleRow, dict[str, Any]] | None:
    """Return a sample by its digest with its document; None if there is none that the person sees."""
    if not any(row.sha256 == sha256 for row in samples(connection, person)):
        return None
    one = next(one for one in evaluations.listed(connection, SAMPLE) if one.sha256 == sha256)
    return _row(one), one.document


def terms_on(connection: Connection, contract: str, day: date) -> Terms:
    """Return the version in force on a day, or the newest approved. InputError if there is none."""
    found = contracts.in_force(connection, contract, day)
    approved = [version for version in contracts.versions(connection, contract) if version.approved_by]
    if found is None and not approved:
        raise refuse(
            f"没有这个合同，或尚未批准 no such contract, or none approved: {contract[:60]}",
            "从列表中选择 choose from the list",
            column="contract",
        )
    return (found or approved[-1]).terms


def draw(writer: Writer, asked: Asked, person: Person, *, at: Instant) -> tuple[SampleRow, bool]:
    """Draw a sample and record it; tell whether it is new. InputError for what cannot be drawn."""
    seed = asked.seed.strip()
    if not seed or len(seed) > MAX_SEED or not seed.isprintable():
        raise refuse("种子须为 1–100 个可见字符 1 to 100 printable characters", "换一个 choose another", column="seed")
    if not 1 <= asked.n <= MAX_POINTS:
        raise refuse(f"点位数须为 1–{MAX_POINTS} points", "改正数量 correct the number", column="n")
    span = period_of(asked.period)
    with writer.transaction() as connection:
        if asked.contract not in contracts_seen(connection, person) or not person.sees_period(span.label):
            raise refuse(
                "没有这个合同 there is no such contract", "从列表中选择 choose from the list", column="contract"
            )
        terms = terms_on(connection, asked.contract, span.first)
        document = sampling.draw(connection, terms, span, seed, asked.n, asked.stratify, at)
        name = "/".join((terms.contract, span.label, str(asked.n), asked.stratify or "-", seed))
        of: dict[str, int | str] = {
            "n": asked.n,
            "points": len(document["points"]),
            "seed": seed,
            "stratify": asked.stratify,
        }
        stored, added = evaluations.add(
            connection, writer.audit, SAMPLE, name, document, of=of, at=at, actor=person.name
        )
    return _row(stored), added


def sheet_pdf(document: dict[str, Any], sha256: str, at: int, zone: str) -> bytes:
    """Return the sheet to take along, as PDF."""
    day = day_of(at, zone)
    return site_check.to_sheet(document, (sha256, day), zone)


def sheet_csv(document: dict[str, Any], zone: str) -> bytes:
    """Return the sheet as a table."""
    return site_check.to_csv(document, zone)
