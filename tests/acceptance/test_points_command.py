"""`camsla points`: a ledger in and out through the program, whole or not at all, and never with a password."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import xlsxwriter

from tests.camsla_command import Camsla

CANARY = "canary-5519"
HEADER = ["点位编号", "设备名称", "期次", "终验日期", "计费起", "IPv4", "用户名", "密码"]
ROWS = [
    [f"XJ{n:05d}", f"路口{n}", "二期", "2020-06-20", "2020-07-01", f"10.9.{n // 250}.{n % 250 + 1}", "admin", CANARY]
    for n in range(60)
]


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    return Camsla(tmp_path)


def write(camsla: Camsla, name: str, rows: list[list[str]], header: list[str] = HEADER) -> str:
    path = camsla.folder / name
    if name.endswith(".xlsx"):
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write(0, 0, "新建区一机一档")  # a title row above the heading
            for at, row in enumerate([header, *rows], 1):
                sheet.write_row(at, 0, row)
    else:
        path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="gb18030")
    return name


def stored(camsla: Camsla, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(camsla.folder / "data" / "camsla.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("name", ["ledger.csv", "ledger.xlsx"])
def test_in_by_spreadsheet_and_out_again(camsla: Camsla, name: str) -> None:
    file = write(camsla, name, ROWS)
    assert "新增 new 60" in camsla.ok("points", "import", file, "--dry-run")
    assert not (camsla.folder / "data" / "camsla.db").exists(), "a dry run writes nothing"
    assert "新增 new 60" in camsla.ok("points", "import", file, "--actor", "张三")
    assert "不变 unchanged 60" in camsla.ok("points", "import", file, "--actor", "张三")
    (camsla.folder / "out").mkdir()
    for kind in ("csv", "xlsx"):
        camsla.ok("points", "export", f"out/ledger.{kind}")
        assert "不变 unchanged 60" in camsla.ok("points", "import", f"out/ledger.{kind}", "--dry-run")
    for path in [*(camsla.folder / "out").iterdir(), *(camsla.folder / "data").iterdir()]:
        assert CANARY.encode() not in path.read_bytes()
    assert stored(camsla, "SELECT count(*), count(DISTINCT actor) FROM audit") == [(2, 1)]
    assert stored(camsla, "SELECT count(*) FROM credentials") == [(60,)]


def test_one_bad_row_and_nothing_is_imported(camsla: Camsla) -> None:
    rows = [list(row) for row in ROWS]
    rows[6][3] = "2020-02-30"
    rows[9][5] = "10.9.0.300"
    rows[20][0] = rows[19][0]
    text = camsla.refused("points", "import", write(camsla, "ledger.csv", rows), "--actor", "张三")
    for place in ("ledger.csv:8 [终验日期]", "ledger.csv:11 [IPv4]", "ledger.csv:22 [点位编号]"):
        assert place in text, text
    assert CANARY not in text
    assert not (camsla.folder / "data" / "camsla.db").exists()
    camsla.ok("points", "import", write(camsla, "good.csv", ROWS[:5]))
    camsla.refused("points", "import", "ledger.csv")
    assert stored(camsla, "SELECT count(*) FROM points") == [(5,)]


def test_a_change_is_shown_before_it_is_made_and_dated(camsla: Camsla) -> None:
    camsla.ok("points", "import", write(camsla, "ledger.csv", ROWS))
    rows = [list(row) for row in ROWS]
    rows[3][1] = "人民路口"
    rows[4][5] = "10.9.200.1"
    text = camsla.ok(
        "points", "import", write(camsla, "changed.csv", rows), "--dry-run", "--effective-from", "2020-09-01"
    )
    assert "人民路口" in text
    assert "2020-09-01" in text
    assert "不变 unchanged 58" in text
    assert stored(camsla, "SELECT count(*) FROM point_facts") == [(60,)]
    camsla.ok("points", "import", "changed.csv", "--effective-from", "2020-09-01")
    query = (
        "SELECT name, valid_to IS NULL, superseded_at IS NULL FROM point_facts f JOIN points p ON p.id = f.point_id"
        " WHERE p.code = 'XJ00003' ORDER BY f.id"
    )
    assert stored(camsla, query) == [("路口3", 1, 0), ("路口3", 0, 1), ("人民路口", 1, 1)]


def test_a_saved_mapping_reads_another_offices_columns(camsla: Camsla) -> None:
    folder = camsla.folder / "mappings"
    folder.mkdir()
    (folder / "城管.yaml").write_text("columns:\n  编码: code\n  批次: phase\n  验收: accepted_on\nignore: [备用]\n")
    camsla.env["CAMSLA_MAPPINGS_DIR"] = str(folder)
    file = write(camsla, "other.csv", [["A1", "phase-2", "2020-07-01", "x"]], ["编码", "批次", "验收", "备用"])
    assert "other.csv" in camsla.refused("points", "import", file)
    camsla.ok("points", "import", file, "--mapping", "城管")
    assert stored(camsla, "SELECT code FROM points") == [("A1",)]
    assert "城管" in camsla.refused("points", "import", file, "--mapping", "水务")


@pytest.mark.parametrize("content", [b"PK\x03\x04 this is no workbook", b"", b"\x00" * 100])
def test_an_unreadable_workbook_is_named(camsla: Camsla, content: bytes) -> None:
    (camsla.folder / "broken.xlsx").write_bytes(content)
    assert "broken.xlsx" in camsla.refused("points", "import", "broken.xlsx")


def test_a_missing_file_is_named(camsla: Camsla) -> None:
    assert "nowhere.csv" in camsla.refused("points", "import", "nowhere.csv")
