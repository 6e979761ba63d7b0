"""A statement's frozen inputs: everything that it is made from, as JSON data from which anybody recomputes it.

Nothing in here is rounded; a rate is its two counts, a day its ordinal, money fen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.finding import Finding, refuse
from monitor.rates import Seconds
from settlement.contract import Reading, Terms
from settlement.document import digest, statement_document
from settlement.facts import EventFact, OutageFact
from settlement.lines import Adjustment, Before, Issued, Statement
from settlement.money import Amount, Columns
from settlement.rules import DaySpans, MonthFacts, OnlineRate, PhaseFacts, PointFact, PointMonth
from settlement.statement import settle

FORMAT = "camsla-inputs/1"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a statement is made from. `facts` are by phase; `before` is what earlier statements left to it.

    `evidence` is JSON data that the result does not depend on but that the digest covers: exclusions and their
    documents, the authority's file, what the record was when it was read. `notes` are printed on the statement
    (an override and its reason).
    """

    terms: Terms
    contract_version: int
    quarter: str
    facts: Mapping[str, PhaseFacts]
    revision: int = 0
    reading: Reading | None = None
    """None: the contract's own."""
    before: Before = field(default_factory=Before)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    software: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return JSON data that reads back as equal inputs."""
        return {
            "format": FORMAT,
            "terms": self.terms.document(),
            "contract_version": self.contract_version,
            "quarter": self.quarter,
            "revision": self.revision,
            "reading": (self.reading or self.terms.reading).value,
            "facts": {phase: _facts(facts) for phase, facts in sorted(self.facts.items())},
            "before": _before(self.before),
            "evidence": dict(self.evidence),
            "notes": list(self.notes),
            "software": self.software,
        }

    def digest(self) -> str:
        """The SHA-256 of the canonical document, in hex."""
        return digest(self.to_document())


def from_document(document: Mapping[str, Any]) -> Inputs:
    """Read frozen inputs. InputError for another format; damaged data is a bug or a forgery and raises as it comes."""
    if document.get("format") != FORMAT:
        raise refuse(f"不是冻结的输入 not frozen inputs: {document.get('format')!r}", FORMAT, column="format")
    return Inputs(
        terms=Terms.model_validate(document["terms"]),
        contract_version=document["contract_version"],
        quarter=document["quarter"],
        revision=document["revision"],
        reading=Reading(document["reading"]),
        facts={phase: _read_facts(facts) for phase, facts in document["facts"].items()},
        before=_read_before(document["before"]),
        evidence=document["evidence"],
        notes=tuple(document["notes"]),
        software=document["software"],
    )


def settle_inputs(inputs: Inputs) -> tuple[Statement, dict[str, Any], list[Finding]]:
    """Settle from frozen inputs: the statement, its document with the inputs' digest, and the findings of `settle`.

    The same inputs give the same bytes. InputError as from `settle`.
    """
    statement, findings = settle(inputs.terms, inputs.quarter, inputs.facts, inputs.reading, inputs.before)
    document = statement_document(
        statement,
        inputs.terms,
        contract_version=inputs.contract_version,
        revision=inputs.revision,
        software=inputs.software,
        findings=findings,
        notes=inputs.notes,
    )
    document["inputs_sha256"] = inputs.digest()
    return statement, document, findings


Json = dict[str, Any]


def _rate(rate: OnlineRate | None) -> list[Any] | None:
    return None if rate is None else [rate.good, rate.counted, rate.source, rate.reference]


def _read_rate(row: Sequence[Any] | None) -> OnlineRate | None:
    return None if row is None else OnlineRate(*row)


def _seconds(seconds: Seconds | None) -> list[int] | None:
    return None if seconds is None else list(seconds)


def _read_seconds(row: Sequence[int] | None) -> Seconds | None:
    return None if row is None else Seconds(*row)


def _pairs(rows: Sequence[Sequence[int]]) -> DaySpans:
    return tuple((a, b) for a, b in rows)


def _facts(facts: PhaseFacts) -> Json:
    lots = sorted({(point.billed, point.prices) for point in facts.roster})
    place = {lot: n for n, lot in enumerate(lots)}
    return {
        "groups": [[[list(span) for span in spans], n] for spans, n in facts.groups],
        "lots": [
            {"billed": [list(span) for span in billed], "prices": [list(price) for price in prices]}
            for billed, prices in lots
        ],
        "roster": [[p.code, place[p.billed, p.prices], p.category] for p in facts.roster],
        "rate": _rate(facts.rate),
        "own_rate": _rate(facts.own_rate),
        "authority_rate": _rate(facts.authority_rate),
        "seconds": _seconds(facts.seconds),
        "months": [_month(month) for month in facts.months],
        "earlier": [_month(month) for month in facts.earlier],
    }


def _read_facts(document: Json) -> PhaseFacts:
    lots = [(_pairs(lot["billed"]), _pairs(lot["prices"])) for lot in document["lots"]]
    roster = tuple(PointFact(code, lots[n][0], category, lots[n][1]) for code, n, category in document["roster"])
    return PhaseFacts(
        groups=tuple((_pairs(spans), n) for spans, n in document["groups"]),
        rate=_read_rate(document["rate"]),
        codes=tuple(point.code for point in roster),
        roster=roster,
        months=tuple(_read_month(month) for month in document["months"]),
        earlier=tuple(_read_month(month) for month in document["earlier"]),
        own_rate=_read_rate(document["own_rate"]),
        authority_rate=_read_rate(document["authority_rate"]),
        seconds=_read_seconds(document["seconds"]),
    )


def _month(month: MonthFacts) -> Json:
    return {
        "month": month.month,
        "rate": _rate(month.rate),
        "seconds": _seconds(month.seconds),
        "points": None
        if month.points is None
        else [[p.point, p.good, p.counted, [list(outage) for outage in p.outages]] for p in month.points],
        "events": [[*event[:-1], [list(pair) for pair in event.details]] for event in month.events],
    }


def _read_month(document: Json) -> MonthFacts:
    points = document["points"]
    return MonthFacts(
        month=document["month"],
        rate=_read_rate(document["rate"]),
        seconds=_read_seconds(document["seconds"]),
        points=None
        if points is None
        else tuple(
            PointMonth(code, good, counted, tuple(OutageFact(*outage) for outage in outages))
            for code, good, counted, outages in points
        ),
        events=tuple(_read_event(row) for row in document["events"]),
    )


def _read_event(row: Sequence[Any]) -> EventFact:
    key, kind, point, at, until, source, incident, details = row
    return EventFact(key, kind, point, at, until, source, incident, tuple((name, n) for name, n in details))


def _amount(amount: Amount) -> Json:
    return {"line": list(amount.line), "components": [[name, *part] for name, part in amount.components]}


def _read_amount(document: Json) -> Amount:
    return Amount(Columns(*document["line"]), tuple((name, Columns(*part)) for name, *part in document["components"]))


def _issued(amounts: Mapping[str, Issued]) -> Json:
    return {phase: {**_amount(issued.amount), "source": issued.source} for phase, issued in sorted(amounts.items())}


def _read_issued(document: Json) -> dict[str, Issued]:
    return {phase: Issued(_read_amount(row), row["source"]) for phase, row in document.items()}


def _before(before: Before) -> Json:
    return {
        "prepaid": _issued(before.prepaid),
        "retained": _issued(before.retained),
        "adjustments": [
            {"phase": a.phase, "kind": a.kind, **_amount(a.amount), "why": a.why, "parent": a.parent}
            for a in before.adjustments
        ],
        "prepay_alone": sorted(before.prepay_alone),
    }


def _read_before(document: Json) -> Before:
    return Before(
        _read_issued(document["prepaid"]),
        _read_issued(document["retained"]),
        tuple(
            Adjustment(row["phase"], row["kind"], _read_amount(row), row["why"], row["parent"])
            for row in document["adjustments"]
        ),
        frozenset(document["prepay_alone"]),
    )
