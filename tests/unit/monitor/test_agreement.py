"""Clopper and Pearson's interval against printed tables, closed forms, and its own definition."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.evidence.agreement import MAX_N, MILLION, Interval, clopper_pearson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # The closed forms for k = n and k = 0: (α/2)^(1/n), and 1 less it.
        (10, 10, 691_502, 1_000_000),
        (0, 10, 0, 308_498),
        (30, 30, 884_296, 1_000_000),
        # Brownlee's classical example and a table's row, 95 %.
        (8, 10, 443_904, 974_789),
        (90, 100, 823_777, 950_995),
        (1, 1, 25_000, 1_000_000),
    ],
)
def test_intervals_of_tables(k: int, n: int, low: int, high: int) -> None:
    found = clopper_pearson(k, n)
    assert found is not None
    assert abs(found.low - low) <= 1
    assert abs(found.high - high) <= 1


def test_nothing_compared_has_no_interval() -> None:
    assert clopper_pearson(0, 0) is None


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, MAX_N + 1)])
def test_what_is_no_share_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        clopper_pearson(k, n)


def _at_most(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=100, deadline=None, database=None)
def test_the_bounds_are_where_the_tails_are_a_fortieth(share: tuple[int, int]) -> None:
    k, n = share
    found = clopper_pearson(k, n)
    assert found is not None
    small, step = Fraction(1, 40), Fraction(1, MILLION)
    low, high = Fraction(found.low, MILLION), Fraction(found.high, MILLION)
    assert low <= Fraction(k, n) <= high
    if k > 0:  # k or more
        assert 1 - _at_most(k - 1, n, low) <= small < 1 - _at_most(k - 1, n, low + step)
    if k < n:
        assert _at_most(k, n, high) <= small < _at_most(k, n, high - step)
    mirrored = clopper_pearson(n - k, n)
    assert mirrored == Interval(MILLION - found.high, MILLION - found.low)
