"""Golden rules: one rule, one window, its facts in; what it deducts out, as the contract's text makes a clerk work it out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from config.load import load_yaml
from monitor.period import parse_period
from settlement.facts import Cell, EventFact, OutageFact, Share, Window
from settlement.families.family import Judgement
from settlement.families.registry import FAMILIES
from settlement.families.windows import added
from settlement.figures import fraction_of
from settlement.money import fen, grouped, round_half_up
from settlement.punishing import repeated, verdict

HERE = Path(__file__).parent
ROW_KEYS = {"with", "outages", "events", "class", "score_off", "each"}
EXPECTED = {"deducts", "pays", "off", "items", "says", "touches"}


def cases() -> list[Any]:
    found = []
    for case in load_yaml(HERE / "families.yaml")[0]["cases"]:
        for n, row in enumerate(case.get("rows", [{}]), 1):
            whole = {**case, **row}
            whole["window"] = {**case["window"], **{k: v for k, v in row.items() if k not in ROW_KEYS | EXPECTED}}
            found.append(pytest.param(whole, id=f"{case['title'].split()[0]}-{case['rule']['kind']}-{n}"))
    return found


def seconds_of(row: dict[str, Any], word: str = "hours") -> int:
    if word == "hours" and "seconds" in row:
        return int(row["seconds"])
    exact = Fraction(str(row[word])) * 3600
    assert exact.denominator == 1
    return int(exact)


def outage(point: str, n: int, row: dict[str, Any], start: int, window: tuple[int, int]) -> OutageFact:
    end = start + seconds_of(row)
    counted = (
        seconds_of(row, "counted_hours") if "counted_hours" in row else min(end, window[1]) - max(start, window[0])
    )
    return OutageFact(
        incident=f"{point}@{n}",
        start=start,
        end=end,
        offline_s=max(0, counted),
        cause=row.get("cause", ""),
        reported_at=start + seconds_of(row, "reported") if "reported" in row else None,
        excused=row.get("excused", False),
        reported_s=seconds_of(row, "after_report_hours") if "after_report_hours" in row else None,
        before_s=max(0, min(end, window[0]) - start),
    )


def outages(point: str, rows: list[dict[str, Any]], window: tuple[int, int]) -> list[OutageFact]:
    """Outages at their own times, or one after another with an hour between them."""
    found, free = [], window[0]
    for n, row in enumerate(rows):
        start = window[0] + seconds_of(row, "after") if "after" in row else free
        fact = outage(point, n, row, start + row.get("late", 0), window)
        found.append(fact)
        free = fact.end + 3600
    return found


def events(rows: list[dict[str, Any]], window: tuple[int, int]) -> list[EventFact]:
    found = []
    for row in rows:
        at = window[0] + (seconds_of(row, "after") if "after" in row else 0)
        timed = "hours" in row or "seconds" in row
        details = tuple((name, row[name]) for name in ("amount_fen", "days", "sample", "defects") if name in row)
        found += [
            EventFact(
                id=f"e{len(found) + n}",
                kind=row["kind"],
                point=row.get("point", ""),
                at=at,
                until=at + seconds_of(row) if timed else None,
                details=details,
            )
            for n in range(row.get("times", 1))
        ]
    return found


def window_of(case: dict[str, Any]) -> Window:
    given = case["window"]
    start, end = span = parse_period(given["label"]).span()
    price, points, months = fen(given["price"]), given["points"], given.get("months", 1)
    rate = None
    if "rate" in given:
        value = fraction_of(given["rate"])
        rate = Share(value.numerator, value.denominator)
    elif "good" in given:
        rate = Share(given["good"], given["counted"])
    by_point = dict(case.get("outages", {}))
    if "each" in case:
        by_point = {f"P{n}": [case["each"]] for n in range(case["each"]["points"])}
    seen = events(case.get("events", []), span)
    known = {point: outages(point, rows, span) for point, rows in by_point.items()}
    known.update({event.point: [] for event in seen if event.point and event.point not in known})
    cells = tuple(
        Cell(
            point,
            case.get("class", ""),
            Fraction(price * months),
            tuple(fact for fact in facts if fact.end > start),
            tuple(event for event in seen if event.point == point),
            tuple(fact for fact in facts if fact.end <= start),
        )
        for point, facts in known.items()
    )
    return Window(
        label=given["label"],
        start=start,
        end=end,
        fee=Fraction(price * points * months),
        points=points,
        price_fen=price,
        yearly_fee=Fraction(price * points * 12),
        rate=rate,
        target=Fraction(9, 10),
        cells=cells,
        events=tuple(event for event in seen if not event.point),
        score_off=Fraction(str(case.get("score_off", 0))),
    )


def judged(case: dict[str, Any]) -> tuple[Judgement, Window]:
    family = FAMILIES[case["rule"]["kind"]]
    terms = {key: value for key, value in {**case["rule"], **case.get("with", {})}.items() if value is not None}
    window = window_of(case)
    rule = family.terms.model_validate(terms)
    judgement = family.judge(rule, window)
    if rule.repeat is None:
        return judgement, window
    items = repeated([verdict(rule, family, window.label, (0,), judgement)])[0].items
    return judgement._replace(amount=added(items), items=items), window


@pytest.mark.parametrize("case", cases())
def test_rule(case: dict[str, Any]) -> None:
    judgement, window = judged(case)
    assert EXPECTED & case.keys()
    if "off" in case:
        assert (judgement.unit, judgement.amount) == ("points", Fraction(str(case["off"])))
    else:
        assert judgement.unit == "fen"
    if "deducts" in case:
        assert grouped(round_half_up(judgement.amount)) == case["deducts"]
    if "pays" in case:
        assert grouped(round_half_up(window.fee - judgement.amount)) == case["pays"]
    if "items" in case:
        assert [grouped(round_half_up(item.amount)) for item in judgement.items] == case["items"]
    if "says" in case:
        assert case["says"] in " ".join([judgement.formula, *(item.why for item in judgement.items)])
    if "touches" in case:
        assert [item.point for item in judgement.items] == case["touches"]
    assert judgement.formula
    if judgement.items:
        assert added(judgement.items) == judgement.amount


def rows_by_month() -> list[Any]:
    return [
        pytest.param({**case, **row}, id=f"{case['title'].split()[0]}-{case['rule']['kind']}-{n}")
        for case in load_yaml(HERE / "families.yaml")[0]["months"]
        for n, row in enumerate(case["rows"], 1)
    ]


def by_month(case: dict[str, Any], labels: list[str]) -> list[Fraction]:
    """What a rule takes in each of some windows of the same outages and events, which are told from the first one's start."""
    rule = FAMILIES[case["rule"]["kind"]].terms.model_validate({**case["rule"], **case.get("with", {})})
    first = parse_period(labels[0]).span()[0]
    amounts = []
    for label in labels:
        start, end = span = parse_period(label).span()
        seen = [event for event in events(case.get("events", []), (first, end)) if event.at < end]
        facts = [
            outage("P1", n, row, first + seconds_of(row, "after"), span)
            for n, row in enumerate(case.get("outages", []))
            if first + seconds_of(row, "after") < end
        ]
        cell = Cell(
            "P1",
            case.get("class", ""),
            Fraction(62_800),
            tuple(fact for fact in facts if fact.end > start),
            tuple(seen),
            tuple(fact for fact in facts if fact.end <= start),
        )
        window = Window(
            label, start, end, Fraction(62_800), 1, 62_800, Fraction(753_600), None, Fraction(9, 10), (cell,)
        )
        amounts.append(FAMILIES[rule.kind].judge(rule, window).amount)
    return amounts


def shifted(case: dict[str, Any], hours: int) -> dict[str, Any]:
    """The same so many hours later."""
    return {
        **case,
        **{
            key: [{**row, "after": row["after"] + hours} for row in case[key]]
            for key in ("outages", "events")
            if key in case
        },
    }


@pytest.mark.parametrize("case", rows_by_month())
def test_rule_over_a_months_end(case: dict[str, Any]) -> None:
    """July ends 744 hours after it began: what the two months charge, and that it is what August alone would have."""
    fen_or_points = [
        Fraction(str(amount)) * (1 if "off" in case else 100) for amount in case.get("off", case.get("deducts"))
    ]
    amounts = by_month(case, ["2020-07", "2020-08"])
    assert [round_half_up(amount * 100) for amount in amounts] == [round_half_up(due * 100) for due in fen_or_points]
    later = shifted(case, 480)
    if all(row.get("ends", True) for row in case.get("events", [])):
        assert by_month(later, ["2020-07", "2020-08"]) == [0, sum(amounts)]


def test_every_family_has_cases() -> None:
    titles = {case.values[0]["title"].split()[0] for case in cases()}
    kinds = {case.values[0]["rule"]["kind"] for case in cases()}
    assert titles == {str(family.number) for family in FAMILIES.values()} == {str(n) for n in range(1, 17)}
    assert kinds == set(FAMILIES)
