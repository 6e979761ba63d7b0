"""The waterfall: its steps add up, its bars lie within the picture, its labels never meet, its texts are escaped."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from settlement.reports.waterfall import WIDTH, Step, draw, steps_of
from tests.statement_papers import statement

SVG = "{http://www.w3.org/2000/svg}"


def test_the_steps_of_a_statement_lead_from_full_fee_to_what_is_due() -> None:
    steps = steps_of(statement())
    assert [(step.zh, step.amount_fen) for step in steps] == [
        ("应计服务费", 443_400_000),
        ("故障扣款", -70_686_360),
        ("其他考核扣款", -60_000),
        ("应付金额", 372_653_640),
        ("已预付", -399_060_000),
        ("多退少补", -26_406_360),
        ("以前期调整", 1_234_567),
        ("下季预付", 399_060_000),
        ("本次应付净额", 373_888_207),
    ]


def test_every_total_is_where_the_changes_before_it_end() -> None:
    document = statement()
    for kind, amount in (("retention", "50000.00"), ("retention_release", "700.00"), ("interest", "12.34")):
        document["totals"][kind] = amount
    document["totals"]["true_up"] = "-314063.60"  # less the retention
    document["totals"]["total"] = "3689594.41"  # and with what is released and owed
    level = 0
    for step in steps_of(document):
        if step.sort == "total" and level:
            assert step.amount_fen == level, step
        level = step.amount_fen if step.sort == "total" else level + step.amount_fen


def boxes(svg: str) -> list[tuple[str, float, float, float]]:
    """Return (text, left, right, baseline) of every text, by a generous estimate of its width."""
    found = []
    for node in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        text, size, x = node.text or "", float(node.attrib["font-size"]), float(node.attrib["x"])
        wide = sum(size if ord(c) > 0x2E00 else size * 0.62 for c in text)
        assert node.attrib["text-anchor"] == "end"
        found.append((text, x - wide, x, float(node.attrib["y"])))
    return found


amounts = st.integers(-(10**15), 10**15)


@given(st.lists(st.tuples(amounts, st.sampled_from(["total", "change"])), min_size=1, max_size=12))
def test_bars_stay_inside_and_labels_apart(rows: list[tuple[int, Any]]) -> None:
    svg = draw([Step("质保金留存及其他", "other deductions", amount, sort) for amount, sort in rows])
    root = ElementTree.fromstring(svg)
    height = float(root.attrib["height"])
    bars = [node for node in root.iter(f"{SVG}rect") if node.attrib["height"] == "18"]
    assert len(bars) == len(rows)
    right_of_labels = 176
    for bar in bars:
        left, wide = float(bar.attrib["x"]), float(bar.attrib["width"])
        assert right_of_labels <= left
        assert left + wide <= WIDTH - 112 + 1
        assert float(bar.attrib["y"]) + 18 <= height
    texts = boxes(svg)
    assert all(left >= 0 and right <= WIDTH for _, left, right, _ in texts)
    amounts_shown = [text for text in texts if text[2] > WIDTH / 2]
    assert all(left >= WIDTH - 112 for _, left, _, _ in amounts_shown)
    for (_, _, _, upper), (_, _, _, lower) in pairwise(sorted(amounts_shown, key=lambda item: item[3])):
        assert lower - upper >= 18


def test_amounts_carry_their_sign() -> None:
    svg = draw([Step("甲", "a", 100, "total"), Step("乙", "b", 2_500, "change"), Step("丙", "c", -7, "change")])
    assert re.findall(r">([+−]?[\d,]+\.\d\d)<", svg) == ["1.00", "+25.00", "−0.07"]


def test_hostile_texts_are_text() -> None:
    svg = draw([Step("<script>alert(1)</script>", "&\"'", 1, "total")], title="</title><x>")
    root = ElementTree.fromstring(svg)
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {
        "svg", "title", "defs", "pattern", "rect", "line", "text",
    }  # fmt: skip
    assert root.find(f"{SVG}title").text == "</title><x>"  # type: ignore[union-attr]


def test_nothing_at_all_is_a_picture_too() -> None:
    assert ElementTree.fromstring(draw([Step("应付", "payable", 0, "total")])).attrib["width"] == str(WIDTH)
