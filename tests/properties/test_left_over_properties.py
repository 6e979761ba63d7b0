"""What earlier statements left to a quarter: paid back and paid out to the fen, whatever the quarter itself holds."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.contract import Terms
from settlement.lines import Before, Issued, Kind
from settlement.money import taxed
from settlement.statement import settle
from tests.properties.histories import TIMEOUT_S, thorough
from tests.properties.quarters import Case, cases

pytestmark = pytest.mark.timeout(TIMEOUT_S)
dozens = settings(thorough, max_examples=int(os.environ.get("CAMSLA_EXAMPLES", "40")))


@given(cases(most_rules=1), st.integers(1, 10**9), st.integers(-400, 1))
@dozens
def test_what_was_kept_back_is_paid_out_once_when_its_day_has_come(case: Case, kept: int, days: int) -> None:
    day = case.quarter.end + timedelta(days)
    contract = Terms.model_validate(
        case.terms.document() | {"retention": {"share": "5%", "released_on": day.isoformat()}}
    )
    before = Before(retained={"p": Issued(taxed(kept, contract.tax_rate, ()), "earlier/0")})
    statement, _ = settle(contract, case.quarter, {"p": case.facts}, before=before)
    paid = [line.amount.line.gross_fen for line in statement.lines if line.kind is Kind.RETENTION_RELEASE]
    assert paid == ([kept] if days <= 0 else [])
    without, _ = settle(contract, case.quarter, {"p": case.facts})
    assert statement.total_fen - without.total_fen == sum(paid)
    assert statement.not_settled == without.not_settled


@given(cases(most_rules=1), st.integers(1, 10**9))
@dozens
def test_what_was_prepaid_is_set_off_or_paid_back(case: Case, prepaid: int) -> None:
    before = Before({"p": Issued(taxed(prepaid, case.terms.tax_rate, ()), "earlier/0")})
    statement, _ = settle(case.terms, case.quarter, {"p": case.facts}, before=before)
    sums = dict.fromkeys(Kind, 0)
    for line in statement.lines:
        sums[line.kind] += line.amount.line.gross_fen
    if not statement.not_settled:
        assert sums[Kind.PREPAYMENT] == prepaid
        assert sums[Kind.TRUE_UP] == sums[Kind.PAYABLE] - sums[Kind.RETENTION] - prepaid
