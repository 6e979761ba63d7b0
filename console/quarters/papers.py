"""A stored statement's cover, and its files: what a paper shows beside the figures is read here, written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from monitor.model import Instant
from monitor.period import day_of
from settlement.disputes import DECISION_ZH
from settlement.inputs import Inputs
from settlement.ledger import TITLES, Posting
from settlement.life import STATE_ZH, Life, Step, Taken
from settlement.money import grouped
from settlement.quarter import frozen, life
from settlement.reports.cover import Attachment, Cover, Entry, Signature
from settlement.store import budgets, disputes, documents, journal, movements, statements
from settlement.store.disputes import Dispute
from settlement.store.statements import Stored

Moved = Callable[[int, int], None]
_LINKS: Mapping[str, tuple[str, str]] = {
    "check": ("复核", "checked by"),
    "review": ("分管复核", "reviewed by"),
    "approve": ("审批", "approved by"),
}
_SUPPLIER = ("供应商签章", "supplier's seal")


def cover_of(connection: Connection, stored: Stored) -> Cover:
    """Read what a statement's papers show beside its figures.

    What was paid so far is as it stood when the statement was issued; steps, documents and disputes are all that there
    are, so that a later paper says what has become of the statement.
    """
    inputs = frozen(stored)
    now = life(connection, stored)
    taken = statements.steps(connection, stored.id)
    issued_at = next((step.at for step in taken if step.step == Step.ISSUE), None)
    return Cover(
        inputs_sha=stored.inputs_sha,
        zone=inputs.terms.zone,
        made_on=day_of(stored.recorded_at, inputs.terms.zone),
        state=f"{STATE_ZH[now.state]} {now.state}",
        final=now.final,
        project=_project(connection, stored),
        signatures=_signatures(now, inputs),
        attachments=_attachments(connection, taken, inputs),
        remarks=tuple(_disputed(dispute) for dispute in disputes.of_statement(connection, stored.id)),
        entries=_entries(connection, stored),
        paid_fen=_paid(connection, stored.contract, issued_at),
        total_fen=inputs.terms.total_fen,
    )


def _signatures(now: Life, inputs: Inputs) -> tuple[Signature, ...]:
    """Return the boxes: the maker, who reconciled, each link of the contract's chain, the supplier, with who has taken the step."""
    zone = inputs.terms.zone

    def box(names: tuple[str, str], taken: Taken | None) -> Signature:
        return Signature(*names, taken.actor, day_of(taken.at, zone).isoformat()) if taken else Signature(*names)

    steps = [taken for _, taken in now.round]
    links = [taken for step, taken in now.round if step in {Step.LINK, Step.LAST}]
    chain = inputs.terms.approval.chain
    return (
        box(("经办", "prepared by"), steps[0] if steps else None),
        box(("核对", "reconciled by"), next((taken for taken in steps if taken.step == Step.RECONCILE), None)),
        *(box(_LINKS[word], links[n] if n < len(links) else None) for n, word in enumerate(chain)),
        box(_SUPPLIER, next((taken for taken in steps if taken.step == Step.CONFIRM), None)),
    )


def _attachments(connection: Connection, taken: Sequence[Taken], inputs: Inputs) -> tuple[Attachment, ...]:
    """Return the documents behind the steps and behind the authority's figures, each once."""
    names = {item.sha256: item.name for item in documents.listed(connection)}
    found: dict[str, Attachment] = {}
    for step in taken:
        if step.document_sha:
            title = names.get(step.document_sha, "文件 document")
            found.setdefault(step.document_sha, Attachment(title, step.reason, step.document_sha))
    for file in (inputs.evidence.get("authority") or {}).get("files", ()):
        found.setdefault(file["sha256"], Attachment(f"公安数据 {file['name']}", file["reference"], file["sha256"]))
        if scan := file.get("scan_sha256"):
            found.setdefault(scan, Attachment(names.get(scan, "扫描件 scan"), file["reference"], scan))
    return tuple(found.values())


def _disputed(dispute: Dispute) -> str:
    point = f" {dispute.point}" if dispute.point else ""
    text = f"异议 dispute {dispute.parent}{point}：{grouped(dispute.contested_fen)} 元，{dispute.reason}"
    if not dispute.decision:
        return f"{text}（未决 open）"
    decided = f"{DECISION_ZH[dispute.decision]} {dispute.decision}"
    return f"{text} → {decided} {grouped(dispute.granted_fen)} 元，{dispute.opinion}（{dispute.decided_by}）"


def _entries(connection: Connection, stored: Stored) -> tuple[Entry, ...]:
    place = f"{stored.quarter}/{stored.revision}"
    found = (entry for entry in journal.entries(connection, stored.contract) if entry.statement == place)
    return tuple(
        Entry(entry.day.isoformat(), entry.why, tuple((_account(p), p.fen) for p in entry.postings)) for entry in found
    )


def _account(posting: Posting) -> str:
    zh, en = TITLES[posting.role]
    return "　".join(part for part in (f"{zh} {en}", posting.phase, posting.period) if part)


def _paid(connection: Connection, contract: str, until: Instant | None) -> int:
    """Return what money moved under the contract, as recorded by an instant; what was taken back cancels out."""
    return sum(
        row.movement.fen
        for row in movements.rows(connection, contract)
        if row.movement.kind != "set-off" and (until is None or row.recorded_at <= until)
    )


def _project(connection: Connection, stored: Stored) -> str:
    """Return the budget projects that hold the contract in the quarter's year."""
    year = int(stored.quarter[:4])
    found = [b for b in budgets.listed(connection) if stored.contract in b.contracts and b.year == year]
    return "、".join(f"{budget.project} {budget.name}".strip() for budget in found)


@dataclass(frozen=True, slots=True)
class Papers:
    """A job for a worker process: write a statement's files. Paths are where they are written, None: not that one."""

    document: Mapping[str, Any]
    cover: Cover
    xlsx: Path | None = None
    pdf: Path | None = None
    svg: Path | None = None
    scratch: Path | None = None
    """A folder for what is written on the way; whoever gave it removes it."""

    def __call__(self, moved: Moved) -> None:
        """Write the files, the workbook first; `moved` is told what part is done."""
        if self.svg is not None:
            from settlement.reports.waterfall import draw, steps_of  # noqa: PLC0415

            self.svg.write_text(draw(steps_of(self.document)), encoding="utf-8")
        if self.xlsx is not None:
            from settlement.reports.workbook import write_xlsx  # noqa: PLC0415  only the worker needs the writers

            write_xlsx(self.document, self.xlsx, self.cover, moved, self.scratch)
        if self.pdf is not None:
            from settlement.reports.pdf import write_pdf  # noqa: PLC0415

            write_pdf(self.document, self.pdf, self.cover)
