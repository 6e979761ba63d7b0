from __future__ import annotations

from typing import Any

import pytest

from monitor.finding import InputError
from settlement.disputes import check_claim, check_grant, claimable, undisputed_fen

DOCUMENT: dict[str, Any] = {
    "phases": [
        {
            "phase": "phase-2",
            "lines": [
                {"n": 1, "kind": "prepayment", "gross": "900.00"},
                {"n": 2, "kind": "payable", "gross": "800.00"},
                {"n": 3, "kind": "deduction", "gross": "200.00"},
                {"n": 4, "kind": "retention", "gross": "10.00"},
            ],
            "point_lines": [{"code": "p1", "deduction": "50.00"}, {"code": "p2", "deduction": "0.00"}],
        },
        {"phase": "phase-3", "lines": [{"n": 5, "kind": "deduction", "gross": "0.00"}], "point_lines": []},
    ],
    "adjustments": [{"n": 6, "phase": "phase-2", "kind": "adjustment", "gross": "5.00"}],
}


@pytest.mark.parametrize(
    ("line", "point", "expected"),
    [
        (3, "", ("phase-2", 20_000)),
        (3, "p1", ("phase-2", 5_000)),
        (2, "p1", ("phase-2", 5_000)),
        (1, "", ("phase-2", None)),
        (2, "", ("phase-2", None)),
        (6, "", ("phase-2", None)),
    ],
)
def test_what_may_be_claimed(line: int, point: str, expected: tuple[str, int | None]) -> None:
    assert claimable(DOCUMENT, line, point, "x") == expected


@pytest.mark.parametrize(
    ("line", "point", "message"),
    [
        (9, "", "there is no line 9"),
        (3, "p9", "no such point: p9"),
        (3, "p2", "nothing was deducted there"),
        (5, "", "nothing was deducted there"),
        (4, "", "cannot be contested"),
        (6, "p1", "has no points"),
    ],
)
def test_what_cannot_be_contested(line: int, point: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        claimable(DOCUMENT, line, point, "xj 2020Q3 r0")
    assert caught.value.findings[0].column == "xj 2020Q3 r0"


def test_the_claim() -> None:
    assert check_claim(None, 5_000, "x") == 5_000
    assert check_claim(4_999, 5_000, "x") == 4_999
    assert check_claim(1, None, "x") == 1
    for claimed, most in ((None, None), (0, 5_000), (-1, None), (5_001, 5_000)):
        with pytest.raises(InputError):
            check_claim(claimed, most, "x")


def test_the_grant() -> None:
    assert check_grant("upheld", None, 5_000, "x") == 0
    assert check_grant("upheld", 0, 5_000, "x") == 0
    assert check_grant("accepted", None, 5_000, "x") == 5_000
    assert check_grant("partly", 1, 5_000, "x") == 1
    for decision, granted in (("partly", None), ("partly", 0), ("partly", 5_000), ("upheld", 1), ("accepted", 1)):
        with pytest.raises(InputError):
            check_grant(decision, granted, 5_000, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total", "claims", "at_once"),
    [
        (10_000, [], 10_000),
        (10_000, [3_000], 10_000),  # the supplier wants more: all that the purchaser admits falls due
        (0, [3_000], 0),
        (-10_000, [], -10_000),
        (-10_000, [3_000], -7_000),  # a refund: only what the supplier admits falls due
        (-10_000, [3_000, 8_000], 0),
    ],
)
def test_what_falls_due_at_once(total: int, claims: list[int], at_once: int) -> None:
    assert undisputed_fen(total, claims) == at_once
