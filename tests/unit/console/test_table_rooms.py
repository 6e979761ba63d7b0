"""Tables on screens of any width: what a clerk reads off is whole or not there, never cut short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli import frame
from console.cli.table import FOLDED, records, rooms

COLUMNS = [("应付 due", False), ("金额 amount", True), ("算式 why", False)]
ROWS = [["2021Q1/1/10", "−14,324.84", "x " * 60], ["2021Q1/1/9", "67,824.00", ""]]


def test_headings_fold_before_figures_do() -> None:
    whole, least = rooms(COLUMNS, ROWS, 160)
    assert [room.width for room in whole] == [None, None, None]
    assert least == 11 + 11 + FOLDED + 10
    tight, least = rooms(COLUMNS, ROWS, least - 1)
    assert [room.width for room in tight] == [11, 10, None]
    assert least == 11 + 10 + FOLDED + 10


@given(st.integers(1, 12), st.integers(4, 30))
def test_a_file_shows_every_cell_whole(several: int, longest: int) -> None:
    columns = [(f"金额 amount {n}", True) for n in range(several)]
    cells = [f"{n}" * longest for n in range(1, several + 1)]
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []

        class Sink:
            encoding = "utf-8"

            def write(self, text: str) -> int:
                printed.append(text)
                return len(text)

            def flush(self) -> None: ...

            def isatty(self) -> bool:
                return False

        patch.setattr("sys.stdout", Sink())
        frame.print_table("t", columns, [cells])
    text = "".join(printed)
    assert all(cell in text for cell in cells)


def test_a_narrow_terminal_gets_a_line_a_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    frame.print_table("支付", COLUMNS, ROWS)
    text = capsys.readouterr().out
    assert "应付 due: 2021Q1/1/10" in text
    assert "金额 amount: −14,324.84" in text
    assert "算式 why: \n" not in text


def test_records_leave_empty_cells_out() -> None:
    assert records(COLUMNS, [["a", "", "c"]]) == ["应付 due: a", "算式 why: c", ""]
