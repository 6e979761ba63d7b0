"""The PDF's text, extracted by another library: amounts, capitals, words to sign under, the digest on every page."""

from __future__ import annotations

import dataclasses
import io
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from settlement.reports import paper
from settlement.reports.cover import Cover
from settlement.reports.form import incident_text
from settlement.reports.paper import paper_of, shown, written
from settlement.reports.pdf import write_pdf
from settlement.reports.typeset import TEMPLATES, to_png
from tests.statement_papers import COVER, INPUTS_SHA, city, document, phase, statement


def pages(content: dict[str, Any], tmp_path: Path, cover: Cover = COVER) -> list[str]:
    write_pdf(content, tmp_path / "a.pdf", cover)
    reader = PdfReader(io.BytesIO((tmp_path / "a.pdf").read_bytes()))
    return [page.extract_text() for page in reader.pages]


def test_what_a_clerk_looks_for_is_on_the_paper(tmp_path: Path) -> None:
    found = pages(statement(), tmp_path)
    text = "\n".join(found)
    for wanted in (
        "2020 年第三季度考核结算表 暨 费用结算单", "南昌市公安局新建分局", "xinjian / NCXJ-2020-0422", "2020-07-01 至 2020-09-30",
        "人民币叁佰柒拾叁万捌仟捌佰捌拾贰元零柒分", "3,738,882.07", "−264,063.60", "4,434,000.00", "691.56", "550.62", "81.36 %", "12.29 %",
        "≈ 87.4745 %", "经办", "复核", "审批", "供应商签章", "张三", "2020-10-12", "公安月度在线率原件", "ab" * 32, "故障扣款",
        "字幕（OSD）错误", "12 次 × 50.00 元 = 600.00", "点位明细", "36011200000000000011", "会议纪要 2020-12", "合同余额",
    ):  # fmt: skip
        assert wanted in text, wanted
    for n, page in enumerate(found, 1):
        assert INPUTS_SHA in page
        assert f"第 {n} 页 共 {len(found)} 页" in page
    assert "本次应付净额" in found[0]


def test_a_paper_that_is_not_issued_says_so_on_every_page(tmp_path: Path) -> None:
    assert all("NOT ISSUED" in page for page in pages(statement(), tmp_path))
    issued = pages(statement(), tmp_path, dataclasses.replace(COVER, final=True))
    assert not any("NOT ISSUED" in page for page in issued)


def test_equal_statements_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pdf(statement(), tmp_path / f"{name}.pdf", COVER)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    created = PdfReader(tmp_path / "a.pdf").metadata
    assert created is not None
    assert str(created.creation_date).startswith("2020-10-09")
    assert to_png("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>") == to_png(
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    )


HOSTILE = [
    '#eval("1+1")', '#read("/etc/passwd")', "*bold* _em_ $x^2$ `raw` @ref <label> = head", "\\", '"', "#{", "]#[",
    "a\0b\x1bc", "\u202ecba", "</svg><script>", "x" * 3_000, "点" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_printed_as_they_are(tmp_path: Path, text: str) -> None:
    content = statement(point_lines=2, title=text, items=1)
    content["contract"]["supplier"] = text
    content["phases"][0] |= {"title": text}
    content["phases"][0]["lines"][0]["why"] = text
    content["phases"][0]["point_lines"][0] |= {"code": text, "rules": [text]}
    content["phases"][1]["rules"][1]["items"][0] |= {"point": text, "incident": text, "why": text}
    content["notices"] = [text]
    found = pages(content, tmp_path, dataclasses.replace(COVER, remarks=(text,)))
    flat = "".join("".join(found).split()).replace("\u200b", "")
    wanted = shown(text).replace("\u200b", "").replace(" ", "")[:40]
    assert wanted in flat
    assert "root:" not in flat
    assert "人民币" in flat


def test_the_templates_read_data_and_never_run_it() -> None:
    for path in sorted(TEMPLATES.glob("*.typ")):
        source = path.read_text()
        assert "eval(" not in source, path
        assert "mode:" not in source, path
        assert "read(" not in source, path


def test_texts_are_made_fit_to_set() -> None:
    assert shown("360112" + "0" * 14) == "360112" + "0" * 14  # a code of 20 stays whole
    assert shown("a" * 30) == "a" * 16 + "\u200b" + "a" * 14
    assert shown("a\x00b\u202ec") == "a□b□c"
    assert written(Fraction(8362, 10000), "share") == "83.62 %"
    assert written(Fraction(2, 3), "share") == "≈ 66.6667 %"
    assert written(Fraction(836_249, 1_000_000), "share") == "83.6249 %"
    assert written(Fraction(1), "share") == "100.00 %"
    assert written(Fraction(170, 31), "months") == "5.48"
    assert written(Fraction(3_000), "months") == "3,000"
    assert written(-12_019_920, "fen") == "−120,199.20"
    assert written(None, "fen") == "—"


def test_many_phases_stand_in_tables_of_a_few(tmp_path: Path) -> None:
    parts = [phase(f"p{n}", f"第{n}期", 62_800, 10 * n, "0.9", first=1 + 5 * n) for n in range(1, 8)]
    made = paper_of(document(parts, [], 0), COVER)
    assert [table["titles"] for table in made["tables"]] == [
        ["第1期", "第2期", "第3期"], ["第4期", "第5期", "第6期"], ["第7期", "合计 total"],
    ]  # fmt: skip
    assert all(len(row["cells"]) == len(table["titles"]) for table in made["tables"] for row in table["rows"])
    assert "第7期" in "".join("".join(pages(document(parts, [], 0), tmp_path)).split())


def test_long_lists_are_cut_and_the_paper_says_where_they_stand(tmp_path: Path) -> None:
    made = paper_of(statement(items=40), COVER)
    fine = next(rule for rule in made["rules"] if "字幕" in rule["title"])
    assert len(fine["items"]) == paper.ITEMS_PER_RULE
    assert fine["more"].startswith("另有 26 项")
    assert made["annex"]["rows"]
    big = paper_of(city(paper.ANNEX_POINTS + 1), COVER)["annex"]
    assert big["rows"] == []
    assert "2,001" in big["note"]
    assert "2,001 points" in "".join("".join(pages(city(paper.ANNEX_POINTS + 1), tmp_path)).split("\n"))
    noisy = statement()
    noisy["notices"] = [f"提示 {n}" for n in range(100)]
    assert paper_of(noisy, COVER)["notices"][-1].startswith("另有 42 条")


def test_a_statement_of_prepayments_only_is_a_paper_too(tmp_path: Path) -> None:
    first = phase("p", "一期", 62_800, 1_000, "0.9")
    first |= {
        "rate": None,
        "own_rate": None,
        "authority_rate": None,
        "seconds": None,
        "unit_price_after_deduction": None,
    }
    first["lines"] = [line for line in first["lines"] if line["kind"] == "next_prepayment"]
    text = "\n".join(
        pages(document([first], [], 0), tmp_path, dataclasses.replace(COVER, attachments=(), paid_fen=None))
    )
    assert "人民币壹佰陆拾玖万伍仟陆佰元整" in text
    assert "无逐点明细" in text


def test_the_templates_travel_with_the_package() -> None:
    packaging = tomllib.loads((TEMPLATES.parents[1] / "pyproject.toml").read_text())
    patterns = packaging["tool"]["setuptools"]["package-data"]["settlement.reports"]
    for path in TEMPLATES.iterdir():
        assert path.suffix in {".py", ""} or any(path.match(pattern) for pattern in patterns), path.name


def test_signs_that_the_chinese_font_lacks_are_set_from_another_and_nothing_from_the_machine(tmp_path: Path) -> None:
    content = statement()
    content["phases"][0]["rules"][0]["formula"] = "⌈9 h 18 min − 4 h⌉ = 6 h ≥ ≤ × ÷ ≈ ½"
    assert "⌈9 h 18 min − 4 h⌉ = 6 h ≥ ≤ × ÷ ≈ ½" in "\n".join(pages(content, tmp_path))
    fonts = {
        str(font.get_object()["/BaseFont"]).split("+")[-1]
        for page in PdfReader(tmp_path / "a.pdf").pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts == {"NotoSansSC-Thin", "NewCMMath-Regular-Identity-H"}


def test_an_incident_is_shown_by_the_contract_s_clock() -> None:
    assert incident_text("XJ1-00006@2019-09-30T16:00:00Z", "Asia/Shanghai") == "2019-10-01 00:00:00"
    assert incident_text("XJ1-00006@2019-09-30T16:00:00Z", "UTC") == "2019-09-30 16:00:00"
    for other in ("", "事件-7", "p@2019-99-30T16:00:00Z"):
        assert incident_text(other, "Asia/Shanghai") == other


def test_rules_stand_by_their_names_and_those_that_found_nothing_together(tmp_path: Path) -> None:
    content = statement()
    nothing = {"rule": "校时", "kind": "unit-fine", "title": "校时错误", "unit": "fen", "amount": "0.00", "items": []}
    rows = [nothing | {"window": f"2020-0{month}", "formula": "0 次 events：0.00"} for month in (7, 8)]
    rate = nothing | {
        "rule": "分档",
        "kind": "substituted-tiers",
        "title": "分档",
        "window": "2020-07",
        "formula": "全额",
    }
    content["phases"][0]["rules"] = [*rows, rate]
    content["reading"] = "none"
    made = paper_of(content, COVER)
    assert [rule["formula"] for rule in made["rules"] if rule["title"] in {"校时错误", "分档"}] == ["全额"]
    title = content["phases"][0]["title"]
    assert made["untouched"] == f"未触发 nothing found：{title} 校时错误 校时（2020-07、2020-08）"
    assert "分档（分档代替 substituted tiers）" in made["rules"][0]["where"]
    text = "".join("".join(pages(content, tmp_path)).split())
    assert "未触发nothingfound" in text
    assert "0次events" not in text
    assert "按规则byrules" in text
    reading = rate | {"rule": "reading", "kind": "reading", "title": "口径 reading A"}
    content["phases"][0]["rules"] = [reading]
    where = paper_of(content, COVER)["rules"][0]["where"]
    assert where.endswith("2020-07"), "its title says it all"


def test_a_thousand_points_make_no_heavy_file(tmp_path: Path) -> None:
    content = statement(point_lines=1_000)
    text = "".join(pages(content, tmp_path))
    assert (tmp_path / "a.pdf").stat().st_size < 500_000
    assert all(line["code"] in text for line in content["phases"][0]["point_lines"][:3])
