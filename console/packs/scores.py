"""What an evaluator's scorecard takes from the product, as a table and as data; and the card itself where a rubric is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Connection

from config.rubrics import load_inputs, load_rubric, usable
from console.evaluator import scoring
from console.packs import people
from monitor.finding import Finding
from monitor.model import Instant
from monitor.period import Period
from settlement.contract import Terms
from settlement.scorecard.card import card_document, fill
from settlement.scorecard.inputs import Measured, ScoreInputs
from settlement.scorecard.rubric import Measure

MEASURES = ("指标 measure", "分子 num", "分母 den", "来源 source", "依据 evidence")
CARD = (
    "编号 id",
    "一级 group",
    "指标 indicator",
    "分值 weight",
    "得分 score",
    "算式 arithmetic",
    "扣分原因 reason",
    "佐证 evidence",
    "来源 source",
)
ZH: Mapping[str, str] = {
    "online-rate": "在线率",
    "integrity": "设备完好率",
    "access-rate": "接入率",
    "budget-execution": "预算执行率",
    "funds-in-place": "资金到位率",
    "payment-timeliness": "支付及时率",
    "payment-late-days": "最长逾期天数",
    "saving-rate": "成本节约率",
}


def members(
    connection: Connection, terms: Terms, period: Period, at: Instant, rubric: Path | None, inputs: Path | None
) -> dict[str, bytes]:
    """Return the members: what was measured as known at `at`, and with a rubric the filled card. InputError as from the rubric."""
    found, missing = scoring.measure(connection, terms, period, get_args(Measure), at)
    told = {name: _measured(its) for name, its in sorted(found.items())}
    data: dict[str, Any] = {
        "period": period.label,
        "measures": told,
        "missing": [finding.message for finding in missing],
    }
    result = {
        "csv/scoring.csv": b"".join(people.table(MEASURES, _rows(found, missing))),
        "csv/scoring.json": _json(data),
    }
    if rubric is not None:
        form = load_rubric(rubric)
        usable(form)
        given = (
            ScoreInputs(rubric=form.value.rubric, period=period.label) if inputs is None else load_inputs(inputs).value
        )
        card = card_document(fill(form.value, given, found))
        result["csv/scorecard.json"] = _json(card)
        result["csv/scorecard.csv"] = b"".join(people.table(CARD, _card(card)))
    return result


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _measured(measured: Measured) -> dict[str, Any]:
    return {"num": measured.num, "den": measured.den, "source": measured.source, "evidence": list(measured.evidence)}


def _rows(found: Mapping[Measure, Measured], missing: Sequence[Finding]) -> Iterator[Sequence[object]]:
    for name, its in sorted(found.items()):
        yield (f"{ZH[name]} {name}", its.num, its.den, its.source, "，".join(its.evidence))
    for finding in missing:
        yield (
            f"{ZH.get(finding.column, '')} {finding.column}",
            None,
            None,
            f"未取得 not known: {finding.message}",
            None,
        )


def _card(card: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for group in card["groups"]:
        for row in group["indicators"]:
            evidence = "，".join(row["evidence"])
            figures = (row["weight"], row["score"], row["arithmetic"], row["reason"], evidence, row["source"])
            yield (row["id"], group["title"], row["title"], *figures)
    yield (
        "",
        "",
        "总分 total",
        card["out_of"],
        card["total"],
        "" if card["complete"] else "未完成 not complete",
        card["grade"],
        "",
        "",
    )
