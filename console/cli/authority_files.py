"""`camsla authority check|withdraw|list|show`: files that came, and who vouches for them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.authority import receiving
from console.cli.frame import Session, actor_option, answering, json_option, pass_session, print_json, print_table
from monitor.finding import refuse
from settlement.readings import percent
from settlement.store import authority as store
from settlement.store.authority import StoredFile

STATUS_ZH = {"pending": "待核对 pending", "checked": "已核对 checked", "withdrawn": "已撤回 withdrawn"}
contract_option = click.option("--contract", help="合同编号 contract")


@click.command(short_help="另一人核对 a second person checks a file")
@click.argument("sha")
@contract_option
@actor_option
@pass_session
@answering
def check(session: Session, sha: str, contract: str | None, actor: str) -> None:
    """对照原件核对后确认；录入人不能核对自己录入的文件。

    Confirm that the figures are those of the paper; nobody checks what they brought in themselves.
    """
    at = database.now()
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        file = store.find_file(connection, sha, contract)
        receiving.confirm(writer, connection, file, at=at, actor=actor)
    click.echo(f"已核对 checked: {file.name} {file.sha256[:12]}，{file.figures:,} 个数 figures")


@click.command(short_help="撤回 withdraw a file")
@click.argument("sha")
@click.option("--reason", required=True, help="理由 reason")
@contract_option
@actor_option
@pass_session
@answering
def withdraw(session: Session, sha: str, reason: str, contract: str | None, actor: str) -> None:
    """撤回一个文件；被它替代的数恢复有效 take a file out of account; what it had replaced stands again."""
    why = reason.strip()
    if not why:
        raise refuse("须写理由 a reason is needed", "--reason", column="reason")
    at = database.now()
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        file = store.find_file(connection, sha, contract)
        receiving.take_back(writer, connection, file, why, at=at, actor=actor)
    click.echo(f"已撤回 withdrawn: {file.name} {file.sha256[:12]}")


@click.command("list", short_help="列出文件 list the files")
@contract_option
@json_option
@pass_session
@answering
def list_(session: Session, contract: str | None, as_json: bool) -> None:
    """列出导入的文件及其状态 list the files and where they stand."""
    zone = ZoneInfo(session.settings.zone)
    with database.reader(session.settings) as connection:
        files = store.list_files(connection, contract)
    if as_json:
        print_json([_json(file, zone) for file in files])
        return
    print_table(
        "公安数据文件 the authority's files",
        [
            ("指纹 digest", False),
            ("合同 contract", False),
            ("文件 file", False),
            ("文号 reference", False),
            ("收到 received", False),
            ("数 figures", True),
            ("录入 by", False),
            ("核对 checked by", False),
            ("状态 status", False),
        ],
        [
            (
                file.sha256[:12],
                file.contract,
                file.name + ("（手工 typed）" if file.typed else ""),
                file.reference,
                file.received_on,
                f"{file.figures:,}",
                file.actor,
                file.checked_by,
                STATUS_ZH[file.status],
            )
            for file in files
        ],
    )


@click.command(short_help="列出一个文件的数 show a file's figures")
@click.argument("sha")
@contract_option
@json_option
@pass_session
@answering
def show(session: Session, sha: str, contract: str | None, as_json: bool) -> None:
    """列出一个文件的数，供对照原件 show a file's figures, to compare them with the paper."""
    zone = ZoneInfo(session.settings.zone)
    with database.reader(session.settings) as connection:
        file = store.find_file(connection, sha, contract)
        figures = store.figures_of(connection, file)
    if as_json:
        rows = [{name: value for name, value in figure._asdict().items() if name != "file"} for figure in figures]
        print_json({**_json(file, zone), "notes": [list(note) for note in file.notes], "rows": rows})
        return
    print_table(
        f"{file.name} · {file.reference} · {file.sha256[:12]}",
        [
            ("行 line", True),
            ("期次 phase", False),
            ("点位 point", False),
            ("设备编码 device", False),
            ("期间 period", False),
            ("原文 as written", False),
            ("在线率 rate", True),
            ("点位数 points", True),
        ],
        [
            (f.line, f.phase, f.point, f.device, f.period, f.text, percent(f.value), f.points if f.points else "")
            for f in figures
        ],
    )
    for line, text in file.notes:
        click.echo(f"· {f'第 {line} 行 line: ' if line else ''}{text}")


def _json(file: StoredFile, zone: ZoneInfo) -> dict[str, object]:
    def local(instant: int | None) -> str | None:
        return None if instant is None else datetime.fromtimestamp(instant / 1e6, zone).isoformat(timespec="seconds")

    return {
        "sha256": file.sha256,
        "contract": file.contract,
        "revision": file.revision,
        "name": file.name,
        "reference": file.reference,
        "mapping": file.mapping,
        "typed": file.typed,
        "replaces": file.replaces,
        "received_on": file.received_on,
        "scan_sha256": file.scan_sha,
        "figures": file.figures,
        "actor": file.actor,
        "recorded_at": local(file.recorded_at),
        "checked_by": file.checked_by or None,
        "checked_at": local(file.checked_at),
        "status": file.status,
        "withdrawn_by": file.withdrawn_by or None,
        "withdrawn_why": file.withdrawn_why or None,
    }
