"""Months to a quarter, both sides' points, and which figure pays: the contract's rules to the fen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.contracts import load_contract
from settlement.authority import Arrived, Figure, Monthly, Presence, pooled, quarter_of_months, standing
from settlement.clauses import AuthorityClause
from settlement.comparing import OwnPhase
from settlement.contract import Reading, Terms
from settlement.daycount import Quarter
from settlement.facts import Share
from settlement.lines import Kind
from settlement.matching import LedgerPoint
from settlement.payable import payable_at
from settlement.reconcile import FileNote, Reconciliation, reconcile
from settlement.reconcile_document import reconciliation_document
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointFact, count_facts, roster_facts
from settlement.statement import settle

Q3 = Quarter(2020, 3)
XINJIAN = load_contract(Path("xinjian"))
THOUSAND = {label: Presence(1000, 1000 * days) for label, days in (("2020-07", 31), ("2020-08", 31), ("2020-09", 30))}
LATE = date(2021, 1, 1)


def months(*rates: str, points: tuple[int | None, ...] = (None, None, None)) -> list[Monthly]:
    labels = ("2020-07", "2020-08", "2020-09")
    return [Monthly(at, Fraction(rate), n) for at, rate, n in zip(labels, rates, points, strict=True)]


def clause(**given: Any) -> Terms:
    return XINJIAN.model_copy(update={"authority": AuthorityClause(**given), "reading": Reading.B})


def figure(text: str, period: str = "2020Q3", phase: str = "phase-2", point: str = "", **given: Any) -> Figure:
    num, den = _digits(text)
    values = {"device": "", "name": "", "unit": "share", "points": None, "line": 1, "file": "f1"} | given
    return Figure(phase, point, period=period, num=num, den=den, text=text, **values)


def _digits(text: str) -> tuple[int, int]:
    if "/" in text:
        return int(text.split("/", maxsplit=1)[0]), int(text.split("/")[1])
    places = len(text.partition(".")[2])
    return int(text.replace(".", "")), 10**places


def own(rate: str, **points: str) -> dict[str, OwnPhase]:
    value = Fraction(rate)
    shares = {code: Share(int(Fraction(r) * 1000), 1000) for code, r in points.items()}
    return {"phase-2": OwnPhase(OnlineRate(value.numerator, value.denominator), shares)}


def ledger_point(code: str, device: str = "", former: tuple[str, ...] = (), **given: Any) -> LedgerPoint:
    return LedgerPoint(
        code, **({"phase": "phase-2", "device": device, "former": former, "days": (31, 31, 30), "ours": True} | given)
    )


def run(
    terms: Terms, figures: list[Figure], mine: dict[str, OwnPhase], ledger: list[LedgerPoint], today: date = LATE
) -> Reconciliation:
    payable = payable_at(terms, Q3, {"phase-2": count_facts(1000, None)})
    files = [FileNote("f1", "q3.xls", "新公视〔2020〕18号", "2020-10-09", typed=False, actor="甲", checked_by="乙")]
    return reconcile(terms, Q3, figures, ledger, mine, payable, today, files)


def row(found: Reconciliation, phase: str = "phase-2") -> Any:
    return next(row for row in found.phases if row.phase == phase)


def test_the_worked_quarter_by_each_rule() -> None:
    """Months 95, 92 and 65 % of 2020 Q3 under reading B: 84 % plainly, 1,586,450.87 yuan by days."""
    payable = payable_at(clause(), Q3, {"phase-2": count_facts(1000, None)})
    plain = quarter_of_months(Q3, months("0.95", "0.92", "0.65"), "simple-mean", THOUSAND)
    by_days = quarter_of_months(Q3, months("0.95", "0.92", "0.65"), "by-point-days", THOUSAND)
    assert plain is not None
    assert by_days is not None
    assert plain.value == Fraction(84, 100)
    assert payable("phase-2", plain.value) == 158_256_000
    assert by_days.value == Fraction(7747, 9200)
    assert payable("phase-2", by_days.value) == 158_645_087


def test_points_weigh_as_the_authority_prints_them_else_as_ours_stand() -> None:
    printed = quarter_of_months(Q3, months("0.9", "0.8", "0.7", points=(100, 100, 200)), "by-points", THOUSAND)
    assert printed is not None
    assert printed.value == Fraction(90 + 80 + 140, 400)
    growing = {"2020-07": Presence(10, 310), "2020-08": Presence(10, 310), "2020-09": Presence(20, 600)}
    ours = quarter_of_months(Q3, months("0.9", "0.8", "0.7"), "by-points", growing)
    assert ours is not None
    assert ours.value == Fraction(9 + 8 + 14, 40)
    assert "÷ 40" in ours.how


def test_a_month_in_which_nobody_was_there_is_not_needed_and_any_other_is() -> None:
    late = {"2020-07": Presence(0, 0), "2020-08": Presence(5, 100), "2020-09": Presence(5, 150)}
    made = quarter_of_months(Q3, months("0.1", "0.8", "0.9")[1:], "simple-mean", late)
    assert made is not None
    assert made.value == Fraction(85, 100)
    assert quarter_of_months(Q3, months("0.1", "0.8", "0.9")[1:], "simple-mean", THOUSAND) is None


def test_counts_are_pooled_and_rates_averaged() -> None:
    counts = [figure("700/720", point="a", unit="inspections"), figure("100/240", point="b", unit="inspections")]
    assert pooled(counts).value == Fraction(800, 960)  # type: ignore[union-attr]
    rates = [figure("1", point="a"), figure("1/2", point="b")]
    assert pooled(rates).value == Fraction(3, 4)  # type: ignore[union-attr]
    assert pooled(rates, {"a": 1, "b": 3}).value == Fraction(5, 8)  # type: ignore[union-attr]
    assert pooled([]) is None


PAYS = [
    ("own", "0.95", "0.80", "own", "0.95"),
    ("authority", "0.95", "0.80", "authority", "0.80"),
    ("lower", "0.95", "0.80", "authority", "0.80"),
    ("lower", "0.80", "0.95", "own", "0.80"),
    ("higher", "0.95", "0.80", "own", "0.95"),
    ("higher", "0.80", "0.95", "authority", "0.95"),
    ("lower", "0.90", "0.90", "own", "0.90"),
]


@pytest.mark.parametrize(("pays", "mine", "theirs", "source", "rate"), PAYS)
def test_which_figure_pays(pays: str, mine: str, theirs: str, source: str, rate: str) -> None:
    chosen = row(run(clause(pays=pays), [figure(theirs)], own(mine), [])).chosen
    assert (chosen.source, chosen.rate.value) == (source, Fraction(rate))
    assert chosen.reference == ("新公视〔2020〕18号" if source == "authority" else "")


MISSING = [  # by_day 15: the fifteenth day after 30 September is 15 October
    ({"if_missing": "wait", "by_day": 15}, date(2021, 1, 1), "waits"),
    ({"if_missing": "provisional-own", "by_day": 15}, date(2020, 10, 15), "waits"),
    ({"if_missing": "provisional-own", "by_day": 15}, date(2020, 10, 16), "provisional-own"),
    ({"if_missing": "prepay-only", "by_day": 15}, date(2020, 10, 15), "waits"),
    ({"if_missing": "prepay-only", "by_day": 15}, date(2020, 10, 16), "prepay-only"),
    ({"if_missing": "prepay-only"}, date(2020, 10, 1), "prepay-only"),
]


@pytest.mark.parametrize(("given", "today", "source"), MISSING)
def test_what_happens_if_none_came(given: dict[str, Any], today: date, source: str) -> None:
    found = run(clause(pays="authority", **given), [], own("0.95"), [], today)
    chosen = row(found).chosen
    assert chosen.source == source
    assert (chosen.rate is not None) == (source == "provisional-own")
    levels = {finding.column: finding.level for finding in found.findings}
    assert levels["phase-2"] == ("error" if source == "waits" else "warning")


def test_two_of_three_months_are_no_quarter_and_are_named() -> None:
    figures = [figure("0.9", "2020-07"), figure("0.9", "2020-09")]
    found = run(clause(pays="authority"), figures, own("0.95"), [ledger_point("P1")])
    assert row(found).chosen.source == "waits"
    assert any("2020-08" in finding.message for finding in found.findings)


def test_the_tolerance_and_the_difference_in_yuan() -> None:
    terms = clause(pays="authority", tolerance="0.01")
    near = run(terms, [figure("0.8562")], own("0.8662"), [])
    assert (row(near).within, row(near).difference) == (True, Fraction(-1, 100))
    far = run(terms, [figure("0.8561")], own("0.8662"), [])
    assert row(far).within is False
    assert row(far).difference_fen == 161_289_240 - 163_192_080
    (warning,) = [finding for finding in far.findings if finding.column == "phase-2"]
    assert "−1.01" in warning.message
    assert "19,028.40" in warning.message


def test_strangers_missing_points_and_changed_codes_with_both_denominators() -> None:
    ledger = [
        ledger_point("P1", "G1"),
        ledger_point("P2", "G2", ("OLD2",)),
        ledger_point("P3", "G3"),
        ledger_point("X1", "GX", ours=False, contract="other", phase="phase-9"),
        ledger_point("P4", "G4", days=(0, 0, 0)),
    ]
    figures = [
        figure("1", device="g1"),  # blanks, width and case do not matter
        figure("0.9", device="ＯＬＤ2", line=2),
        figure("0.1", device="NEW", name="不认识", line=3),
        figure("0.2", device="GX", line=4),
        figure("0.3", device="G4", line=5),
    ]
    found = run(clause(pays="authority", level="point"), figures, own("0.95", P1="0.9", P2="0.9", P3="1"), ledger)
    assert sorted((item.kind, item.point, item.theirs) for item in found.items) == [
        ("missing", "P3", ""),
        ("not-assessed", "P4", "G4"),
        ("not-assessed", "X1", "GX"),
        ("recoded", "P2", "ＯＬＤ2"),
        ("stranger", "", "NEW"),
    ]
    phase = row(found)
    assert (phase.own_points, phase.theirs.points) == (3, 5)
    assert phase.theirs.value == Fraction(95, 100)  # P1 and P2, which both sides have
    assert phase.theirs.printed == Fraction(1 * 10 + 9 + 1 + 2 + 3, 50)  # all five
    missing = next(item for item in found.items if item.kind == "missing")
    assert missing.own == Share(1000, 1000)
    document = reconciliation_document(found)
    assert len(document["items"]) == len(found.items)
    assert document["phases"][0]["phase"] == "phase-1"


def test_a_points_figure_is_worth_what_it_changes() -> None:
    terms = clause(pays="own", level="point").model_copy(update={"reading": Reading.A})
    ledger = [ledger_point("P1"), ledger_point("P2")]
    found = run(terms, [figure("0.5", point="P1"), figure("1", point="P2")], own("0.95", P1="0.9", P2="1"), ledger)
    worth = {compared.point: (compared.difference, compared.fen, compared.beyond) for compared in found.points}
    # One point of two: 40 percentage points less make 20 less of 1,884,000.
    assert worth == {"P1": (Fraction(-2, 5), -37_680_000, True), "P2": (Fraction(0), 0, False)}


def test_the_worth_of_points_is_worked_out_where_somebody_asks() -> None:
    terms = clause(pays="own", level="point")
    ledger = [ledger_point("P1"), ledger_point("P2")]
    figures, mine = [figure("0.5", point="P1"), figure("1", point="P2")], own("0.95", P1="0.9", P2="1")
    payable = payable_at(terms, Q3, {"phase-2": count_facts(1000, None)})
    moved: list[tuple[int, int]] = []
    plain = reconcile(terms, Q3, figures, ledger, mine, payable, LATE, worth=False)
    whole = reconcile(terms, Q3, figures, ledger, mine, payable, LATE, progress=lambda *step: moved.append(step))
    assert moved == [(1, 2), (2, 2)]
    assert [point.fen for point in plain.points] == [None, None]
    assert None not in [point.fen for point in whole.points]
    assert replace(whole, points=plain.points) == plain


def test_figures_that_contradict_each_other_are_not_used() -> None:
    ledger = [ledger_point("P1"), ledger_point("P2")]
    figures = [
        figure("0.5", point="P1"),
        figure("0.6", point="P1", line=9),
        figure("1", point="P2"),
        figure("1", point="P2"),
    ]
    found = run(clause(pays="authority", level="point"), figures, own("0.9", P1="0.9", P2="1"), ledger)
    assert [(item.kind, item.point) for item in found.items] == [("conflict", "P1")]
    assert row(found).theirs.value == 1
    twice = [figure("0.8"), figure("0.9", line=2)]
    again = run(clause(pays="authority"), twice, own("0.9"), [])
    assert [item.kind for item in again.items] == ["conflict"]
    assert row(again).chosen.source == "waits"


def test_the_quarters_own_figure_goes_before_its_months() -> None:
    figures = [figure("0.84"), figure("0.95", "2020-07"), figure("0.92", "2020-08"), figure("0.65", "2020-09")]
    agreeing = run(clause(pays="authority"), figures, own("0.9"), [])
    assert [item.kind for item in agreeing.items] == []
    differing = run(clause(pays="authority"), [figure("0.80"), *figures[1:]], own("0.9"), [])
    assert row(differing).theirs.value == Fraction(80, 100)
    assert [item.kind for item in differing.items] == ["other-period"]


def test_the_order_of_anything_changes_nothing() -> None:
    ledger = [ledger_point(f"P{n}", f"G{n}") for n in range(6)]
    figures = [
        figure(f"{n}/10", m, device=f"G{n}", line=n) for n in range(1, 8) for m in ("2020-07", "2020-08", "2020-09")
    ]
    mine = own("0.9", **{f"P{n}": "0.9" for n in range(6)})
    one = reconciliation_document(run(clause(pays="authority", level="point"), figures, mine, ledger))
    other = reconciliation_document(run(clause(pays="authority", level="point"), figures[::-1], mine, ledger[::-1]))
    assert one == other


def _file(*texts: tuple[str, str, str], replaces: bool = False) -> Arrived:
    return Arrived([figure(rate, period, point=point) for rate, period, point in texts], replaces)


STANDING: list[tuple[Callable[[], list[Arrived]], dict[tuple[str, str], str], int]] = [
    (
        lambda: [_file(("0.5", "2020-07", "P1"), ("0.6", "2020-07", "P2"))],
        {("2020-07", "P1"): "0.5", ("2020-07", "P2"): "0.6"},
        0,
    ),
    (
        lambda: [_file(("0.5", "2020-07", "P1"), ("0.6", "2020-07", "P2")), _file(("0.7", "2020-07", "p1"))],
        {("2020-07", "p1"): "0.7", ("2020-07", "P2"): "0.6"},
        1,
    ),
    (
        lambda: [
            _file(("0.5", "2020-07", "P1"), ("0.6", "2020-08", "P2")),
            _file(("0.7", "2020-07", "P3"), replaces=True),
        ],
        {("2020-07", "P3"): "0.7", ("2020-08", "P2"): "0.6"},
        0,
    ),
]


@pytest.mark.parametrize(("files", "expected", "left"), STANDING, ids=["one", "partly", "whole"])
def test_later_files_take_the_place_of_earlier_ones(
    files: Callable[[], list[Arrived]], expected: dict[tuple[str, str], str], left: int
) -> None:
    figures, remaining = standing(files())
    assert {(f.period, f.point): f.text for f in figures} == expected
    assert remaining == left


TIERS = """
contract: tiers
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
reading: none
grain: month
rules:
  - kind: substituted-tiers
    id: tiers
    tiers:
      - {from: "0.80", pays: rate}
      - {from: "0.65", to: "0.80", pays: "0.65"}
      - {to: "0.65", pays: "0"}
phases:
  - {id: phase-2, unit_price: "628.00", in_service_from: 2020-07-01, months: 48}
"""


def test_what_a_rate_pays_under_a_main_rule(tmp_path: Path) -> None:
    """Family 2 by the month: 83.62 % pays itself, 79.99 % pays 65 %, 64.99 % nothing."""
    (tmp_path / "tiers.yaml").write_text(TIERS)
    terms = load_contract(tmp_path / "tiers.yaml")
    payable = payable_at(terms, Q3, {"phase-2": count_facts(1000, None)})
    assert payable("phase-2", Fraction(8362, 10_000)) == 3 * 52_513_360
    assert payable("phase-2", Fraction(7999, 10_000)) == 3 * 40_820_000
    assert payable("phase-2", Fraction(6499, 10_000)) == 0
    assert payable("phase-9", Fraction(1, 2)) is None


def test_by_months_a_reading_pays_each_month() -> None:
    """Reading B by the month: a given rate of 84 % pays 84 % of each month, 90 % pays all."""
    terms = XINJIAN.model_copy(update={"reading": Reading.B, "grain": "month"})
    payable = payable_at(terms, Q3, {"phase-2": count_facts(1000, None)})
    assert payable("phase-2", Fraction(84, 100)) == 158_256_000
    assert payable("phase-2", Fraction(90, 100)) == 188_400_000


def roster_of(count: int) -> PhaseFacts:
    first = Q3.start.toordinal()
    return roster_facts([PointFact(f"P{n:05}", ((first + n % 7, first + 400),)) for n in range(count)], None)


@pytest.mark.parametrize(("reading", "grain"), [(Reading.NONE, "month"), (Reading.B, "month"), (Reading.C, "quarter")])
def test_what_a_rate_pays_is_what_a_settlement_pays(reading: Reading, grain: str, tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text(TIERS)
    terms = load_contract(tmp_path / "tiers.yaml")
    if reading is not Reading.NONE:
        terms = terms.model_copy(update={"reading": reading, "grain": grain, "rules": ()})
    payable = payable_at(terms, Q3, {"phase-2": roster_of(20)})
    for rate in (Fraction(0), Fraction(65, 100), Fraction(7, 9), Fraction(8362, 10_000), Fraction(9, 10), Fraction(1)):
        given = OnlineRate(rate.numerator, rate.denominator, "given")
        months = tuple(MonthFacts(label, given) for label in ("2020-07", "2020-08", "2020-09"))
        facts = replace(roster_of(20), rate=given, months=months)
        statement, _ = settle(terms, Q3, {"phase-2": facts})
        paid = sum(line.amount.line.gross_fen for line in statement.lines if line.kind is Kind.PAYABLE)
        assert payable("phase-2", rate) == paid


def test_what_a_rate_pays_costs_the_same_for_many_points_as_for_few(tmp_path: Path) -> None:
    """Asked once for each of a city's points, it may not look at all of them each time: its calls are counted."""
    (tmp_path / "tiers.yaml").write_text(TIERS)
    terms = load_contract(tmp_path / "tiers.yaml")

    def calls(count: int) -> int:
        payable = payable_at(terms, Q3, {"phase-2": roster_of(count)})
        payable("phase-2", Fraction(83, 100))
        seen = 0

        def counting(frame: Any, event: str, _: object) -> None:
            nonlocal seen
            seen += event == "call" and "settlement" in frame.f_code.co_filename

        before = sys.getprofile()
        sys.setprofile(counting)
        try:
            payable("phase-2", Fraction(84, 100))
        finally:
            sys.setprofile(before)
        return seen

    assert 0 < calls(2_000) == calls(20)


@given(
    rates=st.lists(st.fractions(0, 1, max_denominator=10_000), min_size=3, max_size=3),
    points=st.lists(st.integers(0, 2_000), min_size=3, max_size=3),
    rule=st.sampled_from(["simple-mean", "by-points", "by-point-days"]),
)
def test_a_quarter_lies_between_its_months(rates: list[Fraction], points: list[int], rule: Any) -> None:
    labels = ("2020-07", "2020-08", "2020-09")
    presence = {at: Presence(n, n * 30) for at, n in zip(labels, points, strict=True)}
    made = quarter_of_months(Q3, [Monthly(at, r, None) for at, r in zip(labels, rates, strict=True)], rule, presence)
    there = [rate for rate, n in zip(rates, points, strict=True) if n]
    if not there:
        assert made is None
        return
    assert made is not None
    assert min(there) <= made.value <= max(there)
    backwards = [Monthly(at, r, None) for at, r in zip(labels, rates, strict=True)][::-1]
    assert quarter_of_months(Q3, backwards, rule, presence) == made
