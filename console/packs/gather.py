"""What a pack is about, read once: the contract and its statement from the store, the days and documents from where they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from console import views
from console.log.steps import Log
from console.packs import days as log_days
from console.packs.content import Source
from console.packs.pages import pages_of
from console.packs.story import Attached
from monitor.evidence.folder import LogFolder
from monitor.evidence.replay import IMPORTS
from monitor.finding import Finding, InputError, refuse
from monitor.period import Period, day_of, parse_period
from monitor.scope import EVERYTHING
from settlement.canonical import canonical
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.inputs import Inputs
from settlement.quarter import frozen, life
from settlement.store import contracts, documents, statements
from settlement.store.statements import Stored

SMALL = frozenset({"challenge", "reveal", "sample"})
"""Attested documents whose bytes lie in the log's folder, besides imports."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants exported. `points` None: all; `until` "": the last sealed day; `documents` are (file, title)."""

    where: Log
    contract: str
    period: str
    points: tuple[str, ...] | None = None
    until: str = ""
    documents: tuple[tuple[Path, str], ...] = ()
    trust: Path | None = None
    rubric: Path | None = None
    score_inputs: Path | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The pack's subject. `stored` None: the period has no statement. `members` are the log's, with the blobs that checks need."""

    terms: Terms
    version: int
    period: Period
    days: list[str]
    stored: Stored | None
    issued: bool
    issue_sealed: bool
    members: dict[str, Source]
    inputs: Mapping[str, Any] | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    attached: tuple[Attached, ...] = ()
    attached_bodies: Mapping[str, bytes] = field(default_factory=dict)


def gather(connection: Connection, order: Order) -> Gathered:
    """Read all of it from one snapshot. InputError says what is missing, and what to do first."""
    folder = order.where.folder
    period = parse_period(order.period)
    days = log_days.chosen(folder, period, order.until)
    stored = _statement(connection, order, period, days[-1])
    terms, version = _terms(connection, order, period, stored)
    only = None if order.points is None else frozenset(order.points)
    if only is not None:
        _require_known(connection, terms, period, only)
    members = log_days.members(folder, days, only)
    known = contracts.versions(connection, order.contract)
    blobs = {canonical(version.terms.document()).encode() for version in known if version.approved_by}
    inputs = None
    if stored is not None:
        inputs = frozen(stored)
        blobs |= {stored.inputs.encode(), stored.body.encode(), *_earlier(connection, inputs)}
    members |= {f"blobs/{hashlib.sha256(body).hexdigest()}": body for body in blobs}
    attested = list(log_days.attested(folder, days))
    members |= _from_folder(folder, attested)
    attached, bodies = _attached(order.documents)
    files = () if inputs is None else tuple((inputs.evidence.get("authority") or {}).get("files", ()))
    return Gathered(
        terms,
        version,
        period,
        days,
        stored,
        stored is not None and life(connection, stored).final,
        stored is not None and _issue_sealed(attested, stored),
        members,
        None if inputs is None else inputs.to_document(),
        files,
        attached,
        bodies,
    )


def _statement(connection: Connection, order: Order, period: Period, last: str) -> Stored | None:
    """Return the quarter's newest statement; None for a period that is no quarter, or has none."""
    try:
        quarter = parse_quarter(period.label)
    except InputError:
        return None
    found = statements.find(connection, order.contract, quarter.label)
    if found is None:
        return None
    day = day_of(found.recorded_at, order.where.zone)
    if str(day) > last:
        raise refuse(
            f"结算单 {found.name} 记于 {day}，尚未封存（封存至 {last}）the statement is of a day that is not sealed",
            "该日结束后 once that day is over: camsla evidence seal",
            column="statement",
        )
    return found


def _issue_sealed(attested: Iterable[Mapping[str, Any]], stored: Stored) -> bool:
    """Tell whether the log's days say that the statement was issued."""
    name = f"issued {stored.contract}/{stored.quarter} {stored.revision}"
    return any("{what} {id} {version}".format_map(record) == name for record in attested)


def _terms(connection: Connection, order: Order, period: Period, stored: Stored | None) -> tuple[Terms, int]:
    if stored is not None:
        return frozen(stored).terms, stored.version
    found = contracts.in_force(connection, order.contract, period.first) or contracts.in_force(
        connection, order.contract, period.last + timedelta(days=1)
    )
    if found is None:
        raise refuse(
            f"期间内没有生效的合同版本 no version of {order.contract} is in force in {period.label}",
            "选合同服务期内的期间，或先录入并批准合同 choose a period of its service, or: camsla contract add, approve",
            column="contract",
        )
    return found.terms, found.version


def _earlier(connection: Connection, inputs: Inputs) -> Iterator[bytes]:
    """Yield the statements that issued the prepayments."""
    for source in sorted({issued.source for issued in inputs.before.prepaid.values()}):
        quarter, _, revision = source.rpartition("/")
        if quarter and revision.isdigit():
            found = statements.find(connection, inputs.terms.contract, quarter, int(revision))
            if found is not None:
                yield found.body.encode()


def _require_known(connection: Connection, terms: Terms, period: Period, points: Collection[str]) -> None:
    """Refuse points that the contract does not have in the period, naming them all."""
    question = views.Question(period, terms.zone, terms.policy)
    known = {point.code for point in views.contract_roster(connection, EVERYTHING, terms, question)}
    strangers = sorted(set(points) - known)
    if strangers:
        remedy = "核对点位编号 check the codes: camsla rates --by point"
        raise InputError(
            Finding(
                "", 0, code, f"不是合同 {terms.contract} 在 {period.label} 的点位 not a point of the contract", remedy
            )
            for code in strangers
        )


def _from_folder(folder: LogFolder, records: Iterable[Mapping[str, Any]]) -> dict[str, Source]:
    """Imports that a replay needs, and what evaluators had recorded."""
    found: dict[str, Source] = {}
    for record in records:
        if record["what"] in IMPORTS | SMALL and record["sha256"]:
            found[f"blobs/{record['sha256']}"] = partial(log_days.pieces, folder.path / "blobs" / record["sha256"])
    return found


def _attached(wanted: Iterable[tuple[Path, str]]) -> tuple[tuple[Attached, ...], dict[str, bytes]]:
    """Read the files that are attached. InputError for one that is missing, empty or too large."""
    found: list[Attached] = []
    bodies: dict[str, bytes] = {}
    for path, title in wanted:
        try:
            with path.open("rb") as file:
                body = file.read(documents.MAX_BYTES + 1)
        except OSError as error:
            raise refuse(
                f"无法读取 cannot be read: {error.strerror}", "检查路径 check the path", file=str(path)
            ) from None
        if not body or len(body) > documents.MAX_BYTES:
            limit = f"1–{documents.MAX_BYTES:,} 字节 bytes"
            raise refuse("文件为空或过大 an empty file, or too large", limit, file=str(path))
        sha256 = hashlib.sha256(body).hexdigest()
        media = documents.media_of(body, path.name)
        found.append(Attached(title, path.name, sha256, media, len(body), pages_of(body, media)))
        bodies[sha256] = body
    return tuple(found), bodies


def papers(connection: Connection, wanted: Iterable[str]) -> dict[str, bytes]:
    """Return the stored documents among these digests; what the store does not have is left out, the record names its digest."""
    found: dict[str, bytes] = {}
    for sha256 in sorted(set(wanted)):
        try:
            found[sha256] = documents.body_of(connection, sha256)[1]
        except InputError:
            continue
    return found
