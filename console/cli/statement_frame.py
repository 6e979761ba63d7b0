"""What the commands on statements share: their arguments, the paper behind a step, and how a statement is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from console.app import database
from console.cli.frame import Session, existing, print_json, print_table
from console.clock import today
from console.quarters.statement_life import Action, Outcome, Paper, dues
from monitor.finding import refuse
from settlement.daycount import Quarter, parse_quarter
from settlement.document import NO_FACTS
from settlement.life import STATE_ZH
from settlement.money import fen, grouped
from settlement.quarter import life
from settlement.readings import reading_word
from settlement.store import disputes, statements
from settlement.store.documents import MAX_BYTES
from settlement.store.statements import Stored, document_lines

P = ParamSpec("P")
R = TypeVar("R")

KIND_ZH = {
    "prepayment": "本季预付 prepayment",
    "payable": "应付金额 payable",
    "deduction": "扣款 deduction",
    "retention": "留存 retention",
    "true_up": "多退少补 true-up",
    "retention_release": "释放留存 retention release",
    "interest": "逾期利息 interest",
    "adjustment": "以前期调整 adjustment",
    "next_prepayment": "下季预付 next prepayment",
}


def statement_arguments(command: Callable[P, R]) -> Callable[P, R]:
    """Add CONTRACT and QUARTER."""
    return click.argument("contract")(click.argument("quarter", callback=_quarter)(command))


def _quarter(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    text = value.strip().upper()
    return text if len(text) == 6 else value


def quarter_of(text: str) -> Quarter:
    """Read the argument. InputError on anything but a quarter."""
    return parse_quarter(text)


def document_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--document FILE`: the paper behind a step, kept with its digest."""
    return click.option(
        "--document", type=click.Path(path_type=Path), help="依据文件，存档并记指纹 the paper behind it, kept by digest"
    )(command)


def paper_of(path: Path | None) -> Paper | None:
    """Read the paper, bounded. InputError if there is no such file or it is too large."""
    if path is None:
        return None
    existing(path, "document")
    if path.stat().st_size > MAX_BYTES:
        raise refuse(f"文件超过 {MAX_BYTES:,} 字节 too large", "压缩扫描件 compress the scan", file=str(path))
    return Paper(path.read_bytes(), path.name)


def action_of(
    session: Session, contract: str, quarter: str, actor: str, reason: str = "", document: Path | None = None
) -> Action:
    """Put together who acts, when and why."""
    label = quarter_of(quarter).label
    zone = session.settings.zone
    return Action(contract, label, actor, database.now(), today(zone), reason.strip(), paper_of(document))


def say(outcome: Outcome) -> None:
    """Print where a statement now stands."""
    state = outcome.life.state
    click.echo(f"{outcome.stored.name}: {STATE_ZH[state]} {state}")


def document_answer(stored: Stored, state: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement as JSON: where it stands, its digests, its document."""
    return {
        "statement": stored.name,
        "contract": stored.contract,
        "quarter": stored.quarter,
        "revision": stored.revision,
        "state": state,
        "version": stored.version,
        "inputs_sha256": stored.inputs_sha,
        "body_sha256": stored.body_sha,
        **extra,
        "document": stored.document,
    }


def show_document(document: Mapping[str, Any], title: str) -> None:
    """Print a document's lines with their arithmetic, its total and its notices."""
    print_table(
        title,
        [
            ("行 n", True),
            ("期次 phase", False),
            ("项目 line", False),
            ("含税 元 gross", True),
            ("不含税 net", True),
            ("税额 tax", True),
            ("原行 parent", False),
            ("算式 why", False),
        ],
        [
            (
                line["n"],
                line["phase"] + (f" {line['window']}" if line.get("window") else ""),
                KIND_ZH.get(line["kind"], line["kind"]),
                *(grouped(fen(line[column])) for column in ("gross", "net", "tax")),
                line.get("parent", ""),
                line["why"],
            )
            for line in document_lines(document)
        ],
        optional=("原行 parent",),
    )
    for phase in document["phases"]:
        if phase["unit_price_after_deduction"] is not None:
            click.echo(
                f"核减后单价 unit price after deduction · {phase['phase']}: {phase['unit_price_after_deduction']} 元/点/月"
            )
    click.echo(f"本次应付净额 total: {grouped(fen(document['totals']['total']))} 元")
    for row in document["not_settled"]:
        click.echo(not_settled(row["phase"], row["reason"]))
    for notice in document["notices"]:
        click.echo(f"· {notice['phase']} {notice['message']}".replace("·  ", "· "))


def not_settled(phase: str, reason: str) -> str:
    """Say that a phase was not settled and why; with a remedy where nothing is known of it."""
    remedy = (
        " → 台账中没有该期次的点位 the ledger has no points of it: camsla points import" if reason == NO_FACTS else ""
    )
    return f"未结算 not settled: {phase}（{reason}）{remedy}"


def show_stored(session: Session, stored: Stored) -> None:
    """Print a stored statement with its state, what falls due at once, disputes and steps."""
    with database.reader(session.settings) as connection:
        state = life(connection, stored).state
        due = dues(connection, stored)
        contested = disputes.of_statement(connection, stored.id)
    show_document(
        stored.document,
        f"费用结算单 statement · {stored.name} · {STATE_ZH[state]} {state} · 口径 reading {reading_word(stored.reading)}",
    )
    if contested:
        click.echo(
            f"有异议 contested: {grouped(due.contested_fen)} 元；无争议部分即付 falls due at once: "
            f"{grouped(due.undisputed_fen)} 元"
        )
    click.echo(f"数据指纹 inputs: {stored.inputs_sha}")


def stored_of(session: Session, contract: str, quarter: str, revision: int | None = None) -> Stored:
    """Return a stored statement. InputError if there is none."""
    with database.reader(session.settings) as connection:
        return statements.require(connection, contract, quarter_of(quarter).label, revision)


def answer(session: Session, stored: Stored, *, as_json: bool, extra: Mapping[str, Any]) -> None:
    """Print a stored statement as JSON or for reading."""
    if not as_json:
        show_stored(session, stored)
        return
    with database.reader(session.settings) as connection:
        state = life(connection, stored).state
    print_json(document_answer(stored, state.value, extra))
