"""`camsla evidence export` and `verify`: a pack for people who trust nobody, and the product's own check of one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from console.cli.evidence_progress import Progress
from console.cli.frame import Session, answering, existing, json_option, pass_session, print_json
from monitor.finding import refuse

DEADLINE_S = 3_600.0
MAX_POINTS_BYTES = 10_000_000
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="导出证据包 make a pack")
@click.option("--contract", required=True, help="合同 contract")
@click.option("--period", required=True, help="2020Q3 | 2020-07 | 2020-07-01..2020-09-30（含首尾 inclusive）")
@click.option("--out", "-o", type=_FILE, required=True, help="写到 write to, like pack.zip")
@click.option("--points", help="只含这些点位，用逗号分隔 these points only, with commas")
@click.option("--points-file", type=_FILE, help="只含文件所列点位，每行一个 these points only, one a line")
@click.option(
    "--until", default="", help="封存到哪一天为止，默认最后一天 the last sealed day to take; default: the newest"
)
@click.option(
    "--document",
    "documents",
    multiple=True,
    metavar="FILE:TITLE",
    help="附件，可多次；TITLE 与目录材料同名即补该项 attach a scan; a TITLE of the index fills that row",
)
@click.option("--rubric", type=click.Path(path_type=Path), help="附考核评分表 fill this scorecard too")
@click.option("--score-inputs", type=click.Path(path_type=Path), help="评分表的数据文件 its file of inputs")
@click.option("--trust", type=_FILE, help="结论页按此 trust.json 列见证 whose witnesses the conclusion page asks for")
@click.option(
    "--deadline",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=DEADLINE_S,
    show_default=True,
    metavar="SECONDS",
    help="最长用时 how long it may take",
)
@json_option
@pass_session
@answering
def export(
    session: Session,
    contract: str,
    period: str,
    out: Path,
    points: str | None,
    points_file: Path | None,
    until: str,
    documents: tuple[str, ...],
    rubric: Path | None,
    score_inputs: Path | None,
    trust: Path | None,
    deadline: float,
    as_json: bool,
) -> None:
    """把一期的封存记录、结算单及其输入、附件、目录、结论页和验证程序打成一个证据包。

    Pack a period: the sealed days, the statement with its frozen inputs, documents, index, conclusion page, tables, and the
    verifiers. The content is checked first; what does not hold is not written. The same content gives the same bytes.
    """
    from console.log.sealing import log_of  # noqa: PLC0415
    from console.packs.build import Packing  # noqa: PLC0415  only these commands need typesetter and log
    from console.packs.gather import Order  # noqa: PLC0415
    from console.worker import in_worker  # noqa: PLC0415

    if out.exists():
        raise refuse(
            "文件已存在，不覆盖 the file exists and is not overwritten", "换一个名称 choose another", file=str(out)
        )
    if not out.absolute().parent.is_dir():
        raise refuse("没有这个目录 no such directory", "先建目录 make it first", file=str(out))
    settings = session.settings
    order = Order(
        log_of(settings),
        contract,
        period.strip(),
        _points(points, points_file),
        until,
        tuple(_document(text) for text in documents),
        trust,
        rubric,
        score_inputs,
    )
    witnesses = tuple((witness.role, witness.key) for witness in settings.evidence.witnesses)
    part = out.with_name(out.name + ".part")
    try:
        with tempfile.TemporaryDirectory(prefix="camsla-") as scratch, Progress("核对并打包 checking, packing") as bar:
            answer = Path(scratch) / "answer.json"
            in_worker(Packing(order, part, answer, witnesses), deadline, bar.moved)
            said = json.loads(answer.read_text(encoding="utf-8"))
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        print_json({"file": str(out), **said})
        return
    _say(out, said)


def _say(out: Path, said: dict[str, Any]) -> None:
    click.echo(f"已写入 written: {out}（{said['bytes']:,} 字节 bytes）")
    click.echo(f"封存 {said['days']:,} 天 days，{said['records']:,} 条记录 records，{said['points']:,} 个点位 points")
    click.echo(f"结算单 statement: {said['statement'] or '无 none'}")
    for witness in said["witnesses"]:
        if witness["at"]:
            click.echo(f"见证 witness {witness['role']}: {witness['name']}")
    for text in said["open"]:
        click.echo(f"未重算 not recomputed: {text}")


def _points(listed: str | None, file: Path | None) -> tuple[str, ...] | None:
    """Read the points of `--points` and `--points-file`; None if neither is given."""
    if listed is None and file is None:
        return None
    codes: list[str] = [] if listed is None else listed.split(",")
    if file is not None:
        existing(file, "--points-file")
        if file.stat().st_size > MAX_POINTS_BYTES:
            raise refuse("文件过大 the file is too large", f"{MAX_POINTS_BYTES:,} 字节 bytes", file=str(file))
        try:
            codes += file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise refuse(
                f"不是 UTF-8 文本 not UTF-8: {error.reason}", "另存为 save it as UTF-8", file=str(file)
            ) from None
    found = tuple(sorted({code.strip() for code in codes if code.strip()}))
    if not found:
        raise refuse("没有点位 no points", "至少一个 name at least one", column="--points")
    return found


def _document(text: str) -> tuple[Path, str]:
    """Read FILE:TITLE; a colon in the file's name belongs to it."""
    name, colon, title = text.rpartition(":")
    path, title = (Path(name), title.strip()) if colon and name else (Path(text), "")
    if not path.exists() and Path(text).exists():
        path, title = Path(text), ""
    title = title or path.name
    if len(title) > 200 or not title.isprintable():
        raise refuse("标题无效 not a usable title", "1–200 个可见字符 printable characters", column="--document")
    return path, title


@click.command(short_help="核验证据包 check a pack with the product's own modules")
@click.argument("pack", type=_FILE)
@click.option(
    "--trust", type=_FILE, required=True, help="trust.json：另行取得的公钥 the pinned keys, got apart from the pack"
)
@json_option
@answering
def verify(pack: Path, trust: Path, as_json: bool) -> None:
    """用本产品自己的程序核验 PACK，与包内的 verifier.py、verifier.html 各自独立。

    Check a pack step by step. Exit 0: everything holds; 1: something does not; 2: called wrongly; 3: what was checked holds, but
    something could not be recomputed. verifier.py and verifier.html in the pack do the same with other code.
    """
    from console.packs.checking import check_file  # noqa: PLC0415  as above
    from console.packs.trust import read_trust  # noqa: PLC0415

    existing(pack, "pack")
    keys = read_trust(trust)
    with Progress("核验 checking") as bar:
        report = check_file(pack, keys, bar.moved)
    if as_json:
        print_json(_json(report))
    else:
        _show(report)
    if report.exit:
        raise SystemExit(report.exit)


def _json(report: Any) -> dict[str, Any]:
    from monitor.rates import six  # noqa: PLC0415  as above
    from settlement.money import yuan  # noqa: PLC0415

    return {
        "exit": report.exit,
        "steps": [
            {"n": step.n, "zh": step.title[0], "en": step.title[1], "outcome": step.outcome, "detail": step.detail}
            for step in report.steps
        ],
        "failures": list(report.failures),
        "open": list(report.open),
        "witnesses": [witness._asdict() for witness in report.witnesses],
        "phases": [
            {
                "phase": one.phase,
                "points": one.points,
                "seconds": one.seconds._asdict(),
                "good": one.good,
                "counted": one.counted,
                "rate": six(one.value),
                "worst": six(one.worst),
                "best": six(one.best),
                "payable": None if one.payable_fen is None else yuan(one.payable_fen),
            }
            for one in report.phases
        ],
        "total": None if report.total_fen is None else yuan(report.total_fen),
        "facts": dict(report.facts),
    }


def _show(report: Any) -> None:
    from console.packs.conclusion import percent  # noqa: PLC0415  as above
    from console.packs.report import OUTCOMES  # noqa: PLC0415
    from settlement.money import grouped  # noqa: PLC0415

    for step in report.steps:
        zh, en = step.title
        click.echo(f"{step.n} {OUTCOMES[step.outcome]}　{zh} {en}：{step.detail}")
    _list("不符 FAILED", report.failures)
    _list("未重算 not recomputed", report.open)
    for witness in report.witnesses:
        click.echo(f"签名 signed: {witness.role or '采集方 collector'} {witness.name}")
    for one in report.phases:
        paid = "" if one.payable_fen is None else f"，应付 payable {grouped(one.payable_fen)} 元"
        bounds = f"（{percent(one.worst)} ～ {percent(one.best)}）"
        click.echo(f"{one.phase}: 在线率 rate {percent(one.value)}{bounds}{paid}")
    click.echo(_VERDICTS[report.exit])


def _list(word: str, texts: Iterable[str]) -> None:
    for text in texts:
        click.echo(f"{word}: {text}")


_VERDICTS = {
    0: "全部成立 everything holds",
    1: "有不符 something does not hold",
    3: "检查过的都成立，有项目未能重算 all that was checked holds, something could not be recomputed",
}
