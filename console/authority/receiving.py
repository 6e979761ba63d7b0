"""The authority's figures as console and command line take them: brought in from a file or typed from paper, checked, withdrawn.

Each change is one transaction with its document, its audit row and its record in the evidence log.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from console.authority.again import read_alike
from console.authority.cell import NoFigureError, rate_of
from console.authority.mapping import Mapping, check_phases, mapping_of
from console.authority.typed import TypedSheet, read_typed
from console.documents.handed_in import keep, vouch
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.authority import Figure
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.store import authority as store
from settlement.store import contracts, documents
from settlement.store.authority import Imported, SavedMapping, StoredFile

SCANS = frozenset({"application/pdf", "image/jpeg", "image/png"})
MAX_NAME = 64
RETYPED = 300
"""Up to so many typed figures the checker types or confirms each; of more, the file as a whole."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of the paper as somebody uploads it."""

    name: str
    body: bytes


def checked_scan(name: str, body: bytes) -> Scan:
    """Return a scan. InputError unless it is a PDF, JPEG or PNG by its bytes, of at most 10 MB."""
    if len(body) > documents.MAX_BYTES:
        raise refuse(
            f"扫描件超过 {documents.MAX_BYTES:,} 字节 the scan is too large", "压缩 compress it", column="scan"
        )
    if documents.media_of(body, name) not in SCANS:
        raise refuse(
            "扫描件须为 PDF、JPEG 或 PNG a scan is a PDF, JPEG or PNG", "另存为其一 save it as one", column="scan"
        )
    return Scan(name, body)


def terms_in_store(connection: Connection, contract: str, quarter: Quarter | None = None) -> Terms:
    """Return a contract's terms: those in force in the quarter, else the newest approved. InputError if there are none."""
    if quarter is not None and (found := contracts.in_force(connection, contract, quarter.start)) is not None:
        return found.terms
    approved = [version for version in contracts.versions(connection, contract) if version.approved_by]
    if not approved:
        raise refuse(
            f"合同未生效 no version in force: {contract}", "先批准合同 approve the contract first", column="contract"
        )
    return approved[-1].terms


def known_contracts(connection: Connection) -> dict[str, str]:
    """Return the contracts with an approved version, by name, with their titles."""
    return {v.contract: v.terms.title for v in contracts.versions(connection) if v.approved_by}


def saved_mapping(connection: Connection, name: str) -> tuple[str, Mapping]:
    """Return a saved mapping with its label (name@version). InputError if there is none of that name."""
    saved = store.find_mapping(connection, name)
    if saved is None:
        raise refuse(f"没有这个映射 no such mapping: {name}", "从列表中选 choose from the list", column="mapping")
    return f"{saved.name}@{saved.version}", mapping_of(saved.body)


def save_mapping(writer: Writer, name: str, mapping: Mapping, *, at: Instant, actor: str) -> str:
    """Save a mapping under a name and return its label; the same mapping again adds no version."""
    with writer.transaction() as connection:
        return _save_mapping(writer, connection, name, mapping, at=at, actor=actor)


def _save_mapping(
    writer: Writer, connection: Connection, name: str, mapping: Mapping, *, at: Instant, actor: str
) -> str:
    label, _ = add_mapping(writer, connection, mapping_name(name, "mapping_name"), mapping, at=at, actor=actor)
    return label


def mapping_name(name: str, column: str) -> str:
    """Return a name that a mapping may have. InputError for any other; `column` is where it was typed."""
    plain = name.strip()
    if not plain or len(plain) > MAX_NAME or not plain.isprintable() or plain.lower().endswith((".yaml", ".yml")):
        remedy = f"1–{MAX_NAME} 个可见字符 printable characters"
        raise refuse(f"名称无效 not a usable name: {name[:40]!r}", remedy, column=column)
    return plain


def add_mapping(
    writer: Writer, connection: Connection, plain: str, mapping: Mapping, *, at: Instant, actor: str
) -> tuple[str, bool]:
    """Add a mapping's version in the caller's transaction; return its label and whether anything changed."""
    before: SavedMapping | None = store.find_mapping(connection, plain)
    version, added = store.save_mapping(connection, plain, mapping.canonical(), at=at, actor=actor)
    if added:
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="authority.mapping",
            object=f"{plain}@{version}",
            before=None if before is None else json.loads(before.body),
            after=json.loads(mapping.canonical()),
        )
    return f"{plain}@{version}", added


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file about to be brought in: the figures read from its bytes, and its scan. `save_as` names a mapping to be saved."""

    file: Imported
    body: bytes
    scan: Scan | None = None
    save_as: str = ""
    mapping: Mapping | None = None


def bring_in(writer: Writer, arrival: Arrival, *, at: Instant, actor: str) -> tuple[StoredFile, bool]:
    """Keep a file, its scan and its figures; tell whether it is new. It counts once another person has checked it.

    InputError where the same file stands with other figures: it was read in another way.
    """
    file = arrival.file
    with writer.transaction() as connection:
        if arrival.save_as and arrival.mapping is not None:
            label = _save_mapping(writer, connection, arrival.save_as, arrival.mapping, at=at, actor=actor)
            file = replace(file, mapping=label)
        sha, _ = keep(writer, connection, arrival.body, file.name, at=at, actor=actor)
        if sha != file.sha256:
            raise refuse(
                "文件在读取时改变 the file changed while it was read",
                "重新导入 import it again",
                file=file.name,
                column="file",
            )
        if arrival.scan is not None:
            scan, _ = keep(writer, connection, arrival.scan.body, arrival.scan.name, at=at, actor=actor)
            file = replace(file, scan_sha=scan)
        stored, added = store.add_file(connection, file, at=at, actor=actor)
        if not added:
            read_alike(connection, stored, file)
        if added:
            after = {
                "name": file.name,
                "reference": file.reference,
                "figures": len(file.figures),
                "typed": file.typed,
                "scan": file.scan_sha,
                "mapping": file.mapping,
                "replaces": file.replaces,
            }
            _told(writer, connection, stored, "import", None, after, at=at, actor=actor)
    return stored, added


def check(writer: Writer, number: int, answers: ReadOnly[int, str] | None, *, at: Instant, actor: str) -> StoredFile:
    """Note that another person compared a file's figures with the paper.

    Of typed figures the checker types or confirms each: `answers` are by the figure's place (from 0) what was typed, or
    "=" for a figure that is confirmed as it stands. InputError where one is missing or another, for the person who brought
    the file in, and for a file that is not pending.
    """
    with writer.transaction() as connection:
        file = require(connection, number)
        if file.typed and file.figures <= RETYPED:
            _compared(store.figures_of(connection, file), answers or {})
        confirm(writer, connection, file, at=at, actor=actor)
    return file


def confirm(writer: Writer, connection: Connection, file: StoredFile, *, at: Instant, actor: str) -> None:
    """Note in the caller's transaction that another person vouches for a file."""
    store.check_file(connection, file, at=at, actor=actor)
    _told(writer, connection, file, "check", {"checked_by": None}, {"checked_by": actor}, at=at, actor=actor)


def _compared(figures: Sequence[Figure], answers: ReadOnly[int, str]) -> None:
    findings: list[Finding] = []
    for n, figure in enumerate(figures):
        answer, place = answers.get(n, "").strip(), f"figure-{n}"
        if not answer:
            findings.append(
                Finding("", 0, place, "未核对 not compared yet", "照原件填写，或勾选确认 type it or confirm it")
            )
        elif answer != "=" and _differs(answer, figure):
            text = f"与录入的 {figure.text} 不同 not what was typed in: {answer[:40]}"
            findings.append(
                Finding("", 0, place, text, "核对原件；录入有误则撤回重录 look at the paper; withdraw if it is wrong")
            )
    if findings:
        raise InputError(findings)


def _differs(answer: str, figure: Figure) -> bool:
    try:
        num, den = rate_of(answer, "share")
    except NoFigureError:
        return True
    return Fraction(num, den) != figure.value


def withdraw(writer: Writer, number: int, reason: str, *, at: Instant, actor: str) -> StoredFile:
    """Take a file out of account; what it had replaced stands again. InputError without a reason."""
    why = reason.strip()
    if not why:
        raise refuse("须写理由 a reason is needed", "写明为何撤回 say why", column="reason")
    with writer.transaction() as connection:
        file = require(connection, number)
        take_back(writer, connection, file, why, at=at, actor=actor)
    return file


def take_back(writer: Writer, connection: Connection, file: StoredFile, why: str, *, at: Instant, actor: str) -> None:
    """Withdraw a file in the caller's transaction."""
    store.withdraw_file(connection, file, why, at=at, actor=actor)
    after = {"status": "withdrawn", "reason": why}
    _told(writer, connection, file, "withdraw", {"status": file.status}, after, at=at, actor=actor)


def _told(
    writer: Writer,
    connection: Connection,
    file: StoredFile,
    step: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    *,
    at: Instant,
    actor: str,
) -> None:
    writer.audit(
        connection,
        at=at,
        actor=actor,
        action=f"authority.{step}",
        object=f"{file.contract} {file.sha256[:16]} r{file.revision}",
        before=before,
        after=after,
    )
    vouch(writer, connection, file, step, at=at, actor=actor)


def find(connection: Connection, number: int) -> StoredFile | None:
    """Return a file by its number; None if there is none."""
    return next((file for file in store.list_files(connection) if file.id == number), None)


def require(connection: Connection, number: int) -> StoredFile:
    """Return a file by its number. InputError if there is none."""
    file = find(connection, number)
    if file is None:
        raise refuse(f"没有这个文件 no such file: {number}", "见文件列表 see the list of files", column="file")
    return file


def imported(
    terms: Terms, name: str, mapping: str, read: tuple[str, str, tuple[tuple[int, str], ...], tuple[Figure, ...]],
    received: date, *, reference: str = "", replaces: bool = False, typed: bool = False,
) -> Imported:  # fmt: skip
    """Return a file as the store takes it; `read` is its digest, its own reference, the notes and the figures."""
    sha, own, notes, figures = read
    day = received.isoformat()
    return Imported(
        sha, terms.contract, name[:200], reference or own, mapping, typed, replaces, day, None, notes, figures
    )


def typed_arrival(sheet: TypedSheet, terms: Terms, scan: Scan, received: date, *, replaces: bool = False) -> Arrival:
    """Return typed figures as a file to be brought in. InputError with every fault, columns naming `figures[n]`."""
    rows = [json.dumps(row.model_dump(mode="json", exclude_none=True), ensure_ascii=False) for row in sheet.figures]
    head = f"reference: {json.dumps(sheet.reference, ensure_ascii=False)}\nreceived_on: {received}\nfigures:\n"
    body = (head + "".join(f"  - {row}\n" for row in rows)).encode()
    with tempfile.TemporaryDirectory(prefix="camsla-typed-") as folder:
        path = Path(folder) / "typed.yaml"
        path.write_bytes(body)
        try:
            typed = read_typed(path, terms)
        except InputError as error:
            raise InputError(Finding("", 0, f.column, f.message, f.remedy, f.level) for f in error.findings) from None
    read = (typed.sha256, sheet.reference, (), typed.figures)
    file = imported(terms, "typed.yaml", "", read, received, replaces=replaces, typed=True)
    return Arrival(file, typed.body, scan)


def agreed_mapping(mapping: Mapping, terms: Terms) -> Mapping:
    """Return a mapping. InputError if it names phases that the contract does not have."""
    check_phases(mapping, tuple(phase.id for phase in terms.phases))
    return mapping
