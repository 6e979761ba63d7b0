"""`camsla authority import`: a file in the authority's own format, or figures typed from paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from config.load import load_model
from console.app import database
from console.authority import receiving
from console.authority.mapping import Mapping, check_phases, mapping_of
from console.authority.periods import when_of
from console.authority.reading import Asked, read_authority
from console.authority.terms import terms_for
from console.authority.typed import Typed, read_typed, typed_values
from console.cli.frame import Session, actor_option, answering, existing, json_option, pass_session, print_json, report
from console.clock import today
from monitor.finding import Finding, InputError, refuse
from monitor.period import parse_period, quarter_of
from settlement.chosen import deadline
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.store.authority import Imported, Note, StoredFile, find_mapping

SHOWN_NOTES = 40


@dataclass(frozen=True, slots=True)
class Paper:
    """What is about to be stored: the figures' file, and the bytes of file and scan."""

    file: Imported
    body: bytes
    scan: tuple[str, bytes] | None


@click.command("import", short_help="导入公安数据 import the authority's figures")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--contract", required=True, help="合同编号或文件 contract, stored or a file")
@click.option(
    "--typed", "typed_file", type=click.Path(path_type=Path), help="手工录入的数（YAML） figures typed from paper"
)
@click.option("--figure", "values", multiple=True, metavar="PHASE@PERIOD=RATE", help="手工录入一个数 one typed figure")
@click.option("--mapping", "mapping_name", help="已存映射名或 YAML 文件 a saved mapping, or a file")
@click.option("--period", help="表中未写的期间 the period where the file names none: 2020Q3, 2020-07")
@click.option("--phase", help="表中未写的期次 the phase where the file names none")
@click.option("--reference", help="文号 document number；默认取自标题 by default from the title")
@click.option("--received", metavar="DATE", help="收到日期 when it came；默认今天 by default today")
@click.option(
    "--scan", type=click.Path(path_type=Path), help="盖章扫描件 the stamped scan；手工录入时必须 required for typed"
)
@click.option(
    "--replace", is_flag=True, help="整份更正：替代同期全部旧数 a whole correction: all earlier figures of its periods"
)
@click.option("--dry-run", is_flag=True, help="只看不存 read and show only")
@json_option
@actor_option
@pass_session
@answering
def import_(
    session: Session,
    file: Path | None,
    contract: str,
    typed_file: Path | None,
    values: tuple[str, ...],
    mapping_name: str | None,
    period: str | None,
    phase: str | None,
    reference: str | None,
    received: str | None,
    scan: Path | None,
    replace: bool,
    dry_run: bool,
    as_json: bool,
    actor: str,
) -> None:
    """导入公安核定在线率 FILE（CSV、XLSX、XLS），或手工录入；另一人核对后才计入。

    Import the authority's figures as its file has them, or as typed from paper. They count once another person has checked
    them. What does not fit is noted and reconciled later; only a file that cannot be read is refused.
    """
    if sum((file is not None, typed_file is not None, bool(values))) != 1:
        raise click.UsageError("给出 FILE、--typed 或 --figure，三者取一 give a file, --typed or --figure")
    terms = terms_for(session.settings, contract)
    asked = _asked(terms, period, phase)
    day = _day(received)
    typed: Typed | None = None
    if file is not None:
        name, mapping = _mapping(session, mapping_name, terms)
        read = read_authority(existing(file, "authority"), terms, mapping, asked)
        imported = Imported(
            read.sha256,
            terms.contract,
            file.name,
            reference or read.reference,
            name,
            typed=False,
            replaces=replace,
            received_on=(day or today(terms.zone)).isoformat(),
            scan_sha=None,
            notes=read.notes,
            figures=read.figures,
        )
        body = file.read_bytes()
    else:
        if scan is None:
            raise refuse("手工录入须附扫描件 typed figures need their scan", "--scan FILE", column="scan")
        typed = read_typed(existing(typed_file, "typed"), terms) if typed_file else typed_values(values, terms)
        imported = _typed(typed, terms, reference, day, replace)
        body = typed.body
    paper = Paper(imported, body, None if scan is None else (scan.name, existing(scan, "scan").read_bytes()))
    stored, added = (None, False) if dry_run else _store(session, paper, actor)
    late = _late(terms, imported) if day is None and (typed is None or typed.sheet.received_on is None) else []
    report(late)
    _show(imported, stored, late, added=added, as_json=as_json)


def _asked(terms: Terms, period: str | None, phase: str | None) -> Asked:
    findings: list[Finding] = []
    if period is not None:
        when = when_of(period)
        if when is None or when.label(None) is None:
            text = f"不是带年份的月份或季度 not a month or quarter with its year: {period[:40]!r}"
            findings.append(Finding("", 0, "period", text, "2020Q3, 2020-07"))
    if phase is not None and terms.phase(phase) is None:
        known = ", ".join(its.id for its in terms.phases)
        findings.append(Finding("", 0, "phase", f"未知的期次 unknown phase: {phase[:40]!r}", known))
    if findings:
        raise InputError(findings)
    return Asked(period, phase)


def _late(terms: Terms, file: Imported) -> list[Finding]:
    """Warn where today, taken for want of a date, makes a file late that may have come long ago."""
    received = date.fromisoformat(file.received_on)
    quarters = sorted({quarter_of(parse_period(figure.period).first).label for figure in file.figures})
    last = [(label, deadline(terms.authority, parse_quarter(label))) for label in quarters]
    missed = [f"{label}（{day}）" for label, day in last if day is not None and received > day]
    if not missed:
        return []
    text = (
        f"未写收到日期，按今天 {received} 计，迟于合同约定 no date of receipt is given: as of today it is late, due by: "
        f"{'、'.join(missed)}"
    )
    return [Finding("", 0, "received", text, "补录的文件写明 --received for files entered afterwards", "warning")]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(f"不是日期 not a date: {text[:40]!r}", "2020-10-12", column="received") from None


def _mapping(session: Session, name: str | None, terms: Terms) -> tuple[str, Mapping]:
    if name is None:
        return "", Mapping()
    path = Path(name)
    if path.suffix.lower() in {".yaml", ".yml"}:
        label, mapping = path.name, load_model(existing(path, "mapping"), Mapping)
    else:
        with database.reader(session.settings) as connection:
            saved = find_mapping(connection, name)
        if saved is None:
            raise refuse(f"没有这个映射 no such mapping: {name}", "camsla authority mapping list", column="mapping")
        label, mapping = f"{saved.name}@{saved.version}", mapping_of(saved.body)
    check_phases(mapping, tuple(phase.id for phase in terms.phases))
    return label, mapping


def _typed(typed: Typed, terms: Terms, reference: str | None, day: date | None, replace: bool) -> Imported:
    received = day or typed.sheet.received_on or today(terms.zone)
    return Imported(
        typed.sha256,
        terms.contract,
        typed.name,
        reference or typed.sheet.reference,
        "",
        typed=True,
        replaces=replace,
        received_on=received.isoformat(),
        scan_sha=None,
        notes=(),
        figures=typed.figures,
    )


def _store(session: Session, paper: Paper, actor: str) -> tuple[StoredFile, bool]:
    scan = None if paper.scan is None else receiving.Scan(*paper.scan)
    arrival = receiving.Arrival(paper.file, paper.body, scan)
    at = database.now()
    with database.open_writer(session.settings) as writer:
        return receiving.bring_in(writer, arrival, at=at, actor=actor)


def _show(file: Imported, stored: StoredFile | None, late: Sequence[Finding], *, added: bool, as_json: bool) -> None:
    periods = sorted({figure.period for figure in file.figures})
    points = len({figure.code for figure in file.figures if figure.of_point})
    status = "dry-run" if stored is None else stored.status
    if as_json:
        print_json(
            {
                "sha256": file.sha256,
                "contract": file.contract,
                "name": file.name,
                "reference": file.reference,
                "typed": file.typed,
                "received_on": file.received_on,
                "status": status,
                "added": added,
                "figures": len(file.figures),
                "points": points,
                "periods": periods,
                "notes": [{"line": line, "text": text} for line, text in file.notes],
                "warnings": [finding.message for finding in late],
            }
        )
        return
    click.echo(f"{file.name} · {file.sha256[:12]} · 文号 reference {file.reference or '（无 none）'}")
    level = f"{points:,} 个点位 points" if points else "按期次 of phases"
    click.echo(f"{len(file.figures):,} 个数 figures，{level}，{'、'.join(periods)}")
    click.echo(f"收到 received {file.received_on}{'（按今天计，迟到 as of today: late）' if late else ''}")
    _show_notes(file.notes)
    if stored is None:
        click.echo("未保存 not stored (--dry-run)")
    elif not added:
        click.echo(f"此前已导入 imported before，{stored.status}")
    else:
        click.echo(f"待另一人核对 to be checked by another person: camsla authority check {file.sha256[:12]}")


def _show_notes(notes: tuple[Note, ...]) -> None:
    for line, text in notes[:SHOWN_NOTES]:
        click.echo(f"· {f'第 {line} 行 line: ' if line else ''}{text}")
    if len(notes) > SHOWN_NOTES:
        click.echo(f"· 另有 and {len(notes) - SHOWN_NOTES} more (--json)")
