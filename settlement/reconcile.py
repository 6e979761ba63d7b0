"""Own measurement beside the authority's figures, phase by phase and point by point; which of them pays.

Nothing that the authority's files say is an error here: what does not fit is an item, with both sides' denominators.
Only what stops a quarter from being settled (a figure that the contract waits for) is a finding of level "error".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor.finding import Finding
from monitor.rates import six
from settlement.authority import Figure, periods_in
from settlement.authority_rates import (
    AuthorityRate,
    disagreement,
    missing_months,
    phase_figures,
    presence_of,
    rate_from_phase,
    rate_from_points,
)
from settlement.chosen import Chosen, figure_for
from settlement.clauses import AuthorityClause
from settlement.comparing import OwnPhase, Payable, PointComparison, compare_points, steps
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.matching import Item, LedgerPoint, Matched, match, missing_items
from settlement.money import grouped
from settlement.readings import percent
from settlement.rules import OnlineRate


class FileNote(NamedTuple):
    """One of the authority's files as it entered. `reference` is its 文号; `notes` are (line, text) of what was odd in it."""

    sha256: str
    name: str
    reference: str
    received_on: str
    typed: bool
    actor: str
    checked_by: str
    scan_sha: str = ""
    notes: tuple[tuple[int, str], ...] = ()


class PhaseReconciliation(NamedTuple):
    """A phase: both rates, both numbers of points, the difference (theirs − ours) in rate and in fen, and what pays."""

    phase: str
    own: OnlineRate | None
    own_points: int
    theirs: AuthorityRate | None
    difference: Fraction | None
    within: bool | None
    own_payable_fen: int | None
    their_payable_fen: int | None
    chosen: Chosen
    reference: str = ""
    """What the authority's figure stands on: its document numbers, or its files' names."""

    @property
    def difference_fen(self) -> int | None:
        """What the authority's figure pays more (or, negative, less) than ours."""
        if self.own_payable_fen is None or self.their_payable_fen is None:
            return None
        return self.their_payable_fen - self.own_payable_fen


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A quarter reconciled. `findings` of level "error" stop the close; `files` are those whose figures were looked at."""

    contract: str
    quarter: str
    clause: AuthorityClause
    phases: tuple[PhaseReconciliation, ...]
    points: tuple[PointComparison, ...]
    items: tuple[Item, ...]
    files: tuple[FileNote, ...]
    findings: tuple[Finding, ...]

    def figure_for(self, phase: str) -> Chosen | None:
        """Return what pays a phase; None if the phase is not in service in the quarter."""
        return next((row.chosen for row in self.phases if row.phase == phase), None)


def reconcile(
    terms: Terms,
    quarter: Quarter,
    figures: Sequence[Figure],
    ledger: Sequence[LedgerPoint],
    own: Mapping[str, OwnPhase],
    payable: Payable,
    today: date,
    files: Sequence[FileNote] = (),
    *,
    worth: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Reconciliation:
    """Reconcile a quarter. `figures` are the standing, checked ones; their `file` names one of `files`.

    `worth` asks what each single point's figure would change in fen, which takes a moment for many points; `progress`
    is told how many of how many are done.

    `ledger` is every point that our ledger knows, of this contract or not, so that a stranger can be told from a point
    of another contract. The order of figures, points and files changes nothing.
    """
    phases = [p for p in terms.phases if p.in_service_from < quarter.end and quarter.start < p.in_service_until]
    ids = [phase.id for phase in phases]
    wanted = periods_in(quarter)
    known = sorted(figure for figure in figures if figure.period in wanted)
    seconds = {code: share for phase in own.values() for code, share in phase.points.items()}
    of_points = [figure for figure in known if figure.of_point]
    matched = match(of_points, ledger, frozenset(ids), seconds.get)
    of_phases = phase_figures(known, ids)
    items = [*of_phases.items, *matched.items]
    items += [
        Item("note", "", "", "", "", None, None, text, file.sha256, line) for file in files for line, text in file.notes
    ]
    references = {file.sha256: file.reference or file.name for file in files}
    rows: list[PhaseReconciliation] = []
    points: list[PointComparison] = []
    findings: list[Finding] = []
    step = steps(len(matched.figures), progress)
    for phase in phases:
        mine = own.get(phase.id)
        ours = [point for point in ledger if point.phase == phase.id and point.assessed]
        sides = _Sides(terms.authority, quarter, phase.id, of_phases.by_phase.get(phase.id, {}), of_points, ours)
        theirs, doubts = _theirs(sides, matched)
        reference = "、".join(dict.fromkeys(references.get(file, file[:12]) for file in theirs.files)) if theirs else ""
        rate = mine.rate if mine else None
        chosen = figure_for(terms.authority, quarter, phase.id, rate, theirs, reference, today)
        row = _row(sides, rate, theirs, chosen, payable, len(ours) or (len(mine.points) if mine else 0))._replace(
            reference=reference
        )
        rows.append(row)
        findings += [*doubts, *([chosen.finding] if chosen.finding else []), *_unexplained(row, terms.authority)]
        unlike = disagreement(
            quarter, phase.id, sides.phase_figures, terms.authority.months, presence_of(quarter, phase.id, ours)
        )
        items += [unlike] if unlike else []
        compared, lacking = compare_points(
            quarter, ours, matched, mine, terms.authority, payable if worth else None, step
        )
        points += compared
        items += lacking
        if any(point.code in matched.figures for point in ours):
            items += missing_items(quarter, ours, matched.figures, seconds.get)
    return Reconciliation(
        terms.contract,
        quarter.label,
        terms.authority,
        tuple(rows),
        tuple(points),
        tuple(sorted(items, key=lambda item: (item.phase, item.kind, item.point, item.theirs, item.period, item.line))),
        tuple(files),
        tuple(findings),
    )


class _Sides(NamedTuple):
    """What is known of one phase on both sides."""

    clause: AuthorityClause
    quarter: Quarter
    phase: str
    phase_figures: Mapping[str, Figure]
    point_figures: Sequence[Figure]
    ours: Sequence[LedgerPoint]


def _theirs(sides: _Sides, matched: Matched) -> tuple[AuthorityRate | None, list[Finding]]:
    """Make the authority's rate of what the contract says it gives, else of the other, with a warning."""
    clause, quarter, phase = sides.clause, sides.quarter, sides.phase
    presence = presence_of(quarter, phase, sides.ours)
    whole = rate_from_phase(quarter, sides.phase_figures, clause.months, presence)
    single = rate_from_points(quarter, phase, matched, sides.point_figures, sides.ours, clause.months)
    first, other = (whole, single) if clause.level == "phase" else (single, whole)
    if first is not None:
        return first, []
    findings: list[Finding] = []
    if other is not None:
        said = "点位 points" if clause.level == "phase" else "期次 phases"
        text = f"公安只给出{said}的在线率，据此计 the authority gave figures of {other.level}s only; they are used"
        findings.append(Finding("", 0, phase, text, "核对合同 check authority.level", "warning"))
    lacking = missing_months(quarter, sides.phase_figures, presence)
    if other is None and sides.phase_figures and lacking:
        text = f"公安数据缺月份 months are missing: {'、'.join(lacking)}"
        findings.append(Finding("", 0, phase, text, "导入这些月份 import them", "warning"))
    return other, findings


def _row(
    sides: _Sides,
    own: OnlineRate | None,
    theirs: AuthorityRate | None,
    chosen: Chosen,
    payable: Payable,
    points: int,
) -> PhaseReconciliation:
    difference = theirs.value - own.value if theirs is not None and own is not None else None
    return PhaseReconciliation(
        sides.phase,
        own,
        points,
        theirs,
        difference,
        None if difference is None else abs(difference) <= sides.clause.tolerance,
        None if own is None else payable(sides.phase, own.value),
        None if theirs is None else payable(sides.phase, theirs.value),
        chosen,
    )


def _unexplained(row: PhaseReconciliation, clause: AuthorityClause) -> list[Finding]:
    if row.within is not False or row.difference is None:
        return []
    money = "" if row.difference_fen is None else f"，应付相差 payable differs by {grouped(row.difference_fen)} 元"
    text = (
        f"公安与系统监测相差 the rates differ by {points_text(row.difference)} 个百分点 percentage points"
        f"（允许 allowed {percent(clause.tolerance)}）{money}"
    )
    return [Finding("", 0, row.phase, text, "说明原因 explain it", "warning")]


def points_text(difference: Fraction) -> str:
    """Write a difference of rates in percentage points, signed, with two decimals, up to six where it needs them."""
    whole, _, rest = str(six(abs(difference) * 100)).partition(".")
    sign = "−" if difference < 0 else "+" if difference else ""
    return f"{sign}{whole}.{rest.rstrip('0'):0<2}"
