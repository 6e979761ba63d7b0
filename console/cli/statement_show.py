"""`camsla statement list|show|diff`: statements as they are stored, and where two of them differ."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, report
from console.cli.statement_frame import (
    answer,
    quarter_of,
    show_stored,
    statement_arguments,
    stored_of,
)
from console.clock import today
from console.quarters.quarter import difference_today
from console.quarters.statement_life import dues
from settlement.canonical import differences
from settlement.disputes import DECISION_ZH
from settlement.life import STATE_ZH, STEP_ZH
from settlement.money import fen, grouped, yuan
from settlement.quarter import life, verified
from settlement.store import disputes, statements


@click.command("list", short_help="列出 list statements and where they stand")
@click.option("--contract", help="只列一份合同 of one contract")
@json_option
@pass_session
@answering
def list_(session: Session, contract: str | None, as_json: bool) -> None:
    """列出各季度最新一版及其状态 list each quarter's newest revision and its state."""
    with database.reader(session.settings) as connection:
        rows = [
            (stored, life(connection, stored).state, dues(connection, stored))
            for stored in statements.listed(connection, contract)
        ]
    if as_json:
        print_json(
            [
                {
                    "contract": stored.contract,
                    "quarter": stored.quarter,
                    "revision": stored.revision,
                    "state": state.value,
                    "total": yuan(due.total_fen),
                    "contested": yuan(due.contested_fen),
                    "undisputed": yuan(due.undisputed_fen),
                    "inputs_sha256": stored.inputs_sha,
                }
                for stored, state, due in rows
            ]
        )
        return
    print_table(
        "费用结算单 statements",
        [
            ("合同 contract", False),
            ("季度 quarter", False),
            ("版 r", True),
            ("状态 state", False),
            ("本次应付 total", True),
            ("有争议 contested", True),
            ("即付 due at once", True),
            ("指纹 inputs", False),
        ],
        [
            (
                stored.contract,
                stored.quarter,
                stored.revision,
                f"{STATE_ZH[state]} {state}",
                grouped(due.total_fen),
                grouped(due.contested_fen),
                grouped(due.undisputed_fen),
                stored.inputs_sha[:12],
            )
            for stored, state, due in rows
        ],
    )


@click.command(short_help="查看 show one")
@statement_arguments
@click.option("--revision", type=click.IntRange(0), help="某一版 a revision; 默认最新 the newest")
@click.option("--document", "raw", is_flag=True, help="结算单原文，一字不差 the document's bytes")
@click.option("--inputs", is_flag=True, help="冻结的输入原文 the frozen inputs' bytes")
@json_option
@pass_session
@answering
def show(
    session: Session, contract: str, quarter: str, revision: int | None, raw: bool, inputs: bool, as_json: bool
) -> None:
    """查看一份结算单、其步骤与异议；--document 与 --inputs 输出原文供他人重算。

    Show a statement with its steps and disputes. --document and --inputs print the stored bytes, for anybody to recompute.
    """
    if raw and inputs:
        raise click.UsageError("--document 与 --inputs 只能取一 give one of them")
    stored = stored_of(session, contract, quarter, revision)
    if raw or inputs:
        click.echo(stored.inputs if inputs else stored.body)
        return
    wrong = verified(stored)
    report(wrong)
    if as_json:
        answer(session, stored, as_json=True, extra=_life(session, stored) | {"verified": not wrong})
    else:
        show_stored(session, stored)
        _show_life(session, stored)
    if wrong:
        raise SystemExit(2)


def _local(instant: int, zone: str) -> str:
    return datetime.fromtimestamp(instant / 1e6, ZoneInfo(zone)).isoformat(timespec="seconds")


def _life(session: Session, stored: statements.Stored) -> dict[str, Any]:
    zone = session.settings.zone
    with database.reader(session.settings) as connection:
        due = dues(connection, stored)
        return {
            "due_at_once": yuan(due.undisputed_fen),
            "steps": [
                {
                    "step": taken.step,
                    "actor": taken.actor,
                    "at": _local(taken.at, zone),
                    "reason": taken.reason,
                    "document_sha256": taken.document_sha or None,
                }
                for taken in statements.steps(connection, stored.id)
            ],
            "disputes": [
                {
                    "id": row.id,
                    "line": row.line,
                    "point": row.point,
                    "contested": yuan(row.contested_fen),
                    "reason": row.reason,
                    "actor": row.actor,
                    "document_sha256": row.document_sha or None,
                    "decision": row.decision or None,
                    "granted": yuan(row.granted_fen),
                    "effect": row.effect or None,
                    "opinion": row.opinion,
                    "decided_by": row.decided_by or None,
                }
                for row in disputes.of_statement(connection, stored.id)
            ],
        }


def _show_life(session: Session, stored: statements.Stored) -> None:
    found = _life(session, stored)
    print_table(
        "步骤 steps",
        [("步骤 step", False), ("人 by", False), ("时间 at", False), ("说明 reason", False), ("文件 document", False)],
        [
            (
                f"{STEP_ZH.get(row['step'], '')} {row['step']}",
                row["actor"],
                row["at"],
                row["reason"],
                (row["document_sha256"] or "")[:12],
            )
            for row in found["steps"]
        ],
    )
    if found["disputes"]:
        print_table(
            "异议 disputes",
            [
                ("编号 no.", True),
                ("行 line", True),
                ("点位 point", False),
                ("争议 contested", True),
                ("理由 reason", False),
                ("结论 decision", False),
                ("采纳 granted", True),
                ("意见 opinion", False),
            ],
            [
                (
                    row["id"],
                    row["line"],
                    row["point"],
                    grouped(fen(row["contested"])),
                    row["reason"],
                    "待复核 open" if row["decision"] is None else f"{DECISION_ZH[row['decision']]} {row['decision']}",
                    grouped(fen(row["granted"])),
                    row["opinion"],
                )
                for row in found["disputes"]
            ],
        )


@click.command(short_help="比较 two revisions, or an issued one with today")
@statement_arguments
@click.argument("revisions", nargs=-1, type=click.IntRange(0))
@json_option
@pass_session
@answering
def diff(session: Session, contract: str, quarter: str, revisions: tuple[int, ...], as_json: bool) -> None:
    """比较两版的输入与结果；不给版次则按今日数据重算，列出尚需的调整。

    Compare two revisions' inputs and documents; without revisions, recompute from today's data and list the adjustments
    that are still needed.
    """
    if len(revisions) not in {0, 2}:
        raise click.UsageError("给出两个版次，或都不给 give two revisions, or none")
    if not revisions:
        _diff_today(session, contract, quarter, as_json)
        return
    one, other = (stored_of(session, contract, quarter, revision) for revision in revisions)
    found = {
        "inputs": differences(json.loads(one.inputs), json.loads(other.inputs)),
        "document": differences(one.document, other.document),
    }
    if as_json:
        print_json({"from": one.name, "to": other.name, **found})
        return
    for title, rows in (("输入 inputs", found["inputs"]), ("结果 document", found["document"])):
        click.echo(f"{title}: {one.name} → {other.name}")
        for row in rows or ["没有差别 no difference"]:
            click.echo(f"  {row}")


def _diff_today(session: Session, contract: str, quarter: str, as_json: bool) -> None:
    with database.reader(session.settings) as connection:
        stored = statements.require(connection, contract, quarter_of(quarter).label)
        made, findings = difference_today(connection, stored, today(session.settings.zone))
    report(findings)
    rows = [
        {
            "phase": item.adjustment.phase,
            "parent": item.adjustment.parent,
            "gross": yuan(item.adjustment.amount.line.gross_fen),
            "why": item.adjustment.why,
        }
        for item in made
    ]
    if as_json:
        print_json({"statement": stored.name, "needed": rows})
        return
    print_table(
        f"按今日数据尚需的调整 adjustments still needed today · {stored.name}",
        [("期次 phase", False), ("原行 parent", False), ("含税 元 gross", True), ("算式 why", False)],
        [(row["phase"], row["parent"], grouped(fen(row["gross"])), row["why"]) for row in rows],
    )
