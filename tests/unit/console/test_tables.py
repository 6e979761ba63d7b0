"""Tables on the screen: the long column gets the room, a column that says nothing stays away."""

from __future__ import annotations

import pytest

from console.cli.frame import print_table

COLUMNS = [("期次 phase", False), ("含税 元 gross", True), ("原行 parent", False), ("算式 why", False)]


def test_columns_that_say_nothing_are_left_out_where_they_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("t", COLUMNS, [("p", "1.00", "", "1 × 1")], optional=("原行 parent",))
    assert "parent" not in capsys.readouterr().out
    print_table("t", COLUMNS, [("p", "1.00", "", "1 × 1"), ("p", "2.00", "2020Q2/0/3", "")], optional=("原行 parent",))
    assert "2020Q2/0/3" in capsys.readouterr().out
    print_table("t", COLUMNS, [("p", "1.00", "", "1 × 1")])
    assert "parent" in capsys.readouterr().out
    print_table("t", COLUMNS, [], optional=("原行 parent",))
    assert "无 none" in capsys.readouterr().out


def test_short_cells_stay_in_one_line_beside_a_long_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("t", COLUMNS, [("phase-1 2019-10", "1,234,567.00", "2020Q2/0/3", "850,000.00 − 188,700.00 " * 12)])
    lines = capsys.readouterr().out.splitlines()
    (first,) = [line for line in lines if "phase-1 2019-10" in line]
    assert "1,234,567.00" in first and "2020Q2/0/3" in first
