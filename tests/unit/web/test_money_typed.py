"""Amounts as people type them into the console's fields."""

from __future__ import annotations

import pytest

from console.money.typed import MAX_FEN, fen_of, fen_typed
from monitor.finding import InputError
from settlement.money import yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1695600.00", 169_560_000),
        ("1,695,600", 169_560_000),
        ("１，６９５，６００．００", 169_560_000),
        ("￥1695600元", 169_560_000),
        (" ¥ 100.5 ", 10_050),
        ("−5", -500),
    ],
)
def test_yuan_are_read_as_offices_type_them(text: str, fen: int) -> None:
    assert fen_typed(text) == fen


@pytest.mark.parametrize(
    "text",
    ["1,00", "12,34,567", "1,0000.00", ",100", "1e5", "1.001", "", "元", "--5", "100万", "1 000", yuan(MAX_FEN + 1)],
)
def test_what_could_be_another_amount_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        fen_of(text, "amount")
    assert [finding.column for finding in caught.value.findings] == ["amount"]
