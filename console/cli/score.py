"""`camsla score`: an evaluator's scorecard, filled from a file of inputs and from the store; and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import click

from config.rubrics import Read, findings, load_inputs, load_rubric, shipped, usable, with_inputs
from console.app import database
from console.cli.contract_named import named_contract
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, write_out
from console.cli.score_advice import advice
from console.evaluator import scoring
from monitor.finding import Finding, InputError
from monitor.period import parse_period
from settlement.scorecard.blank import blank
from settlement.scorecard.card import Card, card_document, fill
from settlement.scorecard.input_lint import input_flaws
from settlement.scorecard.inputs import Measured, ScoreInputs
from settlement.scorecard.printed import exact_text, plain
from settlement.scorecard.rubric import Measure, Rubric
from settlement.scorecard.rubric_lint import rubric_flaws

RUBRIC = click.Path(path_type=Path)


class _Scoring(click.Group):
    """`camsla score RUBRIC …` is `camsla score fill RUBRIC …`: the first word is a verb only if it is one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["fill", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Scoring,
    short_help="绩效评分 an evaluator's scorecard",
    subcommand_metavar="RUBRIC … | lint RUBRIC … | form RUBRIC | list | advice CONTRACT YEAR …",
)
def score() -> None:
    """绩效评分：`camsla score RUBRIC --inputs FILE` 即 `camsla score fill …`。

    An evaluator's scorecard. RUBRIC is a YAML file, or the name of one that ships (camsla score list).
    """


score.add_command(advice)


@score.command("list", short_help="随附的评分表 the rubrics that ship")
@json_option
@answering
def list_(as_json: bool) -> None:
    """列出随附的评分表 list the rubrics that ship with the product."""
    rows = [(name, load_rubric(Path(name)).value) for name in shipped()]
    if as_json:
        print_json(
            [
                {
                    "rubric": name,
                    "title": rubric.title,
                    "as_printed": rubric.as_printed,
                    "inputs": name in with_inputs(),
                }
                for name, rubric in rows
            ]
        )
        return
    print_table(
        "随附的评分表 rubrics",
        [("名称 name", False), ("标题 title", False), ("转载 as printed", False), ("随附数据 inputs", False)],
        [
            (
                name,
                rubric.title,
                "是 yes" if rubric.as_printed else "否 no",
                f"--inputs {name}" if name in with_inputs() else f"无 none：score form {name}",
            )
            for name, rubric in rows
        ],
    )


@score.command(short_help="空白数据文件 an empty file of inputs for a rubric")
@click.argument("rubric", type=RUBRIC)
@answering
def form(rubric: Path) -> None:
    """输出待填的数据文件：每个指标要填什么、分值多少。

    Print a file of inputs to be filled in: what each indicator needs, and its weight.
    """
    click.echo(blank(load_rubric(rubric).value), nl=False)


@score.command("fill", short_help="评分 score a rubric (the verb may be left out)")
@click.argument("rubric", type=RUBRIC)
@click.option("--inputs", "inputs_file", type=RUBRIC, help="数据文件 inputs (YAML)，或随附的名称 or a shipped name")
@click.option("--from-store", is_flag=True, help="由监测与账册自动取数 fill what the product measures itself")
@click.option("--contract", type=click.Path(path_type=Path), help="合同 contract，与 --from-store 同用")
@click.option("--period", help="2020Q3 | 2020-01-01..2020-12-31，与 --from-store 同用")
@click.option("--partial", is_flag=True, help="允许缺项 allow indicators without input")
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), help="另存考核评分表 write the sheet as XLSX")
@json_option
@pass_session
@answering
def fill_(
    session: Session,
    rubric: Path,
    inputs_file: Path | None,
    from_store: bool,
    contract: Path | None,
    period: str | None,
    partial: bool,
    xlsx: Path | None,
    as_json: bool,
) -> None:
    """逐项评分并列出算式、扣分原因与佐证编号。

    Score every indicator with its arithmetic, its reason and its evidence; group sums, total and grade.
    """
    if from_store != (contract is not None) or from_store != (period is not None):
        raise click.UsageError("--from-store、--contract、--period 须同时给出 need each other")
    if inputs_file is None and not from_store:
        raise click.UsageError("须给出 --inputs 或 --from-store give one of them, or both")
    form = load_rubric(rubric)
    usable(form)
    given = load_inputs(inputs_file) if inputs_file is not None else None
    measured: Mapping[Measure, Measured] = {}
    doubts: list[Finding] = []
    if from_store:
        measured, doubts = _measured(session, form.value, cast(Path, contract), cast(str, period))
    inputs = given.value if given is not None else ScoreInputs(rubric=form.value.rubric, period=period or "")
    card = fill(form.value, inputs, measured)
    notices = [*doubts, *_checked(card, form, given, partial)]
    if xlsx is not None:
        from settlement.reports.score_sheet import sheet  # noqa: PLC0415  only this option needs a spreadsheet writer

        write_out(xlsx, sheet(card, [_on_paper(notice) for notice in notices]))
    if as_json:
        print_json({**card_document(card), "notices": [_json(notice) for notice in notices]})
        return
    _show(card)
    _say(notices)
    if xlsx is not None:
        click.echo(f"已写入 written: {xlsx}")


def _measured(
    session: Session, rubric: Rubric, contract: Path, period: str
) -> tuple[Mapping[Measure, Measured], list[Finding]]:
    wanted = {row.auto for row in rubric.indicators if row.auto is not None}
    terms, span = named_contract(session, contract), parse_period(period)
    with database.reader(session.settings) as connection:
        return scoring.measure(connection, terms, span, wanted, database.now())


UNUSABLE = {"missing", "undefined-value", "unknown", "other-rubric", "no-source", "rest-not-needed"}
"""What makes inputs unusable for scoring; everything else is said beside the score."""


def _checked(card: Card, form: Read[Rubric], given: Read[ScoreInputs] | None, partial: bool) -> list[Finding]:
    """Return what does not fit, as `score lint` says it; InputError where the inputs cannot be scored with."""
    flaws = input_flaws(card)
    open_ = {"missing"} if partial else set()
    wrong = [f for f in flaws if f.kind in UNUSABLE - open_ or (f.kind == "above-weight" and not form.value.as_printed)]
    if wrong:
        raise InputError(findings(wrong, form, given))
    doubtful = [flaw for flaw in [*rubric_flaws(form.value), *flaws] if flaw.level != "note"]
    return findings(doubtful, form, given)


@score.command(short_help="检查评分表 what is wrong with a rubric and its inputs")
@click.argument("rubric", type=RUBRIC)
@click.option("--inputs", "inputs_file", type=RUBRIC, help="数据文件 inputs (YAML)，或随附的名称 or a shipped name")
@json_option
@answering
def lint(rubric: Path, inputs_file: Path | None, as_json: bool) -> None:
    """检查评分表及其数据：分档缺口、权重、合计、问卷百分比、日期、同一数量多值。有错误则退出码 1。

    What does not fit in a rubric and its inputs. Exit 1 if there are errors.
    """
    form = load_rubric(rubric)
    given = load_inputs(inputs_file) if inputs_file is not None else None
    flaws = rubric_flaws(form.value)
    if given is not None:
        flaws += input_flaws(fill(form.value, given.value))
    told = sorted(zip(findings(flaws, form, given), flaws, strict=True), key=lambda pair: _ORDER[pair[1].level])
    errors = sum(1 for flaw in flaws if flaw.level == "error")
    warnings = sum(1 for flaw in flaws if flaw.level == "warning")
    if as_json:
        print_json(
            {
                "rubric": form.value.rubric,
                "errors": errors,
                "warnings": warnings,
                "findings": [{"kind": flaw.kind, **_json(finding)} for finding, flaw in told],
            }
        )
    else:
        for finding, _ in told:
            click.echo(f"{_LEVELS[finding.level]}: {finding}")
        if given is None and rubric.name in shipped():
            click.echo(_beside(rubric.name), err=True)
        click.echo(f"错误 errors: {errors}，警告 warnings: {warnings}，提示 notes: {len(flaws) - errors - warnings}")
    if errors:
        raise SystemExit(1)


def _beside(name: str) -> str:
    """What a shipped rubric can be checked with."""
    if name in with_inputs():
        return f"随附的数据未检查 its shipped inputs are not looked at: --inputs {name}"
    return f"没有随附数据 it ships without inputs: camsla score form {name} > FILE"


_ORDER = {"error": 0, "warning": 1, "note": 2}
_LEVELS = {"error": "错误 error", "warning": "警告 warning", "note": "提示 note"}


def _json(finding: Finding) -> dict[str, object]:
    return {
        "level": finding.level,
        "file": finding.file,
        "line": finding.line,
        "place": finding.column,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _on_paper(notice: Finding) -> str:
    """A notice without the folders of this machine."""
    place = f"{Path(notice.file).name}:{notice.line}: " if notice.file else ""
    return f"{place}{notice.message} → {notice.remedy}"


def _say(notices: list[Finding]) -> None:
    for notice in notices:
        click.echo(f"{_LEVELS.get(notice.level, _LEVELS['error'])}: {notice}", err=True)


STATUS_ZH = {
    "not-printed": "未印出 not printed",
    "missing": "待填 missing",
    "undefined": "未规定 undefined",
}


def _points(points: object) -> str:
    return "未印出" if points is None else plain(points)  # type: ignore[arg-type]  # a Fraction, or None


def _show(card: Card) -> None:
    for group in card.groups:
        contained = "（得分已含在其他组 contained in other groups）" if group.group.contained else ""
        rows: list[tuple[object, ...]] = []
        for row in group.rows:
            value = plain(row.score) if row.score is not None else STATUS_ZH.get(row.status, row.status)
            rows.append(
                (
                    row.indicator.id,
                    row.indicator.title + ("*" if row.measured else ""),
                    _points(row.indicator.weight),
                    value,
                    row.arithmetic,
                    "" if row.reason == row.arithmetic else row.reason,
                    "，".join(row.evidence),
                )
            )
        if group.group.unlisted != 0 or group.rest is not None:
            rest = group.rest
            known = plain(rest.score) if rest else STATUS_ZH["not-printed"]
            rows.append(("", "其余（未逐项印出）the rest", "", known, rest.why if rest else "", "", ""))
        more = " + 未印出" if group.silent else ""
        print_table(
            f"{group.group.title}{contained} · {plain(group.score)}{more} / {_points(group.group.whole)}",
            [
                ("编号 id", False),
                ("指标 indicator", False),
                ("分值 weight", True),
                ("得分 score", True),
                ("算式 arithmetic", False),
                ("扣分原因 reason", False),
                ("佐证 evidence", False),
            ],
            rows,
        )
    if card.rest is not None:
        click.echo(f"其余未逐项印出 the rest: {exact_text(card.rest.score)}（{card.rest.why}）")
    if any(row.measured for group in card.groups for row in group.rows):
        click.echo("* 本系统自动取数 measured by the product")
    if card.complete:
        click.echo(f"总分 total: {exact_text(card.total)} / {plain(card.rubric.total)}　等级 grade: {card.grade}")
    else:
        click.echo(
            f"未完成 not complete: {exact_text(card.total)} / {plain(card.rubric.total)}（缺项 some are missing）"
        )
