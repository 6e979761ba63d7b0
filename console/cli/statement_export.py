"""`camsla statement export`: a statement as workbook, PDF, picture and data."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from console.app import database
from console.cli.frame import Session, answering, pass_session, progress_bar, write_out
from console.quarters.papers import Papers, cover_of
from console.worker import in_worker
from monitor.finding import refuse
from settlement.reports.cover import Cover
from settlement.store import statements

DEADLINE_S = 120.0
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="结算单文件 workbook and PDF of a statement")
@click.argument("contract")
@click.argument("quarter")
@click.option("--revision", type=click.IntRange(0), help="版次，默认最新 a revision; default: the newest")
@click.option("--xlsx", type=_FILE, help="电子表格 workbook")
@click.option("--pdf", type=_FILE, help="费用结算单 PDF")
@click.option("--svg", type=_FILE, help="从应计服务费到净额的图 the waterfall picture")
@click.option("--json", "body", type=_FILE, help="结算单数据 the statement's document (canonical JSON)")
@click.option("--inputs", type=_FILE, help="冻结的输入 the frozen inputs (canonical JSON)")
@click.option(
    "--deadline",
    type=click.FloatRange(0, 3_600, min_open=True),
    default=DEADLINE_S,
    show_default=True,
    metavar="SECONDS",
    help="最长用时 how long it may take",
)
@pass_session
@answering
def export(
    session: Session,
    contract: str,
    quarter: str,
    revision: int | None,
    xlsx: Path | None,
    pdf: Path | None,
    svg: Path | None,
    body: Path | None,
    inputs: Path | None,
    deadline: float,
) -> None:
    """把结算单写成电子表格、PDF、图和数据；不指定文件时写电子表格和 PDF 到当前目录。

    Write a statement's files. Without any option: workbook and PDF in the current directory.
    """
    with database.reader(session.settings) as connection:
        stored = statements.require(connection, contract, quarter, revision)
        cover = cover_of(connection, stored)
    if not any((xlsx, pdf, svg, body, inputs)):
        name = f"{stored.contract}-{stored.quarter}-r{stored.revision}"
        xlsx, pdf = Path(f"{name}.xlsx"), Path(f"{name}.pdf")
    wanted = [path for path in (xlsx, pdf, svg, body, inputs) if path is not None]
    _check(wanted)
    if body is not None:
        write_out(body, stored.body)
    if inputs is not None:
        write_out(inputs, stored.inputs)
    _write(stored.document, cover, {"xlsx": xlsx, "pdf": pdf, "svg": svg}, deadline)
    for path in wanted:
        click.echo(f"已写入 written: {path}")


def _check(paths: list[Path]) -> None:
    if len(set(paths)) != len(paths):
        raise refuse("同一文件给了两次 one file is named twice", "各用一个文件名 one name each", column="files")
    for path in paths:
        if not path.absolute().parent.is_dir():
            raise refuse("没有这个目录 no such directory", "先建目录 make it first", file=str(path))


def _write(document: Mapping[str, Any], cover: Cover, files: Mapping[str, Path | None], deadline_s: float) -> None:
    """Write the files in a worker, beside their places, and put them there when all are done; else nothing stays."""
    parts = {kind: (path, path.with_name(path.name + ".part")) for kind, path in files.items() if path is not None}
    if not parts:
        return
    bar, moved = progress_bar("点位 points")
    try:
        with tempfile.TemporaryDirectory(prefix="camsla-") as scratch, bar:
            written = {kind: part for kind, (_, part) in parts.items()}
            in_worker(Papers(document, cover, **written, scratch=Path(scratch)), deadline_s, moved)
        for path, part in parts.values():
            part.replace(path)
    finally:
        for _, part in parts.values():
            part.unlink(missing_ok=True)
