from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from settlement.money import NOTHING, Amount, Columns, fen, grouped, net_tax, round_half_up, split, taxed, yuan

SIX = Fraction(6, 100)
PARTS = (("line", 12_200), ("integration", 35_900), ("platform", 14_700))


@pytest.mark.parametrize(
    ("amount", "text", "read"),
    [
        (157_540_080, "1575400.80", "1,575,400.80"),
        (-12_019_920, "-120199.20", "−120,199.20"),
        (0, "0.00", "0.00"),
        (-5, "-0.05", "−0.05"),
        (7, "0.07", "0.07"),
    ],
)
def test_fen_are_written_as_yuan(amount: int, text: str, read: str) -> None:
    assert yuan(amount) == text
    assert grouped(amount) == read
    assert fen(text) == amount


def test_yuan_are_read_exactly() -> None:
    assert fen("628") == fen(628) == fen(Decimal("628.0")) == fen("628.00") == 62_800
    assert fen("-0.1") == -10
    assert fen(Decimal("1E+2")) == 10_000


@pytest.mark.parametrize(
    "text", ["628.005", Decimal("1.001"), "1,000.00", "", "x", "1e3", "٣", 0.1, True, None, "9" * 16]
)
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        fen(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("1/2", 1),
        ("-1/2", -1),
        ("3/2", 2),
        ("-3/2", -2),
        ("5/2", 3),
        ("49/100", 0),
        ("-49/100", 0),
        ("7", 7),
        ("-51/100", -1),
    ],
)
def test_half_a_fen_rounds_away_from_zero(exact: str, rounded: int) -> None:
    assert round_half_up(Fraction(exact)) == rounded


def test_a_quarter_is_spread_over_a_thousand_points() -> None:
    parts = split(157_540_080, [(f"p{n:04}", 1) for n in range(1000)])
    assert sorted(parts.values()) == [157_540] * 920 + [157_541] * 80
    assert all(parts[f"p{n:04}"] == 157_541 for n in range(80)), "ties go to the smaller id"


def test_a_quarter_is_spread_over_the_components() -> None:
    assert split(157_540_080, [("line", 122), ("integration", 359), ("platform", 147)]) == {
        "line": 30_604_920,
        "integration": 90_058_740,
        "platform": 36_876_420,
    }


def test_a_negative_amount_is_the_negative_of_its_size_s_spread() -> None:
    weights = [("b", Fraction(1, 3)), ("a", Fraction(1, 3)), ("c", Fraction(1, 3))]
    assert split(100, weights) == {"b": 33, "a": 34, "c": 33}
    assert split(-100, weights) == {"b": -33, "a": -34, "c": -33}


def test_what_cannot_be_spread_is_refused() -> None:
    assert split(0, [("a", 0), ("b", 0)]) == {"a": 0, "b": 0}
    for weights in ([("a", 0)], [("a", 1), ("a", 2)], [("a", 2), ("b", -1)]):
        with pytest.raises(ValueError, match=r"zero|twice|negative"):
            split(1, weights)


@pytest.mark.parametrize(
    ("gross", "net", "tax"),
    [(62_800, 59_245, 3_555), (3_014_400_000, 2_843_773_585, 170_626_415), (-62_800, -59_245, -3_555), (0, 0, 0)],
)
def test_tax_is_taken_out_of_the_gross(gross: int, net: int, tax: int) -> None:
    assert net_tax(gross, SIX) == (net, tax)


def test_components_add_up_to_their_line_in_every_column() -> None:
    amount = taxed(157_540_080, SIX, PARTS)
    assert amount.line == Columns(157_540_080, 148_622_717, 8_917_363)
    assert [part.gross_fen for _, part in amount.components] == [30_604_920, 90_058_740, 36_876_420]
    for n in range(3):
        assert sum(part[n] for _, part in amount.components) == amount.line[n]
    for _, part in amount.components:
        assert part.gross_fen == part.net_fen + part.tax_fen


def test_differences_are_taken_column_by_column() -> None:
    payable, prepaid = taxed(157_540_080, SIX, PARTS), taxed(169_560_000, SIX, PARTS)
    true_up = payable.minus(prepaid)
    assert true_up.line == Columns(-12_019_920, 148_622_717 - 159_962_264, 8_917_363 - 9_597_736)
    assert dict(true_up.components)["line"].gross_fen == 30_604_920 - 32_940_000


def test_what_is_not_broken_down_leaves_a_sum_that_is_not_either() -> None:
    payable, plain = taxed(157_540_080, SIX, PARTS), taxed(169_560_000, SIX, ())
    assert payable.minus(plain) == Amount(payable.line.plus(plain.line.negative()))
    assert payable.minus(NOTHING) == NOTHING.plus(payable) == payable
    other = taxed(100, SIX, [("line", 1), ("power", 1)])
    assert [name for name, _ in payable.plus(other).components] == ["line", "integration", "platform", "power"]
    assert sum(part.gross_fen for _, part in payable.plus(other).components) == 157_540_180
