"""A pack ordered from the console or over the API: whose contract, which points, and the audit row of who asked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from config.rubrics import shipped
from console.evaluator import drawing
from console.money.payables import contracts_seen
from console.packs.jobs import PackJob, PackJobs, Wanted
from console.packs.pack_shelf import whole_contract
from console.web.access import Person
from console.web.faults import MissingError
from console.web.visit import Site, Visit
from monitor.finding import refuse
from monitor.model import Instant
from monitor.period import parse_period
from monitor.store import evaluations, log
from monitor.store.writer import Writer
from settlement.store import contracts as stored_contracts
from settlement.store import statements

MOST_POINTS = 20_000
YEARS_SHOWN = 6


def jobs_of(site: Site) -> PackJobs:
    """Return the site's orders; the first who asks makes them."""
    found: PackJobs = site.more.setdefault(PackJobs, PackJobs(site.settings))
    return found


class PeriodChoice(NamedTuple):
    """A period that can be packed: its label, and the revision of its statement if it is a quarter that has one."""

    label: str
    kind: str
    statement: str
    issued: bool


class Choices(NamedTuple):
    """What the form of an order offers."""

    contracts: dict[str, str]
    periods: tuple[PeriodChoice, ...]
    samples: tuple[tuple[str, int], ...]
    sealed_until: str
    years: tuple[int, ...]


def choices(connection: Connection, visit: Visit, contract: str, year: int) -> Choices:
    """Return what can be ordered for a contract and year."""
    contracts = contracts_seen(connection, visit.person)
    days = log.days(connection)
    first = int(days[0].day[:4]) if days else visit.today.year
    years = tuple(range(max(first, visit.today.year - YEARS_SHOWN), visit.today.year + 1))
    known: dict[str, tuple[str, bool]] = {}
    if contract in contracts:
        issued = set(statements.issued_quarters(connection, contract))
        known = {
            brief.quarter: (f"r{brief.revision}", brief.quarter in issued)
            for brief in statements.listed(connection, contract)
        }
    labels = [(f"{year}Q{n}", "quarter") for n in (1, 2, 3, 4)] + [(f"{year}-{n:02d}", "month") for n in range(1, 13)]
    labels.append((f"{year}-01-01..{year}-12-31", "year"))
    begun = _begun(connection, contract) if contract in contracts else None
    labels = [(label, kind) for label, kind in labels if _worth_packing(label, begun, visit.today)]
    samples = [(row.id, row.points) for row in drawing.samples(connection, visit.person) if row.contract == contract]
    return Choices(
        contracts,
        tuple(_period(label, kind, known) for label, kind in labels if visit.person.sees_period(label)),
        tuple(dict(samples).items()) if contract in contracts else (),
        days[-1].day if days else "",
        years,
    )


def _begun(connection: Connection, contract: str) -> date | None:
    """Return the first day on which a contract is in force, None where no version is approved."""
    approved = [
        one.effective_from for one in stored_contracts.versions(connection, contract) if one.approved_at is not None
    ]
    return min(approved, default=None)


def _worth_packing(label: str, begun: date | None, today: date) -> bool:
    """Tell whether a period has begun, and the contract too: the quarter before has its first prepayment's statement."""
    period = parse_period(label)
    return period.first <= today and begun is not None and begun <= period.last + timedelta(days=1)


def _period(label: str, kind: str, known: dict[str, tuple[str, bool]]) -> PeriodChoice:
    revision, issued = known.get(label, ("", False))
    return PeriodChoice(label, kind, revision, issued)


def codes_of(text: str) -> tuple[str, ...]:
    """Read codes that somebody typed, in lines or with commas; sorted, each once. InputError for none or too many."""
    found = tuple(sorted({code for code in re.split(r"[\s,，、;；]+", text) if code}))
    if not found or len(found) > MOST_POINTS:
        raise refuse(f"须列出 1–{MOST_POINTS:,} 个点位 list points", "每行一个编号 one code a line", column="points")
    return found


def sampled(connection: Connection, person: Person, name: str, contract: str) -> tuple[str, ...]:
    """Return the points of a contract's sample. InputError if there is none of that name that the person sees."""
    known = any((row.id, row.contract) == (name, contract) for row in drawing.samples(connection, person))
    found = evaluations.newest(connection, evaluations.SAMPLE, name) if known else None
    if found is None:
        raise refuse("没有这次抽样 no such sample", "从列表中选择 choose from the list", column="sample")
    return tuple(sorted(point["code"] for point in found.document["points"]))


async def order(visit: Visit, wanted: Wanted) -> PackJob:
    """Order a pack. MissingError for a foreign contract; InputError for a period or rubric that is none, or a full queue."""
    visit.contract(wanted.contract)
    if not whole_contract(visit.person):
        raise refuse(
            "账号只看部分点位，而证据包含合同的全部点位 the account sees some of the points, a pack holds all of them",
            "请财务或评价方导出 ask finance or the evaluator for it",
        )
    if wanted.contract not in await visit.read(contracts_seen, visit.person):
        raise MissingError
    period = parse_period(wanted.period)
    if not visit.person.sees_period(period.label):
        raise MissingError
    if wanted.rubric and wanted.rubric not in shipped():
        raise refuse("没有这张评分表 no such rubric", "从列表中选择 choose from the list", column="rubric")
    job = jobs_of(visit.site).order(wanted, actor=visit.person.name, at=visit.at)
    await visit.write(_note, job, visit.at)
    return job


def _note(writer: Writer, job: PackJob, at: Instant) -> None:
    wanted = job.wanted
    after = {
        "contract": wanted.contract,
        "period": wanted.period,
        "points": None if wanted.points is None else len(wanted.points),
        "rubric": wanted.rubric,
        "attached": [one.title for one in wanted.attached],
    }
    with writer.transaction() as connection:
        writer.audit(
            connection, at=at, actor=job.asked_by, action="pack.order", object=job.id, before=None, after=after
        )
