"""Windows that are billed in part, and how far back a contract may look."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.period import midnight
from settlement.contract import Terms
from settlement.facts import EventFact
from settlement.looking import months_back
from settlement.rules import ALWAYS, MonthFacts, OnlineRate, roster_facts
from settlement.statement import settle


def terms(*rules: dict[str, Any], **changes: Any) -> Terms:
    phase = {"id": "p", "unit_price": "100.00", "in_service_from": "2020-09-01", "months": 12}
    body = {"contract": "c", "tax_rate": "0.06", "target": "0.90", "prepay_share": "0.90", "phases": [phase]}
    return Terms.model_validate(body | {"rules": list(rules)} | changes)


@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_points_off_the_score_count_in_the_last_billed_month(grain: str) -> None:
    """The term ends in August: points of the quarter count there, not in a September that nobody pays for."""
    bands = [{"from": "0", "to": "90", "pays": "50%"}, {"from": "90", "to": "100", "pays": "100%"}]
    contract = terms(
        {"kind": "unit-fine", "id": "fine", "grain": "quarter", "events": ["patrol"], "points": "20"},
        {"kind": "assessment-score", "id": "score", "grain": grain, "bands": bands},
        grain="month",
    )
    event = EventFact("1", "patrol", "", midnight(date(2021, 7, 5), contract.zone))
    months = tuple(
        MonthFacts(label, OnlineRate(1, 1), points=(), events=(event,) if label == "2021-07" else ())
        for label in ("2021-07", "2021-08", "2021-09")
    )
    facts = replace(roster_facts([("P1", ALWAYS)], OnlineRate(1, 1)), months=months)
    (result,) = settle(contract, "2021Q3", {"p": facts})[0].results
    assert [one.window for one in result.evaluations] == ["2021-07", "2021-08"]
    taken = [one.fee - one.payable for one in result.evaluations]
    assert taken == ([0, 5_000] if grain == "month" else [5_000, 5_000])
    off = [each.amount for one in result.evaluations for each in one.results if each.unit == "points"]
    assert off == [0, 20]


RECTIFICATION = {
    "kind": "rectification",
    "id": "late",
    "deadline_hours": 24,
    "yuan_per_period": "3.00",
    "rounding": "ceil",
}
FINE = {"kind": "unit-fine", "id": "fine", "events": ["x"], "fine": "1.00"}


def repeated(days: int, grain: str = "month") -> dict[str, Any]:
    return FINE | {"grain": grain, "repeat": {"within_days": days, "factors": [1, 2]}}


def test_a_rule_by_quarter_looks_back_whole_quarters() -> None:
    assert months_back(terms(repeated(30))) == 2
    assert months_back(terms(repeated(30, "quarter"))) == 3
    assert months_back(terms(repeated(92, "quarter"))) == 6
    assert months_back(terms(RECTIFICATION | {"again_hours": 72})) == 1
    assert months_back(terms(RECTIFICATION | {"again_hours": 72, "grain": "quarter"})) == 3


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"rules": [repeated(1_681)]}, ("rules", 0, "repeat", "within_days")),
        ({"rules": [repeated(1_680)]}, None),
        ({"rules": [FINE, repeated(3_660, "quarter") | {"id": "other"}]}, ("rules", 1, "repeat", "within_days")),
        ({"rules": [RECTIFICATION | {"again_hours": 50_000}]}, ("rules", 0, "again_hours")),
        ({"breaches": [{"consecutive": 22, "grain": "quarter", "text": "x"}]}, ("breaches", 0, "consecutive")),
        ({"breaches": [{"consecutive": 21, "grain": "quarter", "text": "x"}]}, None),
        (
            {"escalations": [{"consecutive": 22, "grain": "quarter", "factor": 2}]},
            ("escalations", 0, "consecutive"),
        ),
    ],
)
def test_a_contract_that_looks_further_back_than_is_kept_is_refused(
    changes: dict[str, Any], place: tuple[Any, ...] | None
) -> None:
    if place is None:
        assert months_back(terms(**changes)) <= 60
        return
    with pytest.raises(ValidationError, match="months back") as caught:
        terms(**changes)
    assert [error["loc"] for error in caught.value.errors()] == [place]
