"""Heavy work on contracts and statements for a worker process: what goes in and out is plain data, refusals are told as values."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from config.contracts import load_contract
from config.draft import load_draft
from config.load import dotted
from console.quarters.papers import Papers
from console.quarters.past_quarters import past_quarters
from console.quarters.progress import UNSEEN, Slate
from console.quarters.quarter import Order, as_known, difference_today, prepare
from monitor.finding import Finding, InputError
from monitor.model import Instant
from monitor.store.database import snapshot
from settlement.ambiguity import Ambiguity
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.doubts import Doubt, DoubtfulError
from settlement.lint.check import lint
from settlement.money import yuan
from settlement.past import given_facts, without_points
from settlement.quarter import Computed, verified
from settlement.reports.cover import Cover
from settlement.rules import OnlineRate
from settlement.statement import ambiguity
from settlement.store import statements
from settlement.whatif import WhatIf, what_if

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Told(Generic[Result]):
    """What a job came to: a result, or findings that say why there is none. `doubts` are those that want an override."""

    result: Result | None = None
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def required(self) -> Result:
        """Return the result. InputError with the findings, or DoubtfulError with the doubts, where there is none."""
        if self.result is not None:
            return self.result
        raise DoubtfulError(self.doubts) if self.doubts else InputError(self.findings)


def _told(work: Callable[[], Result]) -> Told[Result]:
    try:
        return Told(work())
    except DoubtfulError as error:
        return Told(None, error.findings, error.doubts)
    except InputError as error:
        return Told(None, error.findings)


@contextmanager
def _reader(url: str) -> Iterator[Connection]:
    with snapshot(url) as connection:
        yield connection


def compute_draft(url: str, order: Order, today: date, slate: Slate = UNSEEN) -> Told[Computed]:
    """Compute what a draft would store, and tell `slate` how far it is."""

    def work() -> Computed:
        with _reader(url) as connection:
            return prepare(connection, order, today, slate)

    return _told(work)


def recompute(url: str, contract: str, quarter: str, revision: int) -> tuple[Finding, ...]:
    """Recompute a statement from its frozen inputs; no finding where every byte is the same."""
    with _reader(url) as connection:
        stored = statements.require(connection, contract, quarter, revision)
    return tuple(verified(stored))


def known_on(url: str, contract: str, quarter: str, known_at: Instant) -> Told[Any]:
    """Recompute a quarter as it was known at an instant."""

    def work() -> Any:
        with _reader(url) as connection:
            return as_known(connection, contract, parse_quarter(quarter), known_at)

    return _told(work)


def needed_today(url: str, contract: str, quarter: str, today: date) -> Told[Any]:
    """Return the adjustments that an issued statement needs by today's data: (phase, line, fen, arithmetic)."""

    def work() -> Any:
        with _reader(url) as connection:
            stored = statements.require(connection, contract, quarter)
            made, findings = difference_today(connection, stored, today)
        rows = [
            (c.adjustment.phase, c.adjustment.parent, c.adjustment.amount.line.gross_fen, c.adjustment.why)
            for c in made
        ]
        return rows, tuple(findings)

    return _told(work)


def paper(document: dict[str, Any], cover: Cover, kind: str) -> bytes:
    """Write a statement's workbook, PDF or picture and return its bytes. `kind`: xlsx, pdf, svg."""
    with tempfile.TemporaryDirectory(prefix="camsla-paper-") as folder:
        path = Path(folder) / f"paper.{kind}"
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        named: dict[str, Any] = {kind: path}
        Papers(document, cover, **named, scratch=scratch)(lambda _done, _total: None)
        return path.read_bytes()


def stored_paper(url: str, contract: str, quarter: str, revision: int, cover: Cover, kind: str) -> bytes:
    """Write a stored statement's file: its document is read here, so that it need not be sent."""
    with _reader(url) as connection:
        stored = statements.require(connection, contract, quarter, revision)
    return paper(stored.document, cover, kind)


@dataclass(frozen=True, slots=True)
class Remarked:
    """A fault of a contract's file or a remark of the linter; `amount` in yuan, "" where it is worth nothing by itself."""

    level: str
    code: str
    line: int
    place: str
    message: str
    remedy: str
    amount: str


_ORDER = ("error", "warning", "info")


def read_contract(name: str, text: str) -> Told[Terms]:
    """Read an uploaded contract; every finding with its line of the upload."""

    def work() -> Terms:
        with _file(text) as path:
            return load_contract(path)

    return _named(_told(work), name)


def lint_text(name: str, text: str) -> Told[tuple[Terms | None, list[Remarked]]]:
    """Read a contract as far as it goes and return its terms, its faults and what the linter says, gravest first."""

    def work() -> tuple[Terms | None, list[Remarked]]:
        with _file(text) as path:
            draft = load_draft(path)
            rows = [
                Remarked("error", f.kind, f.finding.line, f.finding.column, f.finding.message, f.finding.remedy, "")
                for f in draft.faults
            ]
            for remark in lint(draft.terms) if draft.terms is not None else ():
                amount = "" if remark.amount_fen is None else yuan(remark.amount_fen)
                place = draft.written(remark.place)
                line = draft.line(remark.place)
                rows.append(Remarked(remark.level, remark.code, line, place, remark.message, remark.remedy, amount))
        return draft.terms, sorted(rows, key=lambda row: (_ORDER.index(row.level), row.line))

    return _named(_told(work), name)


def lint_stored(terms: Terms) -> list[Remarked]:
    """Return what the linter says of a stored version. Everything is written in it: what its file left out by default
    can only be told of the file."""
    return [
        Remarked(
            remark.level,
            remark.code,
            0,
            dotted(remark.place),
            remark.message,
            remark.remedy,
            "" if remark.amount_fen is None else yuan(remark.amount_fen),
        )
        for remark in lint(terms)
    ]


@contextmanager
def _file(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="camsla-contract-") as folder:
        path = Path(folder) / "contract.yaml"
        path.write_text(text, "utf-8")
        yield path


def _named(told: Told[Result], name: str) -> Told[Result]:
    """Say the name that the upload had in place of where it was put."""
    findings = tuple(Finding(name, f.line, f.column, f.message, f.remedy, f.level) for f in told.findings)
    return Told(told.result, findings, told.doubts)


def readings_of(terms: Terms, quarter: str, sizes: dict[str, int], rates: list[OnlineRate]) -> Told[list[Ambiguity]]:
    """Compute the ambiguity report of a contract at these rates, one report a rate."""

    def work() -> list[Ambiguity]:
        kept, _ = without_points(terms)
        when = parse_quarter(quarter)
        return [
            ambiguity(kept, quarter, {phase: given_facts(when, size, [rate]) for phase, size in sizes.items()})
            for rate in rates
        ]

    return _told(work)


def try_quarter(url: str, contract: str, quarter: str, after: Terms, today: date) -> Told[WhatIf]:
    """Settle one past quarter under its own contract and under another."""

    def work() -> WhatIf:
        with _reader(url) as connection:
            past = past_quarters(connection, contract, None, after, today, only=quarter)
        return what_if(past, after)

    return _told(work)
