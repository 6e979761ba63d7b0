"""Settlement under rules: against an oracle that shares no code, and what must hold of every quarter.

CAMSLA_EXAMPLES scales it; `make properties` runs a hundred thousand quarters against the oracle.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from settlement.money import Amount
from settlement.statement import Kind, Statement, settle
from tests.oracle import settlement_oracle as oracle
from tests.oracle.money_oracle import columns, rounded
from tests.properties.histories import TIMEOUT_S, thorough
from tests.properties.quarters import Case, cases

pytestmark = pytest.mark.timeout(TIMEOUT_S)


def settled(case: Case) -> Statement:
    return settle(case.terms, case.quarter, {"p": case.facts})[0]


def amounts(amount: Amount) -> dict[str, tuple[int, int, int]]:
    return {"": tuple(amount.line), **{name: tuple(part) for name, part in amount.components}}


def payables(statement: Statement) -> list[dict[str, tuple[int, int, int]]]:
    return [amounts(line.amount) for line in statement.lines if line.kind is Kind.PAYABLE]


def expected(case: Case) -> list[dict[str, tuple[int, int, int]]] | None:
    windows = oracle.settle(case.contract, case.phase, case.points, case.events, case.months)
    return None if windows is None else [_columns(case, window) for window in windows]


def _columns(case: Case, window: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    parts = window["payable"] if any(window["payable"].values()) else window["fee"]
    parts = parts if case.phase["parts"] else {}
    result: dict[str, tuple[int, int, int]] = columns(
        rounded(Fraction(sum(window["payable"].values()))), case.contract["tax"], parts
    )
    return result


@given(cases())
@thorough
def test_payables_agree_with_the_oracle_in_every_column(case: Case) -> None:
    statement, wanted = settled(case), expected(case)
    if wanted is None:
        assert statement.not_settled == ("p",)
        assert not payables(statement)
    else:
        assert payables(statement) == wanted
