"""One figure from the cells of a row that belong together: a rate, counts, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from console.authority.cell import (
    MAX_INT,
    NoFigureError,
    RateStyle,
    bare_number,
    count_of,
    is_empty,
    rate_of,
    seconds_of,
    text_of,
)
from console.authority.layout import Column, Layout
from console.authority.mapping import Mapping as SavedMapping
from console.authority.notes import Notes
from console.authority.words import Field
from monitor.finding import refuse
from monitor.roster.table import Value
from settlement.authority import Unit

_COUNTS: tuple[tuple[Unit, Field, Field, Field], ...] = (
    ("devices", "due", "online", "offline"),
    ("inspections", "checks", "checks_online", "checks_offline"),
    ("seconds", "time", "time_online", "time_offline"),
)


FEW, MIXED = 3, 10
"""So many numbers not above 1 beside larger ones, or one in so many, may be rates below 1 %: cameras that were hardly seen."""


class LoneCountError(NoFigureError):
    """One count of the two that make a rate."""


class Made(NamedTuple):
    """A figure without what it is of; `doubt` is what does not fit in the row, empty if all does."""

    num: int
    den: int
    unit: Unit
    points: int | None
    text: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the file's figures are to be read: bare numbers of rates and of fault rates, and which counts beside a rate."""

    rates: RateStyle
    faults: RateStyle | None
    prefers: Literal["rate", "counts"]


def make_figure(cells: Mapping[Field, tuple[Column, Value]], manner: Manner, *, of_point: bool) -> Made | None:
    """Make the figure of one row and group of columns; None if the cells are empty. NoFigureError if it cannot be made."""
    rate = _rate(cells, manner)
    doubt = ""
    try:
        counts = _counts(cells)
    except LoneCountError:
        if rate is None:
            raise
        counts = None  # beside a rate, a count alone is only told
    except NoFigureError as error:
        if rate is None or manner.prefers == "counts":
            raise
        counts, doubt = None, str(error)
    if rate is None and counts is None:
        return None
    points = None if of_point else _points(cells)
    if rate is not None and counts is not None:
        # Offices round or cut: one unit of the last printed digit is no contradiction.
        if abs(Fraction(rate[0], rate[1]) - Fraction(counts[0], counts[1])) > Fraction(1, rate[1]):
            doubt = f"在线率 {rate[2]} 与计数 {counts[3]} 不符 the rate is not that of the counts"
    if counts is not None and (rate is None or manner.prefers == "counts"):
        num, den, unit, text = counts
        return Made(num, den, unit, points, text, doubt)
    if rate is None:
        return None
    return Made(rate[0], rate[1], "share", points, rate[2], doubt)


def _points(cells: Mapping[Field, tuple[Column, Value]]) -> int | None:
    """How many points a phase's figure covers, if the row says so in a way that can be read."""
    given = cells.get("points") or cells.get("due")
    try:
        return None if given is None or is_empty(given[1]) else count_of(given[1])
    except NoFigureError:
        return None


def _rate(cells: Mapping[Field, tuple[Column, Value]], manner: Manner) -> tuple[int, int, str] | None:
    if "rate" in cells and not is_empty(cells["rate"][1]):
        value = cells["rate"][1]
        num, den = rate_of(value, manner.rates)
        return num, den, text_of(value)
    if "fault" in cells and not is_empty(cells["fault"][1]):
        value = cells["fault"][1]
        if manner.faults is None and "%" not in text_of(value) and "/" not in text_of(value):
            raise NoFigureError(
                f"故障率 {text_of(value)[:20]} 可能是百分数也可能是比率，须在映射中写明 rates "
                "a percentage or a share? say so in the mapping"
            )
        num, den = rate_of(value, manner.faults or "share")
        return den - num, den, f"故障率 {text_of(value)}"
    return None


def _counts(cells: Mapping[Field, tuple[Column, Value]]) -> tuple[int, int, Unit, str] | None:
    for unit, due, online, offline in _COUNTS:
        there = {f: cells[f] for f in (due, online, offline) if f in cells and not is_empty(cells[f][1])}
        if unit == "devices" and due not in there and "points" in cells and not is_empty(cells["points"][1]):
            there[due] = cells["points"]
        if online not in there and offline not in there:
            continue
        if len(there) < 2:
            raise LoneCountError("只有一个计数，无从得出在线率 a single count makes no rate")
        values = {f: _amount(column, value, unit) for f, (column, value) in there.items()}
        good = values[online] if online in values else values[due] - values[offline]
        counted = values[due] if due in values else good + values[offline]
        text = "，".join(f"{column.headings[-1]} {text_of(value)}" for column, value in there.values())
        if counted == 0:
            raise NoFigureError(f"分母为零，无可计 a denominator of zero: {text}")
        if not 0 <= good <= counted:
            raise NoFigureError(f"在线多于应在线 more online than there are: {text}")
        scale = good.denominator * counted.denominator
        num, den = int(good * scale), int(counted * scale)
        if den > MAX_INT:
            raise NoFigureError(f"位数过多 too many digits: {text}")
        return num, den, unit if scale == 1 else "share", text
    return None


def _amount(column: Column, value: Value, unit: Unit) -> Fraction:
    if unit == "seconds":
        return seconds_of(value, column.unit_s or 3_600)
    return Fraction(count_of(value))


def manner_of(layouts: Sequence[Layout], mapping: SavedMapping, notes: Notes) -> Manner:
    """Decide once for the file how bare numbers stand for rates: by the mapping, the headings, and the numbers themselves.

    InputError where both kinds are so many that either reading would make nonsense of the other.
    """
    if mapping.rates != "guess":
        return Manner(mapping.rates, mapping.rates, mapping.figure)
    styles: dict[Field, RateStyle | None] = {"rate": "share", "fault": "share"}
    for kind in ("rate", "fault"):
        numbers = []
        headed = False
        line = 0
        for layout in layouts:
            for column in layout.columns:
                if column.field != kind:
                    continue
                headed |= column.percent
                line = line or layout.line
                for _, cells in layout.rows:
                    number = bare_number(cells[column.at]) if column.at < len(cells) else None
                    if number is not None:
                        numbers.append(number)
        if any(number > 1 for number in numbers):
            styles[kind] = "percent"
            small = sum(0 < number <= 1 for number in numbers)
            if not headed:
                notes.add(line, "在线率有大于 1 的数，按百分数读 numbers above 1 are read as percentages")
            if small > max(FEW, len(numbers) // MIXED):
                raise refuse(
                    f"{len(numbers)} 个数中 {small} 个不大于 1，其余大于 1，无从判断是百分数还是比率 "
                    f"{small} of {len(numbers)} numbers are not above 1: percentages or shares?",
                    "选定“不带百分号的数字”的写法 say how bare numbers stand: rates: percent | share | each",
                    line=line,
                    column="rates",
                )
            if small:
                notes.add(
                    line,
                    f"另有 {small} 个数不大于 1，也按百分数读，请核对 {small} numbers not above 1, read likewise: check",
                )
        elif headed and numbers and any(0 < number < 1 for number in numbers):
            styles[kind] = None if kind == "fault" else "share"
            if kind == "rate":
                notes.add(
                    line, "表头为 %，而数均不大于 1，按比率读 the heading says %, no number exceeds 1: read as shares"
                )
        elif headed and kind == "fault":
            styles[kind] = "percent"
    return Manner(styles["rate"] or "share", styles["fault"], mapping.figure)
