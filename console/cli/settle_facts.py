"""Where the facts of `camsla settle` come from: the store, a roster file, or counts and rates on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from console import views
from console.app import database
from console.cli.frame import Session, existing
from console.quarters import rosters
from console.quarters.rule_events import monthly_events
from console.quarters.survey import surveyed, with_months
from monitor.finding import Finding, InputError
from monitor.model import Event
from monitor.period import months_of, parse_period
from monitor.roster.parse import read_points, roster_of
from monitor.scope import EVERYTHING
from monitor.sources.events import read_events
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, count_facts, parse_count, parse_rate

Rates = Mapping[str, OnlineRate | None]
ByMonth = Mapping[str, Mapping[str, OnlineRate]]
"""Given rates by phase and month."""


class Given(NamedTuple):
    """What the command line gives beside the store, as it was written."""

    points: Path | None = None
    counts: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    events: Path | None = None


class _Read(NamedTuple):
    sizes: Mapping[str, int]
    rates: Rates
    by_month: ByMonth

    @property
    def rated(self) -> set[str]:
        return {*self.rates, *self.by_month}

    @property
    def named(self) -> set[str]:
        return set(self.sizes) or self.rated


def settle_facts(
    session: Session, terms: Terms, quarter: str, given: Given
) -> tuple[dict[str, PhaseFacts], list[Finding]]:
    """Return the facts of the phases that settle, and what is doubtful about them.

    They are all of the store's, or those that counts and rates name; what is not given comes from the store.
    """
    if given.counts and given.points is not None:
        raise click.UsageError("--count 与 --points 只能取一 give one of them")
    quarter = parse_quarter(quarter).label
    read = _read(terms, quarter, given)
    more = _events(given.events)
    if read.sizes:
        _check_pairs(session, set(read.sizes), read.rated)
    if (read.sizes or given.points is not None) and read.rated and read.named <= read.rated:
        facts = _counted(read.sizes, read.rates) if read.sizes else _from_points(given.points, terms, read.rates)
        facts = _alone(terms, quarter, facts, read, more)
        doubts: list[Finding] = []
    else:
        facts, doubts = _with_store(session, terms, quarter, given, read, more)
    return {phase: fact for phase, fact in facts.items() if not read.named or phase in read.named}, doubts


def _with_store(
    session: Session, terms: Terms, quarter: str, given: Given, read: _Read, more: Sequence[Event]
) -> tuple[dict[str, PhaseFacts], list[Finding]]:
    period = parse_period(quarter)
    with database.reader(session.settings) as connection:
        measured = views.phase_rates(connection, EVERYTHING, terms, period)
        doubts = views.settling_doubts(connection, EVERYTHING, terms, period, measured)
        rates = {**views.online_rates(measured), **read.rates}
        rates |= {phase: read.rates.get(phase) for phase in read.by_month}
        if read.sizes:
            facts = _alone(terms, quarter, _counted(read.sizes, rates), read, more)
        else:
            facts = (
                rosters.store_facts(connection, EVERYTHING, terms, period, measured)
                if given.points is None
                else _from_points(given.points, terms, rates)
            )
            facts = with_months(facts, surveyed(connection, EVERYTHING, terms, period, more=more), terms, period)
            facts = {phase: _rated(fact, phase, rates, read) for phase, fact in facts.items()}
    named = read.named
    doubts = [d for d in doubts if d.column not in read.rated and (not named or d.column in {*named, "ledger"})]
    return facts, [doubt for doubt in doubts if doubt.column != "ledger"] if read.sizes else doubts


def _rated(fact: PhaseFacts, phase: str, rates: Rates, read: _Read) -> PhaseFacts:
    """Put the given rates in the place of the measured ones."""
    own = fact.rate
    given = read.by_month.get(phase, {})
    months = tuple(replace(month, rate=given.get(month.month, month.rate)) for month in fact.months)
    known = {month.month for month in months}
    months += tuple(MonthFacts(label, rate) for label, rate in given.items() if label not in known)
    months = tuple(sorted(months, key=lambda month: month.month))
    return replace(fact, rate=rates.get(phase, fact.rate), own_rate=own, months=months)


def _alone(
    terms: Terms, quarter: str, facts: Mapping[str, PhaseFacts], read: _Read, more: Sequence[Event]
) -> dict[str, PhaseFacts]:
    """Facts without a store: months hold given rates and the file's events, and know no single points."""
    period = parse_period(quarter)
    events = monthly_events(terms, period, more)
    result: dict[str, PhaseFacts] = {}
    for phase, fact in facts.items():
        rates, found = read.by_month.get(phase, {}), events.get(phase, {})
        months = [
            MonthFacts(month.label, rates.get(month.label), events=tuple(found.get(month.label, ())))
            for month in months_of(period)
        ]
        result[phase] = replace(fact, months=tuple(months)) if rates or found else fact
    return result


def _read(terms: Terms, quarter: str, given: Given) -> _Read:
    findings: list[Finding] = []
    sizes: dict[str, int] = {}
    rates: dict[str, OnlineRate | None] = {}
    by_month: dict[str, dict[str, OnlineRate]] = {}
    for phase, text in _pairs("--count", given.counts, terms, (), findings).items():
        try:
            sizes[phase] = parse_count(text)
        except InputError as error:
            findings += [replace(finding, column=f"--count {phase}") for finding in error.findings]
    months = [month.label for month in months_of(parse_period(quarter))]
    for name, text in _pairs("--rate", given.rates, terms, months, findings).items():
        try:
            rate = parse_rate(text)
        except InputError as error:
            findings += [replace(finding, column=f"--rate {name}") for finding in error.findings]
            continue
        phase, _, month = name.partition("/")
        if month:
            by_month.setdefault(phase, {})[month] = rate
        else:
            rates[phase] = rate
    if findings:
        raise InputError(findings)
    return _Read(sizes, rates, by_month)


def _pairs(
    option: str, texts: tuple[str, ...], terms: Terms, months: Sequence[str], findings: list[Finding]
) -> dict[str, str]:
    """Read PHASE=VALUE, and PHASE/MONTH=VALUE where months are named."""
    pairs: dict[str, str] = {}
    phases = ", ".join(phase.id for phase in terms.phases)
    for text in texts:
        name, sign, value = text.partition("=")
        phase, slash, month = name.partition("/")
        if not sign or not phase or not value or (slash and not months):
            findings.append(Finding("", 0, option, f"写法有误 malformed: {text[:60]!r}", "写成 PHASE=VALUE"))
        elif name in pairs:
            findings.append(Finding("", 0, option, f"期次重复 given twice: {name}", "只给一次 give it once"))
        elif terms.phase(phase) is None:
            findings.append(
                Finding("", 0, option, f"未知的期次 unknown phase: {phase}", f"合同的期次 phases: {phases}")
            )
        elif slash and month not in months:
            message = f"月份不在该季度 not a month of the quarter: {month[:20]}"
            findings.append(Finding("", 0, option, message, ", ".join(months)))
        else:
            pairs[name] = value
    return pairs


def _events(path: Path | None) -> Sequence[Event]:
    if path is None:
        return ()
    existing(path, "events")
    return read_events(path).events


def _counted(sizes: Mapping[str, int], rates: Rates) -> dict[str, PhaseFacts]:
    return {phase: count_facts(count, rates.get(phase)) for phase, count in sizes.items()}


def _check_pairs(session: Session, counted: set[str], rated: set[str]) -> None:
    """Refuse a rate without its count, and a count without its rate where there is no database to take it from."""
    findings = [
        Finding("", 0, f"--rate {phase}", "有在线率而无点数 a rate without its --count", f"--count {phase}=N")
        for phase in sorted(rated - counted)
    ]
    if not database.database_exists(session.settings):
        findings += [
            Finding(
                "",
                0,
                f"--count {phase}",
                "有点数而无在线率，也没有数据库 a count without its --rate, and there is no database to take it from",
                f"--rate {phase}=0.9",
            )
            for phase in sorted(counted - rated)
        ]
    if findings:
        raise InputError(findings)


def _from_points(path: Path | None, terms: Terms, rates: Rates) -> dict[str, PhaseFacts]:
    assert path is not None  # noqa: S101  # a roster file was given
    existing(path, "points")
    everybody = roster_of(read_points(path).checked())
    points = [point for point in everybody if point.contract in ("", terms.contract)]
    strangers = sorted({point.phase for point in points if terms.phase(point.phase) is None})
    phases = ", ".join(phase.id for phase in terms.phases)
    if strangers or not points:
        raise InputError(
            [
                Finding(
                    str(path),
                    0,
                    "phase",
                    f"未知的期次 unknown phase: {name or '（空 empty）'}",
                    f"合同的期次 phases: {phases}",
                )
                for name in strangers
            ]
            or [
                Finding(
                    str(path),
                    0,
                    "",
                    "名册中没有本合同的点位 no point of this contract",
                    "检查合同编号列 check the contract column",
                )
            ]
        )
    return rosters.roster_by_phase(points, terms, rates)
