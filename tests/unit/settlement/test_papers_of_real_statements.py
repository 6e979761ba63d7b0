"""Papers of what the engine itself computes: several families at once, months one by one, a statement out of nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from config.contracts import load_contract
from settlement.contract import Terms
from settlement.facts import EventFact, OutageFact
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Adjustment, Before
from settlement.money import fen, grouped, taxed, yuan
from settlement.reports.cover import Cover
from settlement.reports.form import deductions, line_sum, rows_of
from settlement.reports.pdf import write_pdf
from settlement.reports.waterfall import steps_of
from settlement.reports.workbook import write_xlsx
from settlement.rules import (
    ALWAYS,
    MonthFacts,
    OnlineRate,
    PhaseFacts,
    PointMonth,
    count_facts,
    parse_rate,
    roster_facts,
)

POINTS = 120
SECONDS = {"2020-07": 31 * 86_400, "2020-08": 31 * 86_400, "2020-09": 30 * 86_400}
RULES = [
    {"id": "eliminated", "title": "点位剔费", "kind": "point-elimination", "hours": 168, "clause": "第七条"},
    {"id": "hourly", "title": "超时扣费", "kind": "hourly-percentage", "free_hours": 4, "share_per_hour": "0.02",
     "rounding": "ceil", "flat": {"hours": 25, "share": "0.5"}},
    {"id": "caption", "title": "字幕（OSD）错误", "kind": "unit-fine", "events": ["caption"], "fine": "50.00"},
]  # fmt: skip


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def point_months(month: str) -> tuple[PointMonth, ...]:
    """A point in three fails: for three hours, ten hours or ten days."""
    rows = []
    for n in range(0, POINTS, 3):
        hours = (3, 10, 240)[n // 3 % 3]
        start = at(f"{month}-05T00:00:00") + n * 60
        outage = OutageFact(f"P{n:03d}@{month}", start, start + hours * 3_600, hours * 3_600)
        rows.append(PointMonth(f"P{n:03d}", SECONDS[month] - hours * 3_600, SECONDS[month], (outage,)))
    return tuple(rows)


def months() -> tuple[MonthFacts, ...]:
    found = []
    for month, whole in SECONDS.items():
        points = point_months(month)
        counted = whole * POINTS
        rate = OnlineRate(counted - sum(point.counted - point.good for point in points), counted, "measured")
        events = tuple(
            EventFact(f"c{n}", "caption", f"P{n:03d}", at(f"{month}-1{n}T08:00:00"), source="巡检") for n in range(4)
        )
        found.append(MonthFacts(month, rate, None, points, events))
    return tuple(found)


def facts() -> dict[str, PhaseFacts]:
    known = months()
    rates = [month.rate for month in known if month.rate is not None]
    whole = OnlineRate(sum(rate.good for rate in rates), sum(rate.counted for rate in rates), "measured")
    two = roster_facts([(f"P{n:03d}", ALWAYS) for n in range(POINTS)], whole, known)
    plain = [MonthFacts(month, parse_rate(rate)) for month, rate in zip(SECONDS, ("0.80", "0.82", "0.8"), strict=True)]
    return {"phase-1": count_facts(50, parse_rate("0.8136"), plain), "phase-2": two}


def terms(**more: Any) -> Terms:
    body = load_contract(Path("xinjian")).document()
    rules = [{**rule, "phases": ["phase-2"]} for rule in RULES]
    return Terms.model_validate({**body, "rules": rules, **more})


def document(**more: Any) -> tuple[dict[str, Any], Cover]:
    gross = taxed(-123_456, terms().tax_rate, ())
    late = Adjustment("phase-1", "adjustment", gross, "停电剔除事后批准", "2020Q2/0/3")
    inputs = Inputs(terms(**more), 1, "2020Q3", facts(), before=Before(adjustments=(late,)), notes=("说明 note",))
    _, made, findings = settle_inputs(inputs)
    assert not [finding for finding in findings if finding.level == "error"]
    assert not made["not_settled"]
    return made, Cover(inputs.digest(), date(2020, 10, 9))


@pytest.mark.parametrize(
    "more",
    [{}, {"grain": "month"}, {"retention": {"share": "0.03", "released_on": "2024-06-30"}}],
    ids=["quarter", "month", "retention"],
)
def test_form_lines_points_and_picture_agree_with_the_statement(tmp_path: Path, more: dict[str, Any]) -> None:
    made, cover = document(**more)
    totals = {name: fen(amount) for name, amount in made["totals"].items()}
    assert totals["other_deduction"] == 12 * 5_000
    split = deductions(made)
    assert [sum(pair) for pair in split] == [line_sum(phase, "deduction") for phase in made["phases"]]
    assert (sum(fault for fault, _ in split), sum(other for _, other in split)) == (
        totals["fault_deduction"], totals["other_deduction"],
    )  # fmt: skip
    assert split[0][1] == 0
    for row in rows_of(made, cover):
        if row.sort == "fen" and row.total is not None and None not in row.values:
            assert sum(int(value or 0) for value in row.values) == row.total, row.zh
    level = 0
    for step in steps_of(made):
        assert step.sort == "change" or not level or step.amount_fen == level, step
        level = step.amount_fen if step.sort == "total" else level + step.amount_fen
    write_xlsx(made, tmp_path / "a.xlsx", cover)
    write_pdf(made, tmp_path / "a.pdf", cover)
    text = "".join("".join(page.extract_text() for page in PdfReader(tmp_path / "a.pdf").pages).split())
    for phase in made["phases"]:
        for line in phase["lines"]:
            assert grouped(fen(line["gross"])) in text, line
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    points = book.get_sheet_by_name("点位明细").to_python()
    assert len(points) == 3 + POINTS
    due = [line for line in made["phases"][1]["lines"] if line["kind"] == "payable"]
    assert f"{points[1][4]:.2f}" == yuan(sum(fen(line["gross"]) for line in due))
    eliminated = next(row for row in points if row[2] == "P006")
    assert "eliminated" in eliminated[8]
    assert eliminated[6:8] == [3, 720]


def test_the_quarter_before_the_first_is_a_paper_of_prepayments(tmp_path: Path) -> None:
    inputs = Inputs(terms(), 1, "2019Q2", {"phase-1": count_facts(50, None)})
    _, made, _ = settle_inputs(inputs)
    cover = Cover(inputs.digest(), date(2019, 6, 30))
    write_xlsx(made, tmp_path / "a.xlsx", cover)
    write_pdf(made, tmp_path / "a.pdf", cover)
    text = "".join("".join(page.extract_text() for page in PdfReader(tmp_path / "a.pdf").pages).split())
    assert "114,750.00" in text  # 50 × 850 × 3 × 90 %
    assert "人民币壹拾壹万肆仟柒佰伍拾元整" in text
    assert steps_of(made)[-1].amount_fen == 11_475_000
