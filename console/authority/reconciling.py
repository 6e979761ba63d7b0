"""A quarter reconciled from the store: the authority's standing figures beside our own measurement of the same quarter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from sqlalchemy import Connection

from monitor.finding import Finding
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.points import RosterPoint
from monitor.rates import rate_of, service_of
from monitor.scope import EVERYTHING
from monitor.store import roster
from settlement.authority import months_in, periods_in
from settlement.chosen import applied
from settlement.comparing import OwnPhase
from settlement.contract import Terms
from settlement.daycount import Quarter, add_months
from settlement.doubts import Measured
from settlement.facts import DAY_S, Share
from settlement.matching import LedgerPoint
from settlement.payable import payable_at
from settlement.reconcile import FileNote, Reconciliation, reconcile
from settlement.rules import PhaseFacts, measured_rate
from settlement.store.authority import StoredFile, pending_files, standing_figures


def reconcile_quarter(
    connection: Connection,
    terms: Terms,
    quarter: Quarter,
    facts: Mapping[str, PhaseFacts],
    measured: Sequence[Measured],
    today: date,
    known_at: Instant | None = None,
    *,
    pending: bool = False,
    worth: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Reconciliation:
    """Reconcile a quarter as known now or at an instant.

    `facts` are what the fee is charged on, `measured` our own measurement (its windows of the quarter are used), `today`
    decides whether a figure is still waited for. Files that nobody has checked count only if `pending` says so. `worth`
    and `progress` are those of `settlement.reconcile.reconcile`.
    """
    stood = standing_figures(connection, terms.contract, periods_in(quarter), known_at, pending=pending)
    ledger = ledger_points(connection, terms, quarter, known_at) if stood.figures else []
    own = {item.phase: _own(terms, item) for item in measured if item.grain == "quarter"}
    payable = payable_at(terms, quarter, facts)
    files = [note_of(file) for file in stood.files]
    found = reconcile(terms, quarter, stood.figures, ledger, own, payable, today, files, worth=worth, progress=progress)
    beside: list[Finding] = []
    if known_at is None and not pending:
        beside = _unchecked(connection, terms, quarter)
    if stood.left:
        text = f"有 {stood.left:,} 个较早文件的数未被替代，仍在用 figures of earlier files that the latest left alone still stand"
        remedy = "整份更正的文件用 --replace 导入 a file that corrects all is imported with --replace"
        beside.append(Finding("", 0, "authority", text, remedy, "warning"))
    return replace(found, findings=(*found.findings, *beside))


def settled_facts(
    facts: Mapping[str, PhaseFacts], found: Reconciliation, quarter: Quarter
) -> tuple[dict[str, PhaseFacts], frozenset[str]]:
    """Return the facts with the rates that pay, and the phases that our own measurement does not pay."""
    rows = {row.phase: row for row in found.phases}
    done: dict[str, PhaseFacts] = {}
    for phase, its in facts.items():
        row = rows.get(phase)
        if row is None:
            done[phase] = its
            continue
        done[phase] = applied(its, row.chosen, row.theirs, row.reference, months_in(quarter))
    others = frozenset(
        phase for phase, row in rows.items() if row.chosen.source not in {"own", "provisional-own", "none"}
    )
    return done, others


def _own(terms: Terms, item: Measured) -> OwnPhase:
    whole = rate_of(item.seconds, terms.policy)
    points = {}
    for code, seconds in item.points.items():
        rate = rate_of(seconds, terms.policy)
        points[code] = Share(rate.good, rate.counted)
    return OwnPhase(measured_rate(whole.good, whole.counted), points)


def note_of(file: StoredFile) -> FileNote:
    """Return a stored file as a reconciliation names it."""
    return FileNote(
        file.sha256,
        file.name,
        file.reference,
        file.received_on,
        file.typed,
        file.actor,
        file.checked_by,
        file.scan_sha or "",
        file.notes,
    )


def _unchecked(connection: Connection, terms: Terms, quarter: Quarter) -> list[Finding]:
    return [
        Finding(
            "",
            0,
            "authority",
            f"{file.name}（{file.sha256[:12]}，{file.actor} 录入）未经另一人核对，未计入 not checked by another person, not counted",
            f"camsla authority check {file.sha256[:12]} --actor …",
            "warning",
        )
        for file in pending_files(connection, terms.contract, periods_in(quarter))
    ]


def ledger_points(
    connection: Connection, terms: Terms, quarter: Quarter, known_at: Instant | None = None
) -> list[LedgerPoint]:
    """Return every point of the ledger as the quarter has it, with all the codes that it ever had until then."""
    edges = [midnight(add_months(quarter.start, n), terms.zone) for n in range(4)]
    end = Instant(edges[-1] * MICROSECONDS)
    stretches: dict[str, list[RosterPoint]] = defaultdict(list)
    for point in roster.roster(connection, EVERYTHING, Instant(0), end, known_at, terms.zone):
        stretches[point.code].append(point)
    phases = {phase.id for phase in terms.phases}
    return [_ledger_point(terms, phases, code, its, edges) for code, its in sorted(stretches.items())]


def _ledger_point(
    terms: Terms, phases: set[str], code: str, its: Sequence[RosterPoint], edges: Sequence[int]
) -> LedgerPoint:
    last = max(its, key=lambda point: point.start)
    device = last.gb_code
    codes = [text for point in its for text in (point.gb_code, point.former_gb_code)]
    former = tuple(sorted({text for text in codes if text and text != device}))
    ours = last.phase in phases and last.contract in ("", terms.contract)
    days = tuple(
        -(-sum(_served(terms, point, a, b) for point in its if _alike(point, last)) // DAY_S)
        for a, b in pairwise(edges)
    )
    return LedgerPoint(code, last.phase, device, former, days, ours, last.contract)


def _alike(point: RosterPoint, last: RosterPoint) -> bool:
    return (point.phase, point.contract) == (last.phase, last.contract)


def _served(terms: Terms, point: RosterPoint, start: int, end: int) -> int:
    """The seconds of [start, end) in which a stretch of facts held and the point was in service."""
    service = service_of(point.accepted_on, point.retired_on, terms.zone)
    first = max(start, point.start // MICROSECONDS, service.start if service.start is not None else start)
    until = min(
        end,
        end if point.end is None else point.end // MICROSECONDS,
        end if service.end is None else service.end,
    )
    return max(0, until - first)
