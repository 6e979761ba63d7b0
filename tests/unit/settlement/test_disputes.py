from __future__ import annotations

from typing import Any

import pytest

from monitor.finding import InputError
from settlement.disputes import (
    Claimable,
    Claimed,
    check_claim,
    check_effect,
    check_grant,
    claimable,
    undisputed_fen,
)

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
    "adjustments": [
        {"n": 6, "phase": "phase-2", "kind": "adjustment", "gross": "5.00"},
        {"n": 7, "phase": "phase-2", "kind": "adjustment", "gross": "-7.00"},
    ],
}


@pytest.mark.parametrize(
    ("line", "point", "expected"),
    [
        (3, "", ("phase-2", 20_000, 20_000)),
        (3, "p1", ("phase-2", 5_000, 5_000)),
        (2, "p1", ("phase-2", 5_000, 5_000)),
        (1, "", ("phase-2", None, 90_000)),
        (2, "", ("phase-2", None, 20_000)),
        (6, "", ("phase-2", None, None)),
        (7, "", ("phase-2", None, 700)),
    ],
)
def test_what_may_be_claimed(line: int, point: str, expected: tuple[str, int | None, int | None]) -> None:
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
        (1, "p1", "has no points"),
    ],
)
def test_what_cannot_be_contested(line: int, point: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        claimable(DOCUMENT, line, point, "xj 2020Q3 r0")
    assert caught.value.findings[0].column == "xj 2020Q3 r0"


@pytest.mark.parametrize(
    ("others", "line", "point", "most"),
    [
        ([(3, "", 20_000)], 3, "p1", 0),  # a point's claim lies inside its line's
        ([(3, "", 20_000)], 2, "", 0),  # payable and deduction are one
        ([(3, "", 17_000)], 3, "p1", 3_000),
        ([(3, "p1", 5_000)], 2, "p1", 0),
        ([(3, "p1", 2_000)], 2, "p1", 3_000),
        ([(3, "p1", 5_000)], 3, "", 15_000),
        ([(2, "", 9_000), (3, "", 8_000), (8, "", 2_000)], 3, "p1", 1_000),
        ([(1, "", 90_000), (5, "", 7)], 3, "", 20_000),  # other money
        ([(3, "", 0)], 2, "", 20_000),  # decided, and nothing granted
    ],
)
def test_claims_together_are_at_most_what_was_deducted(
    others: list[tuple[int, str, int]], line: int, point: str, most: int
) -> None:
    phases = [{**DOCUMENT["phases"][0]}, DOCUMENT["phases"][1]]
    phases[0]["lines"] = [*phases[0]["lines"], {"n": 8, "kind": "true_up", "gross": "-100.00"}]
    document = {**DOCUMENT, "phases": phases}
    standing = [Claimed(*other) for other in others]
    if most:
        assert claimable(document, line, point, "x", standing).most_fen == most
    else:
        with pytest.raises(InputError, match="contested or granted already"):
            claimable(document, line, point, "x", standing)


def test_a_month_bounds_its_own_claims() -> None:
    lines = [
        {"n": 1, "kind": "payable", "gross": "90.00", "window": "2020-07"},
        {"n": 2, "kind": "payable", "gross": "80.00", "window": "2020-08"},
        {"n": 3, "kind": "deduction", "gross": "10.00", "window": "2020-07"},
        {"n": 4, "kind": "deduction", "gross": "20.00", "window": "2020-08"},
        {"n": 5, "kind": "true_up", "gross": "0.00", "window": ""},
    ]
    points = [{"code": "p1", "deduction": "25.00"}]
    document = {"phases": [{"phase": "p", "lines": lines, "point_lines": points}]}
    assert claimable(document, 1, "", "x").most_fen == 1_000
    assert claimable(document, 5, "", "x").most_fen == 3_000
    assert claimable(document, 4, "p1", "x", [Claimed(3, "p1", 1_000)]).most_fen == 1_500
    assert claimable(document, 4, "", "x", [Claimed(1, "", 1_000)]).most_fen == 2_000
    assert claimable(document, 4, "", "x", [Claimed(5, "", 2_500)]).most_fen == 500


def test_the_claim() -> None:
    deduction, payable, free = (
        Claimable("p", 5_000, 5_000),
        Claimable("p", None, 5_000),
        Claimable("p", None, None),
    )
    assert check_claim(None, deduction, "x") == 5_000
    assert check_claim(4_999, deduction, "x") == check_claim(4_999, payable, "x") == 4_999
    assert check_claim(1, free, "x") == 1
    for claimed, found in ((None, free), (None, payable), (0, payable), (-1, free), (5_001, payable)):
        with pytest.raises(InputError):
            check_claim(claimed, found, "x")


def test_no_amount_is_granted_of_what_the_next_quarter_settles() -> None:
    with pytest.raises(InputError, match="next quarter's true-up"):
        check_effect("next_prepayment", "amount", 1, "x")
    check_effect("next_prepayment", "data", 1, "x")
    check_effect("next_prepayment", "amount", 0, "x")
    check_effect("payable", "amount", 1, "x")


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
