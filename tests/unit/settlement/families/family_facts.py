"""Windows for tests of rules: a month of points with their outages, at rates and fees as a test wants them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from settlement.facts import DAY_S, HOUR_S, Cell, EventFact, OutageFact, Share, Window
from settlement.families.family import Judgement
from settlement.families.registry import FAMILIES

START = 1_593_532_800  # 2020-07-01 00:00 +08:00
END = START + 31 * DAY_S
PRICE = 62_800


def window(
    rate: Fraction | None = None,
    cells: Iterable[Cell] = (),
    events: Iterable[EventFact] = (),
    points: int = 1000,
    **more: Any,
) -> Window:
    plain = Window(
        "2020-07",
        START,
        END,
        Fraction(PRICE * points),
        points,
        PRICE,
        Fraction(PRICE * points * 12),
        Share(rate.numerator, rate.denominator) if rate is not None else None,
        Fraction(9, 10),
        tuple(cells),
        tuple(events),
    )
    return replace(plain, **more)


def outage(incident: str, after_s: int, length_s: int, **more: Any) -> OutageFact:
    return OutageFact(incident, START + after_s, START + after_s + length_s, length_s, **more)


def cell(point: str = "P1", *outages: OutageFact, category: str = "一类", **more: Any) -> Cell:
    return Cell(point, category, Fraction(PRICE), tuple(outages), **more)


def terms(kind: str, **given: Any) -> Any:
    return FAMILIES[kind].terms.model_validate({"kind": kind, "id": "r", **given})


def judge(rule: Any, seen: Window) -> Judgement:
    return FAMILIES[rule.kind].judge(rule, seen)


def hours(n: float | str) -> int:
    return int(Fraction(str(n)) * HOUR_S)
