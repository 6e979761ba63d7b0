"""Tables as files: whatever a name or address says, a spreadsheet shows it as the text that it is."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from console.app import site as composition
from console.web.access import EVERYONE, Role
from console.web.export import exported
from console.web.routes import Routes
from console.web.table import Column, TableQuery
from console.web.visit import Visit
from monitor.model import Instant
from tests.site_app import WHO, person, settings_at, site_client

routes = Routes()
FORMULAS = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\0=1", "＝1", "＋1", "－1", "＠a", "'=1+1"]
ODD = ["<r><t>bold</t></r>", "x" * 40_000, "\x01\x0b", "\u202egnp.exe"]
COLUMNS: list[Column[Any]] = [
    Column("n", "编号", lambda row: row[0], "number"),
    Column("text", "=名称", lambda row: row[1]),
    Column("money", "金额", lambda row: row[0] * 100, "money"),
]


@routes.page("/t/table", allow=EVERYONE)
async def _table(visit: Visit) -> Any:
    rows = list(enumerate([*FORMULAS, *ODD]))
    return await exported(visit, rows, COLUMNS, visit.query(TableQuery), "table")


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    every = composition.every_route
    monkeypatch.setattr(composition, "every_route", lambda: [*routes, *every()])
    persons = {"a": person("a", Role.OPERATIONS)}
    async with site_client(settings_at(tmp_path), persons, at=Instant(1_600_000_000_000_000)) as found:
        yield found


async def _body(client: Any, kind: str) -> bytes:
    async with client.get(f"/t/table?format={kind}", headers={WHO: "a"}) as response:
        assert response.status == 200 and response.headers["Content-Disposition"].startswith("attachment;")
        found: bytes = await response.read()
        return found


async def test_no_text_of_a_workbook_is_a_formula_or_the_writers_markup(client: Any) -> None:
    body = await _body(client, "xlsx")
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        strings, sheet = (book.read(f"xl/{name}").decode() for name in ("sharedStrings.xml", "worksheets/sheet1.xml"))
    assert "<f>" not in sheet and "<r>" not in strings and "&lt;r&gt;" in strings
    shown = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert shown[0][1] == "'=名称" and [row[2] for row in shown[1:]] == [float(n) for n in range(len(FORMULAS + ODD))]
    assert all(str(row[1])[0] not in "=+-@\t\r\0＝＋－＠" for row in shown)
    assert "<r><t>bold</t></r>" in str(shown[len(FORMULAS) + 1][1])
    assert len(str(shown[len(FORMULAS) + 2][1])) > 30_000, "a long text is cut, not left out"
    assert "\u202e" not in strings


async def test_no_text_of_a_csv_file_is_a_formula(client: Any) -> None:
    text = (await _body(client, "csv")).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + len(FORMULAS + ODD)
    for row in rows:
        assert not row[1] or row[1][0] not in "=+-@\t\r\0＝＋－＠"
