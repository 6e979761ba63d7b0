"""Amounts in capital characters, typed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.capitals import capitals

BY_HAND = [
    (157_540_080, "壹佰伍拾柒万伍仟肆佰元捌角整"),
    (0, "零元整"),
    (1, "壹分"),
    (10, "壹角整"),
    (12, "壹角贰分"),
    (100, "壹元整"),
    (105, "壹元零伍分"),
    (110, "壹元壹角整"),
    (1_000, "壹拾元整"),
    (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
    (168_032, "壹仟陆佰捌拾元叁角贰分"),
    (10_700_053, "壹拾万柒仟元伍角叁分"),
    (600_703, "陆仟零柒元零叁分"),
    (100_100, "壹仟零壹元整"),
    (10_005_000, "壹拾万零伍拾元整"),
    (100_000_50, "壹拾万元伍角整"),
    (3_014_400_000, "叁仟零壹拾肆万肆仟元整"),
    (10_000_000_000, "壹亿元整"),
    (10_005_000_000, "壹亿零伍万元整"),
    (20_030_000_400, "贰亿零叁拾万零肆元整"),
    (21_300_000_000, "贰亿壹仟叁佰万元整"),
    (1_000_050_000_000, "壹佰亿零伍拾万元整"),
    (100_000_000_000_100, "壹万亿零壹元整"),
    (-12_019_920, "负壹拾贰万零壹佰玖拾玖元贰角整"),
    (-5, "负伍分"),
    (999_999_999_999_999_999, "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
]


@pytest.mark.parametrize(("amount_fen", "text"), BY_HAND, ids=[text for _, text in BY_HAND])
def test_by_hand(amount_fen: int, text: str) -> None:
    assert capitals(amount_fen) == text


def test_an_amount_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond"):
        capitals(10**18)


def _read(text: str) -> int:
    """Read capitals back into fen, by another way than they are written: place by place."""
    digits, places = "零壹贰叁肆伍陆柒捌玖", {"拾": 10, "佰": 100, "仟": 1_000}
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    text = text.removesuffix("整")
    whole, _, rest = text.rpartition("元")
    total = section = digit = 0
    for char in whole:
        if char in places:
            section += digit * places[char]
            digit = 0
        elif char == "万":
            section, digit = (section + digit) * 10_000, 0
        elif char == "亿":
            total, section, digit = total + (section + digit) * 10**8, 0, 0
        else:
            digit = digits.index(char)
    # 万 multiplies what stands before it only, so that what follows is added to a multiple of 10,000
    fen = (total + section + digit) * 100
    for char, unit in (("角", 10), ("分", 1)):
        if char in rest:
            fen += digits.index(rest[rest.index(char) - 1]) * unit
    return sign * fen


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_what_is_written_reads_back(amount_fen: int) -> None:
    assert _read(capitals(amount_fen)) == amount_fen


@given(st.integers(1, 10**18 - 1))
def test_no_two_zeros_and_no_zero_before_a_place(amount_fen: int) -> None:
    text = capitals(amount_fen)
    assert "零零" not in text
    assert not any(f"零{place}" in text for place in "拾佰仟万亿元角分整")
    assert text.endswith("分") or text.endswith("整")
