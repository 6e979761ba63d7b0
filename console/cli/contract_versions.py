"""`camsla contract add|approve|list|show`: a contract's dated versions."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click

from config.contracts import load_contract
from console.app import database
from console.cli.frame import Session, actor_option, answering, json_option, pass_session, print_json, print_table
from monitor.finding import refuse
from monitor.store.lock import one_at_a_time
from settlement.store import contracts, statements
from settlement.store.contracts import Version


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(
            f"不是日期 not a date: {text[:40]!r}", "写成 2021-01-01 write it like that", column="effective-from"
        ) from None


@click.command(short_help="录入版本 add a version, pending approval")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--effective-from", metavar="DATE", help="生效日，季度首日 the quarter's first day from which it holds")
@actor_option
@pass_session
@answering
def add(session: Session, file: Path, effective_from: str | None, actor: str) -> None:
    """录入合同或补充协议 FILE 为一个版本；由另一人批准后生效，不影响更早的时间。

    Store the contract or amendment FILE as a version. It takes effect when another person approves it, and never reaches
    back: neither into an issued quarter nor into the middle of one.
    """
    terms = load_contract(file)
    day = _day(effective_from)
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        one_at_a_time(connection, f"statement {terms.contract}")
        closed = statements.issued_quarters(connection, terms.contract)
        found, added = contracts.add(connection, writer.audit, terms, day, closed, at=database.now(), actor=actor)
    if not added:
        click.echo(f"没有变化 no change: {found.contract} v{found.version}")
        return
    click.echo(f"已录入 added: {found.contract} v{found.version}，自 from {found.effective_from}")
    click.echo(f"待另一人批准 pending: camsla contract approve {found.contract} {found.version}")


@click.command(short_help="批准版本 put a version in force")
@click.argument("contract")
@click.argument("version", type=click.IntRange(1))
@actor_option
@pass_session
@answering
def approve(session: Session, contract: str, version: int, actor: str) -> None:
    """批准版本；不能由录入人批准 approve a version; never by whoever added it."""
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        one_at_a_time(connection, f"statement {contract}")
        closed = statements.issued_quarters(connection, contract)
        found = contracts.approve(connection, writer.audit, contract, version, closed, at=database.now(), actor=actor)
    click.echo(f"已生效 in force: {found.contract} v{found.version}，自 from {found.effective_from}")


def _row(version: Version) -> dict[str, object]:
    return {
        "contract": version.contract,
        "version": version.version,
        "effective_from": version.effective_from.isoformat(),
        "title": version.terms.title,
        "added_by": version.actor,
        "approved_by": version.approved_by or None,
        "status": "approved" if version.approved_by else "pending",
        "sha256": version.sha256,
    }


@click.command("list", short_help="列出版本 list versions")
@click.option("--contract", help="只列一份合同 of one contract")
@json_option
@pass_session
@answering
def list_(session: Session, contract: str | None, as_json: bool) -> None:
    """列出合同版本及其状态 list contracts' versions and where they stand."""
    with database.reader(session.settings) as connection:
        rows = [_row(version) for version in contracts.versions(connection, contract)]
    if as_json:
        print_json(rows)
        return
    words = {"approved": "已生效 approved", "pending": "待批 pending"}
    print_table(
        "合同版本 versions",
        [
            ("合同 contract", False),
            ("版本 version", True),
            ("生效日 from", False),
            ("名称 title", False),
            ("录入 added by", False),
            ("批准 approved by", False),
            ("状态 status", False),
            ("指纹 sha256", False),
        ],
        [
            (
                row["contract"],
                row["version"],
                row["effective_from"],
                row["title"],
                row["added_by"],
                row["approved_by"],
                words[str(row["status"])],
                str(row["sha256"])[:12],
            )
            for row in rows
        ],
    )


@click.command(short_help="查看版本 show a version's terms")
@click.argument("contract")
@click.argument("version", type=click.IntRange(1), required=False)
@pass_session
@answering
def show(session: Session, contract: str, version: int | None) -> None:
    """输出一个版本的条款（JSON），默认最新一版 print a version's terms, by default the newest's."""
    with database.reader(session.settings) as connection:
        found = contracts.versions(connection, contract)
    chosen = next((v for v in reversed(found) if version in (None, v.version)), None)
    if chosen is None:
        known = ", ".join(f"v{v.version}" for v in found) or "无 none"
        raise refuse(
            f"没有这个版本 no such version: {contract} {version or ''}", f"已有 there are: {known}", column="version"
        )
    print_json({**_row(chosen), "terms": json.loads(json.dumps(chosen.terms.document()))})
