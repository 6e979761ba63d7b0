"""A statement's document as it is shown: parsed once per digest, whatever the number of its points and readers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from console.settling.heads import Head
from console.settling.remembered import Remembered
from monitor.rates import Seconds, rate_of
from settlement.contract import Terms
from settlement.money import fen
from settlement.reports import form
from settlement.reports.waterfall import Step, steps_of
from settlement.store.statements import document_lines
from settlement.store.tables import statements

MOST_VIEWS = 24
MOST_BYTES = 48_000_000
"""Of documents and inputs as text; what is made of them takes a few times as much."""
_VIEWS: Remembered[View]


class PointLine(NamedTuple):
    """A point's line of a statement; amounts in fen."""

    phase: str
    code: str
    full_fen: int
    payable_fen: int
    deduction_fen: int
    outages: int
    offline_s: int
    rules: str


class Line(NamedTuple):
    """A line of a statement; amounts in fen."""

    n: int
    phase: str
    window: str
    kind: str
    gross_fen: int
    net_fen: int
    tax_fen: int
    why: str
    parent: str
    components: tuple[tuple[str, int], ...] = ()


class RuleResult(NamedTuple):
    """What a rule came to in a window: fen, or points off the score where `unit` is "points" (`amount` says them)."""

    n: int
    phase: str
    rule: str
    kind: str
    title: str
    window: str
    unit: str
    amount: str
    fen: int | None
    formula: str
    items: int


class RuleItem(NamedTuple):
    """One thing that a rule punished: a point's outage, an event."""

    result: int
    phase: str
    rule: str
    window: str
    point: str
    incident: str
    amount: str
    why: str
    suppressed_by: str


@dataclass(frozen=True, slots=True)
class Rates:
    """A phase's rates: what was measured with its best and worst case, the authority's, and what pays, with the reason."""

    own: Fraction | None
    worst: Fraction | None
    best: Fraction | None
    theirs: Fraction | None
    reference: str
    used: Fraction | None
    source: str
    why: str
    within: bool | None
    own_counts: tuple[int, int] | None
    own_payable_fen: int | None
    their_payable_fen: int | None


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A settled phase: the document's own data, without its points and rules' items, and its rates."""

    phase: str
    title: str
    data: Mapping[str, Any]
    rates: Rates
    lines: tuple[Line, ...]
    full_fen: int
    deduction_fen: int
    payable_fen: int
    fault_fen: int
    other_fen: int
    points: int


@dataclass(frozen=True, slots=True)
class View:
    """A document and what of its inputs is shown: evidence, what was prepaid and kept back before, notes."""

    document: Mapping[str, Any]
    phases: tuple[PhaseView, ...]
    lines: tuple[Line, ...]
    points: tuple[PointLine, ...]
    rules: tuple[RuleResult, ...]
    items: tuple[RuleItem, ...]
    evidence: Mapping[str, Any]
    before: Mapping[str, Any]
    totals: Mapping[str, int]
    bars: tuple[Step, ...]

    def line(self, n: int) -> Line | None:
        """Return the line of a number."""
        return next((line for line in self.lines if line.n == n), None)

    def phase(self, name: str) -> PhaseView | None:
        """Return a settled phase."""
        return next((phase for phase in self.phases if phase.phase == name), None)

    def title(self, name: str) -> str:
        """Return what the contract calls a phase; its own name where it gives none, or is not settled here."""
        phase = self.phase(name)
        return name if phase is None else phase.title or name


_VIEWS = Remembered(MOST_VIEWS, MOST_BYTES)


def view_of(connection: Connection, head: Head, terms: Terms) -> View:
    """Return a statement's view, from memory where its digest is known."""

    def make() -> tuple[View, int]:
        body, inputs = connection.execute(
            select(statements.c.body, statements.c.inputs).where(statements.c.id == head.id)
        ).one()
        return view_from(json.loads(body), json.loads(inputs), terms), len(body) + len(inputs)

    return _VIEWS.get_or(f"{head.body_sha} {head.inputs_sha}", make)


def view_from(document: dict[str, Any], inputs: Mapping[str, Any], terms: Terms) -> View:
    """Make the view of a document and its frozen inputs; points and items leave the document."""
    lines = tuple(_line(row) for row in document_lines(document))
    evidence = inputs.get("evidence") or {}
    beside = {row["phase"]: row for row in (evidence.get("authority") or {}).get("phases", ())}
    parts = form.deductions(document)
    points: list[PointLine] = []
    rules: list[RuleResult] = []
    items: list[RuleItem] = []
    phases: list[PhaseView] = []
    for phase, (fault, other) in zip(document["phases"], parts, strict=True):
        name = phase["phase"]
        points += [_point(name, row) for row in phase["point_lines"]]
        for rule in phase["rules"]:
            n = len(rules)
            rules.append(_rule(n, name, rule))
            items += [_item(n, name, rule, item) for item in rule["items"]]
        slim = {key: value for key, value in phase.items() if key not in {"point_lines", "rules"}}
        phases.append(
            PhaseView(
                name,
                str(phase["title"] or name),
                slim,
                _rates(slim, beside.get(name), terms),
                tuple(line for line in lines if line.phase == name and line.kind not in {"adjustment", "interest"}),
                fen(phase["full_fee"]["gross"]),
                form.line_sum(phase, "deduction"),
                form.line_sum(phase, "payable"),
                fault,
                other,
                len(phase["point_lines"]),
            )
        )
    document["phases"] = [phase.data for phase in phases]
    return View(
        document,
        tuple(phases),
        lines,
        tuple(points),
        tuple(rules),
        tuple(items),
        evidence,
        inputs.get("before") or {},
        {name: fen(amount) for name, amount in document["totals"].items()},
        steps_of(document),
    )


def _line(row: Mapping[str, Any]) -> Line:
    parts = tuple((name, fen(part["gross"])) for name, part in (row.get("components") or {}).items())
    return Line(
        int(row["n"]),
        row["phase"],
        row.get("window") or "",
        row["kind"],
        fen(row["gross"]),
        fen(row["net"]),
        fen(row["tax"]),
        row["why"],
        row.get("parent") or "",
        parts,
    )


def _point(phase: str, row: Mapping[str, Any]) -> PointLine:
    return PointLine(
        phase,
        row["code"],
        fen(row["full"]),
        fen(row["payable"]),
        fen(row["deduction"]),
        form.outages_of(row),
        int(row["offline_s"]),
        "、".join(row["rules"]),
    )


def _rule(n: int, phase: str, rule: Mapping[str, Any]) -> RuleResult:
    amount = rule["amount"]
    return RuleResult(
        n,
        phase,
        rule["rule"],
        rule["kind"],
        rule["title"],
        rule["window"],
        rule["unit"],
        amount,
        fen(amount) if rule["unit"] == "fen" else None,
        rule["formula"].replace("= ≈", "≈"),
        len(rule["items"]),
    )


def _item(n: int, phase: str, rule: Mapping[str, Any], item: Mapping[str, Any]) -> RuleItem:
    return RuleItem(
        n,
        phase,
        rule["rule"],
        rule["window"],
        item["point"],
        item["incident"],
        item["amount"],
        item["why"],
        item["suppressed_by"],
    )


def _rates(phase: Mapping[str, Any], beside: Mapping[str, Any] | None, terms: Terms) -> Rates:
    own, theirs, used = (phase.get(name) for name in ("own_rate", "authority_rate", "rate"))
    seconds = phase.get("seconds")
    measured = rate_of(Seconds(**seconds), terms.policy) if seconds else None
    chosen = (beside or {}).get("chosen") or {}
    payable: Mapping[str, Any] = (beside or {}).get("payable") or {}
    their_rate = form.share_of(theirs)
    if their_rate is None and beside and beside.get("authority"):
        made = beside["authority"]
        their_rate = Fraction(int(made["num"]), int(made["den"]))
    return Rates(
        form.share_of(own),
        measured.worst if measured else None,
        measured.best if measured else None,
        their_rate,
        str((theirs or {}).get("reference") or ((beside or {}).get("authority") or {}).get("reference") or ""),
        form.share_of(used),
        str((used or {}).get("source") or ""),
        str(chosen.get("why") or ""),
        (beside or {}).get("within_tolerance"),
        (int(own["good"]), int(own["counted"])) if own and own.get("counted") else None,
        _fen(payable.get("own")),
        _fen(payable.get("authority")),
    )


def _fen(amount: str | None) -> int | None:
    return None if amount is None else fen(amount)


def items_of(view: View, *, result: int | None = None, point: str | None = None) -> Sequence[RuleItem]:
    """Return the items of a rule's result, or those that concern a point."""
    return [
        item
        for item in view.items
        if (result is None or item.result == result) and (point is None or item.point == point)
    ]
