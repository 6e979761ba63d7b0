"""The 现场核查表: equal data give equal bytes, cells no spreadsheet runs, every point on it."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from settlement.reports.site_check import HEADINGS, page_of, rows_of, to_csv, to_sheet

ZONE = "Asia/Shanghai"
DIGEST = "08f1a8a9" * 8


def sample(n: int = 3) -> dict[str, Any]:
    facts = {"name": "=cmd|' /C calc'!A0", "address": "人民路 1 号\n灯杆", "phase": "p"}
    last = {"state": "offline", "seen": 1_604_200_000_000_000}
    points = [
        {
            "no": i,
            "code": f"A-{i}",
            "facts": facts,
            "rate": "0.934316" if i > 1 else None,
            "last": last if i > 1 else None,
        }
        for i in range(1, n + 1)
    ]
    strata = {"p": 600, "": 400}
    return {
        "contract": "small", "period": "2020Q3", "seed": "审计 7", "stratify": "phase", "strata": strata, "points": points
    }  # fmt: skip


def test_the_table_says_what_the_sheet_says_and_leaves_room_for_the_pen() -> None:
    table = list(csv.reader(io.StringIO(to_csv(sample(), ZONE).decode("utf-8-sig"))))
    assert table[0] == list(HEADINGS)
    assert table[1] == ["1", "A-1", "'=cmd|' /C calc'!A0", "人民路 1 号 灯杆", "p", "—", "从未监测", "", "", ""]
    assert table[2][5:7] == ["93.43%", "离线 2020-11-01 11:06"]


def test_rates_are_rounded_half_up() -> None:
    data = sample(2)
    for rate, shown in (
        ("0.999949", "99.99%"),
        ("0.999950", "100.00%"),
        ("1.000000", "100.00%"),
        ("0.000000", "0.00%"),
    ):
        data["points"][1]["rate"] = rate
        assert rows_of(data, ZONE)[1][5] == shown


def test_the_page_names_seed_strata_and_digest() -> None:
    page = page_of(sample(), DIGEST, date(2020, 11, 1), ZONE)
    assert ["抽样种子", "审计 7"] in page["pairs"]
    assert ["抽取", "3 / 1,000 个点位 points"] in page["pairs"]
    assert any(pair[0] == "分层" and "p 600、（空 empty） 400" in pair[1] for pair in page["pairs"])
    assert page["digest"] == DIGEST


def test_equal_samples_give_equal_bytes() -> None:
    made = to_sheet(sample(40), (DIGEST, date(2020, 11, 1)), ZONE)
    assert made.startswith(b"%PDF-")
    assert made == to_sheet(sample(40), (DIGEST, date(2020, 11, 1)), ZONE)
    assert made != to_sheet(sample(39), (DIGEST, date(2020, 11, 1)), ZONE)
