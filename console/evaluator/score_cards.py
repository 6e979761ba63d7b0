"""Scorecards filled in a process of their own: what the product measures, what a file of inputs gives, what is still missing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from config.rubrics import Read, findings, load_inputs, load_rubric, shipped, usable, with_inputs
from console import views
from console.evaluator import scoring
from console.evaluator.drawing import terms_on
from console.evaluator.running import so_far
from console.periods import period_of
from console.settling.phases import words_of
from monitor.finding import Finding, InputError
from monitor.model import Instant
from monitor.period import Period, day_of, months_of
from monitor.scope import EVERYTHING
from monitor.store.database import snapshot
from settlement.contract import Terms
from settlement.reports.score_sheet import sheet
from settlement.reports.typeset import to_pdf
from settlement.scorecard.blank import blank
from settlement.scorecard.card import Card, card_document, fill
from settlement.scorecard.input_lint import input_flaws
from settlement.scorecard.inputs import Measured, ScoreInputs
from settlement.scorecard.rubric import Rubric
from settlement.scorecard.rubric_lint import rubric_flaws

MAX_INPUTS_BYTES = 1_000_000
MOST_MONTHS = 12
_UNUSABLE = {"undefined-value", "unknown", "other-rubric", "no-source", "rest-not-needed"}
"""Flaws of the file of inputs that stop the scoring. What was measured and has no band is nobody's mistake in that file: the
indicator stays without a score, and the card says so."""


class Form(NamedTuple):
    """A rubric that ships; `inputs` tells whether a report's own figures ship with it."""

    rubric: Rubric
    inputs: bool
    remarks: tuple[Finding, ...]
    kinds: tuple[str, ...]


class Month(NamedTuple):
    """A phase's month: its rate, and whether it lies under the contract's target. `rate` None: nothing was counted.

    `until` is the last day that was measured of a month that still runs, "" for one that is over. Seconds are all points'.
    """

    month: str
    phase: str
    title: str
    until: str
    good: int
    counted: int
    unknown: int
    excluded: int
    rate: Fraction | None
    target: Fraction
    below: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled card as JSON data, what was measured for it, what could not be, what is doubtful, and the months."""

    card: dict[str, Any]
    measured: Mapping[str, Measured]
    missing: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    months: tuple[Month, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be filled: a rubric that ships, for a contract's period, with a file of inputs ("" for none)."""

    rubric: str
    contract: str
    period: str
    inputs: str
    at: Instant


def forms() -> list[Form]:
    """Return the rubrics that ship, by name, with what the linter says of each."""
    return [form(name) for name in shipped()]


@cache
def form(name: str) -> Form:
    """Return a rubric that ships. KeyError if there is none of that name."""
    if name not in shipped():
        raise KeyError(name)
    read = load_rubric(Path(name))
    flaws = rubric_flaws(read.value)
    told = tuple(_nameless(finding) for finding in findings(flaws, read, None))
    return Form(read.value, name in with_inputs(), told, tuple(flaw.kind for flaw in flaws))


def blank_inputs(name: str) -> bytes:
    """Return a file of inputs for a rubric that ships, to be filled in."""
    return blank(load_rubric(Path(name)).value).encode()


def filled(url: str, asked: Asked) -> Filled:
    """Measure and score. InputError with what is wrong. Runs in a worker process."""
    card, kept = _scored(url, asked)
    return Filled(card_document(card), *kept)


def workbook(url: str, asked: Asked) -> bytes:
    """Return the filled sheet as XLSX. InputError where it cannot be scored."""
    card, (_, missing, notices, _) = _scored(url, asked)
    return sheet(card, [f"{one.column} {one.message} → {one.remedy}" for one in (*missing, *notices)])


def paper(card: dict[str, Any], contract: str, made_on: date) -> bytes:
    """Return a filled card as PDF."""
    rows = []
    for group in card["groups"]:
        for n, row in enumerate(group["indicators"]):
            rows.append(
                [
                    group["title"] if n == 0 else "",
                    row["id"],
                    row["title"],
                    row["weight"] or "未印出",
                    row["score"] or "—",
                    lost(row) or "",
                    row["reason"] or row["arithmetic"],
                    "，".join(row["evidence"]),
                    row["source"] + ("（本系统自动取数）" if row["measured"] else ""),
                ]
            )
    data = {
        "title": "考核评分表",
        "number": f"{card['rubric']} {contract} {card['period']}",
        "name": card["title"],
        "rows": rows,
        "total": card["total"],
        "out_of": card["out_of"],
        "grade": card["grade"] or "未完成，缺项未计分 not complete",
    }
    return to_pdf("score_paper.typ", data, made_on)


def lost(row: Mapping[str, Any]) -> str:
    """Return an indicator's deduction in points, "" where weight or score is not known or nothing was lost."""
    if row["weight"] is None or row["score"] is None:
        return ""
    weight, score = Fraction(_plain(row["weight"])), Fraction(_plain(row["score"]))
    return f"{float(weight - score):g}" if score < weight else ""


def _plain(text: str) -> str:
    return text.replace(" ", "")


def _scored(url: str, asked: Asked) -> tuple[Card, tuple[Any, ...]]:
    read = load_rubric(Path(asked.rubric))
    usable(read)
    period = period_of(asked.period)
    given = _inputs(asked.inputs) if asked.inputs else None
    wanted = {row.auto for row in read.value.indicators if row.auto is not None}
    with snapshot(url) as connection:
        terms = terms_on(connection, asked.contract, period.first)
        measured, missing = scoring.measure(connection, terms, period, wanted, asked.at)
        months = _months(connection, terms, period, asked.at)
    inputs = ScoreInputs(rubric=read.value.rubric, period=period.label) if given is None else given.value
    card = fill(read.value, inputs, measured)
    flaws = input_flaws(card)
    own = {("values", row.indicator.id) for group in card.groups for row in group.rows if row.measured}
    wrong = [
        flaw for flaw in flaws if flaw.kind in _UNUSABLE and (flaw.kind != "undefined-value" or flaw.place not in own)
    ]
    if wrong:
        raise InputError(map(_nameless, findings(wrong, read, given)))
    doubtful = [flaw for flaw in flaws if flaw.level != "note" and flaw.kind != "missing"]
    notices = tuple(_nameless(finding) for finding in findings(doubtful, read, given))
    return card, (dict(measured), tuple(missing), notices, months)


def _months(connection: Connection, terms: Terms, period: Period, at: Instant) -> tuple[Month, ...]:
    found = []
    today = day_of(at, terms.zone)
    titles = words_of(terms)
    for whole in [month for month in months_of(period) if month.first <= today][:MOST_MONTHS]:
        month = so_far(whole, today)
        until = "" if month == whole else month.last.isoformat()
        for phase, rate in views.phase_rates(connection, EVERYTHING, terms, month).items():
            if not rate.counted and not rate.unknown and not rate.excluded:
                continue  # none of its points was in service
            below = rate.value is not None and rate.value < terms.target
            found.append(
                Month(
                    month.label,
                    phase,
                    titles.get(phase, phase),
                    until,
                    rate.good,
                    rate.counted,
                    rate.unknown,
                    rate.excluded,
                    rate.value,
                    terms.target,
                    below,
                )
            )
    return tuple(found)


def _inputs(text: str) -> Read[ScoreInputs]:
    with tempfile.TemporaryDirectory(prefix="camsla-score-") as folder:
        path = Path(folder) / "inputs.yaml"
        path.write_text(text, "utf-8")
        try:
            return load_inputs(path)
        except InputError as error:
            raise InputError(map(_nameless, error.findings)) from None


def _nameless(finding: Finding) -> Finding:
    """A finding without the folders of this machine."""
    return Finding("", finding.line, finding.column, finding.message, finding.remedy, finding.level)
