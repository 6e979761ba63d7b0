from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.contracts import load_contract
from settlement.adjusting import Grant, amount_of, corrections
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Before, Issued
from settlement.money import NOTHING, Amount, taxed
from settlement.rules import MonthFacts, OnlineRate, count_facts, roster_facts

XINJIAN = load_contract(Path("xinjian"))
PHASE = XINJIAN.phases[1]
QUARTER = parse_quarter("2020Q3")
ALL = ((QUARTER.start.toordinal(), QUARTER.end.toordinal()),)


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
    assert made.adjustment.parent == "2020Q3/0/0/phase-2"
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


MONTHS = ("2020-07", "2020-08", "2020-09")
Rates = dict[str, tuple[int | None, int | None, int | None]]
"""By phase what its points came to in each month, of 100; None for a month in which nothing was billed."""


def several(rates: Rates) -> dict[str, Any]:
    """The document of several phases settled month by month; a phase without a rate is prepaid for the next quarter alone."""
    terms = Terms.model_validate(XINJIAN.document() | {"grain": "month"})
    prepaid = {phase.id: Issued(taxed(1_000_000, terms.tax_rate, phase.weights), "2020Q2/0") for phase in terms.phases}
    facts = {}
    for phase, goods in rates.items():
        billed = tuple(
            (start, end) for (start, end), good in zip(QUARTER.months, goods, strict=True) if good is not None
        )
        known = [
            MonthFacts(label, None if good is None else OnlineRate(good, 100))
            for label, good in zip(MONTHS, goods, strict=True)
        ]
        whole = [good for good in goods if good is not None]
        rate = OnlineRate(sum(whole), 100 * len(whole)) if any(whole) else None
        facts[phase] = replace(roster_facts([(f"{phase}-1", billed or ALL)], rate), months=tuple(known))
    alone = frozenset(phase for phase in rates if facts[phase].rate is None)
    inputs = Inputs(terms, 1, "2020Q3", facts, before=Before(prepaid, prepay_alone=alone))
    return settle_inputs(inputs)[1]


def payables(found: dict[str, Any], name: str) -> Amount:
    """What a phase is paid, less its prepayment where it was not settled before."""
    (phase,) = [phase for phase in found["phases"] if phase["phase"] == name]
    total = NOTHING
    for line in phase["lines"]:
        if line["kind"] == "payable":
            total = total.plus(amount_of(line))
    return total


GOODS = st.one_of(st.none(), st.integers(1, 100))
CASES = st.fixed_dictionaries({phase: st.tuples(GOODS, GOODS, GOODS) for phase in ("phase-1", "phase-2")})


def billed(rates: Rates, phase: str) -> bool:
    return any(good is not None for good in rates[phase])


@settings(max_examples=60, deadline=None)
@given(CASES, st.lists(CASES, min_size=1, max_size=4))
def test_several_phases_and_months_are_each_adjusted_to_their_recomputation_and_never_twice(
    first: Rates, then: list[Rates]
) -> None:
    was = several(first)
    issued: list[tuple[str, str, Amount]] = []
    for rates in then:
        now = several(rates)
        earlier = [(parent, amount) for parent, _, amount in issued]
        made, _ = corrections(was, now, earlier)
        assert len({item.adjustment.parent for item in made}) == len(made)
        issued += [(item.adjustment.parent, item.adjustment.phase, item.adjustment.amount) for item in made]
        again, _ = corrections(was, now, [(parent, amount) for parent, _, amount in issued])
        assert again == []
        for phase in ("phase-1", "phase-2"):
            if not billed(rates, phase):
                continue
            total = NOTHING
            for _, of, amount in issued:
                total = total.plus(amount) if of == phase else total
            target = payables(now, phase)
            if billed(first, phase):
                assert total.line == target.minus(payables(was, phase)).line
            else:
                assert total.line.gross_fen == target.line.gross_fen - 1_000_000


def test_two_phases_and_a_new_month_have_parents_of_their_own() -> None:
    was = several({"phase-1": (None, None, None), "phase-2": (None, None, 90)})
    now = several({"phase-1": (90, 90, 90), "phase-2": (90, 80, 90)})
    made, _ = corrections(was, now, [])
    assert [item.adjustment.parent for item in made] == [
        "2020Q3/0/0/phase-2/2020-07",
        "2020Q3/0/0/phase-2/2020-08",
        "2020Q3/0/0/phase-1",
    ]


def granted(was: dict[str, Any], fen: int, window: str | None = "") -> list[Grant]:
    return [Grant("phase-2", window, taxed(fen, XINJIAN.tax_rate, PHASE.weights))]


@pytest.mark.parametrize("window", ["", None])
@given(st.lists(st.integers(8_000, 10_000), min_size=1, max_size=5), st.integers(1, 20_000_000))
def test_a_grant_is_an_advance_on_what_a_recomputation_raises(window: str | None, goods: list[int], fen: int) -> None:
    was = document(OnlineRate(8_771, 10_000))
    issued: list[tuple[str, Amount]] = []
    for good in goods:
        now = document(OnlineRate(good, 10_000))
        made, _ = corrections(was, now, issued, granted(was, fen, window))
        issued += [(item.adjustment.parent, item.adjustment.amount) for item in made]
        adjusted = sum(amount.line.gross_fen for _, amount in issued)
        moved = payable(now).minus(payable(was)).line.gross_fen
        assert adjusted + fen == (max(moved, fen) if moved > 0 else moved + fen)
        assert corrections(was, now, issued, granted(was, fen, window)) == ([], [])
    if not moved:
        assert adjusted == 0, "without a recomputation a grant stands"


def test_a_grant_of_another_phase_or_month_is_no_advance() -> None:
    was, now = document(OnlineRate(8_771, 10_000)), document(OnlineRate(88, 100))
    for other in (Grant("phase-1", "", payable(now)), Grant("phase-2", "2020-07", payable(now))):
        (made,), _ = corrections(was, now, [], [other])
        assert made.adjustment.amount.line.gross_fen == 546_360
