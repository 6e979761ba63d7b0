"""What earlier statements left to a quarter is never lost: prepayments, retention, and the components they came from."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from monitor.finding import InputError
from settlement.contract import Terms
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.lines import Before, Issued, Statement
from settlement.money import taxed
from settlement.rules import MonthFacts, billed_days, count_facts, parse_rate, roster_facts
from settlement.statement import settle

PARTS = (("line", 60), ("platform", 40))


def terms(**changes: Any) -> Terms:
    def phase(name: str, first: str) -> dict[str, Any]:
        parts = {"line": "60.00", "platform": "40.00"}
        return {"id": name, "unit_price": "100.00", "components": parts, "in_service_from": first, "months": 12}

    body = {"contract": "c", "tax_rate": "0.06", "target": "0.90", "prepay_share": "0.90"}
    return Terms.model_validate(body | {"phases": [phase("p", "2020-04-01"), phase("q", "2020-04-01")]} | changes)


def issued(fen: int) -> Issued:
    return Issued(taxed(fen, Fraction(6, 100), PARTS), "2020Q2/0")


def lines(statement: Statement, phase: str) -> dict[str, int]:
    return {line.kind.value: line.amount.line.gross_fen for line in statement.lines if line.phase == phase}


@pytest.mark.parametrize("grain", ["quarter", "month"])
def test_what_was_prepaid_comes_back_where_nothing_is_billed(grain: str) -> None:
    one = parse_rate("1")
    rated = count_facts(2, one, [MonthFacts(label, one) for label in ("2020-07", "2020-08", "2020-09")])
    gone = roster_facts([("P1", billed_days(date(2020, 4, 1), date(2020, 6, 1)))], None)
    for facts in ({"p": gone}, {}):  # the roster's points left, or there is no point at all
        facts |= {"q": rated}
        statement, _ = settle(terms(grain=grain), "2020Q3", facts, before=Before({"p": issued(27_000)}))
        found = lines(statement, "p")
        assert (found["prepayment"], found["payable"], found["true_up"]) == (27_000, 0, -27_000)
        assert statement.not_settled == ()
        assert statement.total_fen == -27_000 + sum(
            lines(statement, "q")[kind] for kind in ("true_up", "next_prepayment")
        )


def test_what_was_left_to_a_phase_that_the_contract_lost_is_refused() -> None:
    before = Before({"old": issued(1)}, {"older": issued(2)})
    with pytest.raises(InputError) as caught:
        settle(terms(), "2020Q3", {"p": count_facts(2, parse_rate("1"))}, before=before)
    assert {finding.column for finding in caught.value.findings} == {"old", "older"}
    settle(terms(), "2020Q3", {"p": count_facts(2, parse_rate("1"))}, before=Before({"old": issued(0)}))


RATED = {"p": count_facts(2, parse_rate("1")), "q": count_facts(2, None)}


@pytest.mark.parametrize(
    ("released_on", "quarter", "kept"),
    [
        ("2020-09-30", "2020Q3", False),
        ("2020-05-01", "2020Q3", False),  # its day passed in a quarter without a statement
        ("2021-01-02", "2020Q3", True),
        ("2022-05-15", "2022Q2", False),  # long after the last billed quarter
        ("2022-05-15", "2022Q3", False),
        ("2022-05-15", "2022Q1", True),
    ],
)
def test_retention_is_released_when_its_day_has_come_whatever_is_billed(
    released_on: str, quarter: str, kept: bool
) -> None:
    contract = terms(retention={"share": "5%", "released_on": released_on})
    before = Before(retained={"p": issued(5_000), "q": issued(700)})
    facts = RATED if quarter < "2021Q2" else {}
    frozen = Inputs(contract, 1, quarter, facts, before=before, software="test")
    statement, document, _ = settle_inputs(frozen)
    assert from_document(frozen.to_document()).before == before
    paid = {phase: lines(statement, phase).get("retention_release") for phase in "pq"}
    assert paid == ({"p": None, "q": None} if kept else {"p": 5_000, "q": 700})
    stood = [row["gross"] for phase in document["phases"] for row in phase["lines"] if "release" in row["kind"]]
    assert stood == ([] if kept else ["50.00", "7.00"])
    assert document["totals"]["retention_release"] == ("0.00" if kept else "57.00")
    if quarter >= "2022Q1":
        assert statement.total_fen == (0 if kept else 5_700)


def test_a_contract_that_keeps_nothing_back_any_more_releases_what_it_kept() -> None:
    statement, _ = settle(terms(), "2020Q3", RATED, before=Before(retained={"p": issued(5_000)}))
    assert lines(statement, "p")["retention_release"] == 5_000


def test_prepayments_are_split_by_the_price_of_their_quarter() -> None:
    contract = terms().document()
    contract["phases"][0]["prices"] = [
        {"from": "2020-10-01", "unit_price": "200.00", "components": [["line", "20.00"], ["platform", "180.00"]]}
    ]
    facts = {"p": count_facts(1, parse_rate("1"))}
    for quarter, prepaid, following in (("2020Q3", (60, 40), (10, 90)), ("2020Q4", (10, 90), (10, 90))):
        statement, _ = settle(Terms.model_validate(contract), quarter, facts)
        for kind, shares in (("prepayment", prepaid), ("next_prepayment", following)):
            amount = next(line.amount for line in statement.lines if line.kind.value == kind)
            assert [part.gross_fen * 100 for _, part in amount.components] == [
                amount.line.gross_fen * share for share in shares
            ]
        true_up = next(line.amount for line in statement.lines if line.kind.value == "true_up")
        assert all(part.gross_fen >= 0 for _, part in true_up.components)
