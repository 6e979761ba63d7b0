from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.contracts import load_contract
from settlement.adjusting import amount_of, corrections
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Before, Issued
from settlement.money import Amount, taxed
from settlement.rules import OnlineRate, count_facts

XINJIAN = load_contract(Path("xinjian"))
PHASE = XINJIAN.phases[1]


def document(rate: OnlineRate | None, points: int = 1000, revision: int = 0) -> dict[str, Any]:
    prepaid = {"phase-2": Issued(taxed(169_560_000, XINJIAN.tax_rate, PHASE.weights), "2020Q2/0")}
    facts = {"phase-2": count_facts(points, rate)}
    return settle_inputs(Inputs(XINJIAN, 1, "2020Q3", facts, revision, before=Before(prepaid)))[1]


def payable(found: dict[str, Any]) -> Amount:
    (line,) = [line for phase in found["phases"] for line in phase["lines"] if line["kind"] == "payable"]
    return amount_of(line)


def test_the_difference_goes_to_the_line_that_it_corrects() -> None:
    was, now = document(OnlineRate(8_771, 10_000)), document(OnlineRate(88, 100))
    (made,), findings = corrections(was, now, [])
    assert findings == []
    # 1,000 × 628 × 3 × (88 % − 87.71 %)
    assert made.adjustment.amount.line.gross_fen == 546_360
    assert made.adjustment.parent == "2020Q3/0/2"
    assert made.adjustment.amount == payable(now).minus(payable(was))
    assert "1,657,920.00 − 1,652,456.40 = 5,463.60" in made.adjustment.why
    assert made.dispute is None


def test_nothing_changed_is_nothing_adjusted() -> None:
    was = document(OnlineRate(8_771, 10_000))
    assert corrections(was, was, []) == ([], [])


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_adjustments_add_up_to_recomputation_less_original_in_every_column_and_never_come_twice(
    goods: list[int],
) -> None:
    was = document(OnlineRate(8_771, 10_000))
    issued: list[tuple[str, Amount]] = []
    for good in goods:
        now = document(OnlineRate(good, 10_000))
        made, _ = corrections(was, now, issued)
        assert len(made) <= 1
        issued += [(item.adjustment.parent, item.adjustment.amount) for item in made]
        total = payable(was)
        for _, amount in issued:
            total = total.plus(amount)
        assert total == payable(now)
        assert corrections(was, now, issued) == ([], [])


def test_a_phase_that_could_not_be_settled_is_settled_against_its_prepayment() -> None:
    was, now = document(None), document(OnlineRate(8_771, 10_000))
    assert was["phases"] == []
    (made,), _ = corrections(was, now, [])
    assert made.adjustment.parent == "2020Q3/0/0"
    assert made.adjustment.amount.line.gross_fen == 165_245_640 - 169_560_000
    again, _ = corrections(was, now, [(made.adjustment.parent, made.adjustment.amount)])
    assert again == []


def test_a_phase_that_cannot_be_recomputed_stays_as_it_was_issued() -> None:
    made, findings = corrections(document(OnlineRate(8_771, 10_000)), document(None), [])
    assert made == []
    assert [(finding.column, finding.level) for finding in findings] == [("phase-2", "warning")]


def test_adjustments_of_another_statement_do_not_count() -> None:
    was, now = document(OnlineRate(8_771, 10_000)), document(OnlineRate(88, 100))
    other = payable(now).minus(payable(was))
    (made,), _ = corrections(was, now, [("2020Q2/0/2", other), ("2020Q3/0/5", other)])
    assert made.adjustment.amount == other


def test_an_adjustment_enters_a_statement_and_its_total() -> None:
    was, now = document(OnlineRate(8_771, 10_000)), document(OnlineRate(88, 100))
    (made,), _ = corrections(was, now, [])
    inputs = Inputs(XINJIAN, 1, "2020Q4", {"phase-2": count_facts(1000, OnlineRate(9, 10))})
    plain = settle_inputs(inputs)[1]
    with_it = settle_inputs(replace(inputs, before=Before(adjustments=(made.adjustment,))))[1]
    assert [(line["parent"], line["gross"]) for line in with_it["adjustments"]] == [("2020Q3/0/2", "5463.60")]
    assert with_it["totals"]["adjustment"] == "5463.60"
    cents = [int(found["totals"]["total"].replace(".", "")) for found in (plain, with_it)]
    assert cents[1] - cents[0] == 546_360
