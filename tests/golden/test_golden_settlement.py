"""Golden settlements: contract and facts in, lines out, as a finance person would write them down."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.contracts import load_contract
from config.load import load_yaml
from settlement.rules import PhaseFacts, billed_days, count_facts, measured_rate, parse_rate, roster_facts
from settlement.statement import Statement, ambiguity, settle, statement_json

HERE = Path(__file__).parent
TERMS = load_contract(Path("xinjian"))


def golden(*names: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{name}-{n}")
        for name in names
        for n, case in enumerate(load_yaml(HERE / f"{name}.yaml")[0]["cases"], 1)
    ]


def plain(amount: str) -> str:
    return amount.replace(",", "")


def facts_of(phase: dict[str, Any]) -> PhaseFacts:
    rate = None
    if "rate" in phase:
        rate = parse_rate(phase["rate"])
    elif "good" in phase:
        rate = measured_rate(phase["good"], phase["counted"])
    if "roster" in phase:
        roster = {
            code: [day for start, until in spans for day in billed_days(start, until)]
            for code, spans in phase["roster"].items()
        }
        return roster_facts(roster.items(), rate)
    return count_facts(phase["count"], rate)


def amounts(statement: Statement) -> dict[tuple[str, str], str]:
    return {(line["phase"], line["kind"]): line["amount"] for line in statement_json(statement)["lines"]}


KINDS = {"pays": "payable", "settles": "true_up", "next": "next_prepayment"}


@pytest.mark.parametrize("case", golden("readings", "report_quarters", "roster"))
def test_quarter(case: dict[str, Any]) -> None:
    terms = load_contract(Path(case["contract"]))
    facts = {name: facts_of(phase) for name, phase in case["phases"].items()}
    for reading, expected in case["readings"].items():
        statement, findings = settle(terms, case["quarter"], facts, reading)
        document, got = statement_json(statement), amounts(statement)
        assert not findings
        for name, phase in case["phases"].items():
            wanted = expected[name]
            for word, kind in KINDS.items():
                if word in wanted or (word == "next" and "total" in expected):
                    assert got.get((name, kind)) == (plain(wanted[word]) if word in wanted else None), (reading, kind)
            assert got.get((name, "prepayment")) == (plain(phase["prepaid"]) if "prepaid" in phase else None)
            if "full" in phase:
                assert Decimal(got[name, "payable"]) + Decimal(got[name, "deduction"]) == Decimal(plain(phase["full"]))
            if "unit_price" in wanted:
                assert document["unit_price_after_deduction"][name] == wanted["unit_price"]
        if "total" in expected:
            assert document["total"] == plain(expected["total"])
        if "not_settled" in expected:
            assert document["not_settled"] == expected["not_settled"]
        if "why" in expected:
            assert any(expected["why"] in line["why"] for line in document["lines"])


@pytest.mark.parametrize("case", golden("columns"))
def test_columns(case: dict[str, Any]) -> None:
    facts = {name: facts_of(phase) for name, phase in case["phases"].items()}
    statement, _ = settle(load_contract(Path(case["contract"])), case["quarter"], facts)
    got = [
        {key: line[key] for key in ("kind", "amount", "net", "tax")} | line["components"]
        for line in statement_json(statement)["lines"]
    ]
    assert got == [{key: plain(value) for key, value in line.items()} for line in case["lines"]]


@pytest.mark.parametrize("span", ["one_month", "to_the_end"])
def test_day_count(span: str) -> None:
    case = load_yaml(HERE / "day_count.yaml")[0][span]
    assert len(case["fees"]) == 5
    for rule, fee in case["fees"].items():
        terms = type(TERMS).model_validate(TERMS.document() | {"day_count": rule})
        facts = roster_facts([("P1", billed_days(*case["billed"]))], parse_rate("100%"))
        statement, _ = settle(terms, case["quarter"], {"phase-2": facts})
        assert amounts(statement).get(("phase-2", "payable"), "0.00") == plain(fee), rule


def test_the_table_of_readings_is_the_ambiguity_report() -> None:
    case = load_yaml(HERE / "readings.yaml")[0]["cases"][0]
    facts = {name: facts_of(phase) for name, phase in case["phases"].items()}
    report = ambiguity(TERMS, case["quarter"], facts)
    got = {str(row.reading): (row.payable_fen, row.true_up_fen) for row in report.outcomes}
    wanted = {
        reading: tuple(int(plain(row["phase-2"][word]).replace(".", "")) for word in ("pays", "settles"))
        for reading, row in case["readings"].items()
    }
    assert got == wanted
    assert report.spread_fen == 34_594_008  # 1,763,800.80 (C) − 1,417,860.72 (G)
