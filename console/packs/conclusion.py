"""验证结论页: on one page what the product's own check of this very content looked at, what it found, and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from console.log.roles import beside, both
from console.packs.report import OUTCOMES, PhaseFigures, Report, Witness
from console.packs.story import Story, issued_word
from settlement.capitals import capitals
from settlement.money import fen, grouped, round_half_up
from settlement.reports.paper import shown

PHASES = 5
REMARKS = 4
WITNESSES = 6
_LONGEST = 100
"""Characters of a text; so much of everything fits one page."""
_VERDICTS: Mapping[int, tuple[str, str]] = {
    0: ("全部检查通过", "everything checked holds"),
    1: ("有检查未通过，本包不可采信", "something does not hold: do not rely on this pack"),
    3: (
        "已检查的全部通过，另有未能重算的项目（见下）",
        "what was checked holds, not all could be (below)",
    ),
}


def page_of(story: Story, report: Report) -> dict[str, Any]:
    """Return the page as strings for its template; long lists are cut and say how much is left out."""
    zh, en = _verdict(story, report)
    sealed = story.sealed
    return {
        "title": "验证结论页",
        "number": shown(story.name),
        "digest": story.inputs_sha,
        "verdict": {"zh": zh, "en": en, "ok": report.exit == 0 and not story.lacking, "failed": report.exit == 1},
        "pairs": [
            [
                "项目 / 合同",
                shown(f"{story.terms.title or story.terms.contract}（{story.terms.contract} v{story.version}）"),
            ],
            ["期间", f"{story.period}（{story.first} 至 {story.last}）"],
            ["记录日志", shown(f"{sealed.origin}：{sealed.first} 至 {sealed.last}，{sealed.records:,} 条 records")],
            [
                "点位",
                f"{story.points:,}" + ("" if story.subset is None else f"，本包只含 this pack: {len(story.subset):,}"),
            ],
            ["日志末端", shown(f"{sealed.size:,} · {sealed.root}")],
            ["结算单", shown(_statement(story))],
        ],
        "steps": [
            {
                "n": str(step.n),
                "zh": step.title[0],
                "en": step.title[1],
                "outcome": OUTCOMES[step.outcome],
                "ok": step.outcome == "ok",
                "detail": shown(_cut(step.detail)),
            }
            for step in report.steps
        ],
        "phases": [_phase(figures) for figures in report.phases[:PHASES]],
        "more": _more(report),
        "totals": _totals(story),
        "witnesses": [_witness(witness, story.terms.zone) for witness in report.witnesses[:WITNESSES]],
        "remarks": [shown(_cut(text)) for text in _remarks(report)],
        "software": shown(story.software),
    }


def _verdict(story: Story, report: Report) -> tuple[str, str]:
    """Say what came of it. A checkpoint that a witness has not signed is refused by whoever checks: it is never all right."""
    zh, en = _VERDICTS[report.exit]
    if not story.lacking or report.exit == 1:
        return zh, en
    return (
        f"{zh}；最后的检查点还缺见证签名，核验程序会判为不成立：{both(story.lacking)}",
        f"{en}, but witnesses have not signed: verifiers will refuse it",
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _statement(story: Story) -> str:
    if story.document is None:
        return "本期没有结算单 there is no statement of the period"
    word = issued_word(story)
    reading = story.document["reading"]
    return f"{story.document['quarter']} r{story.document['revision']}（{word}），口径 reading {reading}"


def percent(share: Fraction | None) -> str:
    """Write a rate with four decimals of a percent, rounded half up; a dash where there is none."""
    if share is None:
        return "—"
    rounded = round_half_up(share * 1_000_000)
    return f"{rounded // 10_000}.{rounded % 10_000:04d} %"


def hours(seconds: int) -> str:
    """Write seconds as hours with two decimals."""
    return grouped(round_half_up(Fraction(seconds, 36)))


def _phase(figures: PhaseFigures) -> list[str]:
    paid = "—" if figures.payable_fen is None else grouped(figures.payable_fen)
    return [
        shown(figures.title or figures.phase),
        f"{figures.points:,}",
        *(hours(part) for part in figures.seconds),
        percent(figures.value),
        f"{percent(figures.worst)} ～ {percent(figures.best)}",
        paid,
    ]


def _more(report: Report) -> str:
    left = len(report.phases) - PHASES
    return f"另有 {left} 个期次，见 method.html {left} more phases there" if left > 0 else ""


def _totals(story: Story) -> list[list[str]]:
    if story.document is None:
        return []
    totals = story.document["totals"]
    due = fen(totals["total"])
    return [
        ["应付金额 payable", grouped(fen(totals["payable"]))],
        ["本次应付净额 net due", f"{grouped(due)}（人民币{capitals(due)}）"],
    ]


def _witness(witness: Witness, zone: str) -> list[str]:
    """Name a signer; the collector's own signature carries no time."""
    if not witness.at:
        return ["采集方 collector", shown(witness.name), "—"]
    at = datetime.fromtimestamp(witness.at, ZoneInfo(zone)).isoformat(sep=" ", timespec="seconds")
    return [shown(f"见证方 witness {beside(witness.role)}".strip()), shown(witness.name), at]


def _remarks(report: Report) -> list[str]:
    texts = [*(f"不符 FAILED：{text}" for text in report.failures)]
    texts += [f"未重算 not recomputed：{text}" for text in report.open]
    left = len(texts) - REMARKS
    return [
        *texts[:REMARKS],
        *([f"另有 {left} 条，见验证程序的输出 {left} more in the verifier's output"] if left > 0 else []),
    ]
