"""Rows of a rate report: points grouped, their accounts added, each row with its rate, bounds and verdict.

Used alike for what comes from files and what comes from the store, so that both print the same bytes. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period
from monitor.rates import (
    MeanRate,
    Rate,
    Seconds,
    Verdict,
    add,
    judge,
    mean_of_points,
    rate_of,
    six,
    sum_of,
)
from monitor.timeline import Policy

By = Literal["point", "phase", "area", "supplier"]
Definition = Literal["time-weighted", "mean-of-points", "snapshot", "integrity"]
BY: tuple[By, ...] = get_args(By)
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)

MAX_INSTANTS = 10_000
"""The most inspections of a snapshot: more than one every quarter of an hour in a quarter."""

DEFAULT_TARGET = Fraction(9, 10)
"""The online rate that the reference contract asks for."""


class PointSeconds(NamedTuple):
    """One point's account in the period, with what it can be grouped by.

    A point whose phase, area or supplier changed within the period appears once for each stretch. `inspections` is the
    same point's account in inspections (snapshot) or devices (integrity), None for the other definitions.
    """

    point: str
    seconds: Seconds
    phase: str = ""
    area: str = ""
    supplier: str = ""
    inspections: Seconds | None = None
    contract: str = ""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One row: its key, its points' seconds added, and the rate of the definition asked for."""

    key: str
    points: int
    seconds: Seconds
    time_rate: Rate
    """The time-weighted rate, whatever the definition: the row's good and counted seconds."""
    rate: Rate | MeanRate
    verdict: Verdict


def parse_by(text: str | None) -> tuple[By, ...] | None:
    """Read `--by`: one or several of point, phase, area, supplier, separated by commas; None for one row of all."""
    if text is None:
        return None
    result: list[By] = []
    for name in text.split(","):
        known = next((by for by in BY if by == name.strip()), None)
        if known is None or known in result:
            raise refuse(
                f"不能按此分组 cannot group by: {text!r}",
                "用 point、phase、area、supplier，或以逗号相连 use these, each once, joined by commas",
                column="by",
            )
        result.append(known)
    return tuple(result)


def parse_definition(text: str) -> Definition:
    """Read a definition's name; InputError if there is none such."""
    for definition in DEFINITIONS:
        if definition == text:
            return definition
    raise refuse(
        f"没有这种口径 no such definition: {text!r}", "用 use: " + " | ".join(DEFINITIONS), column="definition"
    )


_NO_INSPECTIONS = (
    0,
    0,
    "去掉 --at，或用 --definition snapshot leave --at out, or ask for --definition snapshot",
)
_INSPECTIONS = {
    "snapshot": (
        1,
        MAX_INSTANTS,
        "每日 --at 10:00，或若干 --at 2020-07-31T10:00:00+08:00 a time for every day, or instants with their zone",
    ),
    "integrity": (
        1,
        1,
        "只给一个 --at 2020-07-31T10:00:00+08:00，或不给（取期末）；10:00 会在期间的每一天各取一次，只可用于单日期间 "
        "give one instant with its zone, or none for the period's end; 10:00 stands for every day of the period and "
        "fits a period of one day only",
    ),
}
"""How many inspections a definition takes, and what to write instead."""


def inspection_seconds(definition: Definition, instants: Sequence[Instant], period: Period, zone: str) -> list[int]:
    """The whole seconds of a snapshot's inspections, each once and in order.

    InputError unless a snapshot has at least one instant, integrity exactly one, the other definitions none, and all
    lie within the period.
    """
    start, end = period.span(zone)
    seconds = sorted({instant // MICROSECONDS for instant in instants})
    least, most, forms = _INSPECTIONS.get(definition, _NO_INSPECTIONS)
    if not least <= len(seconds) <= most:
        wanted = f"{least}" if least == most else f"{least}–{most:,}"
        raise refuse(
            f"{definition} 口径须有 {wanted} 个巡检时刻，给出 {len(seconds):,} 个 "
            f"takes {wanted} instants, {len(seconds):,} were given",
            forms,
            column="at",
        )
    if seconds and not (start <= seconds[0] and seconds[-1] < end):
        raise refuse(
            "巡检时刻在期间之外 an instant lies outside the period", "改正时刻或期间 correct either", column="at"
        )
    return seconds


def rate_rows(
    points: Sequence[PointSeconds],
    by: tuple[By, ...] | None,
    policy: Policy,
    target: Fraction | None,
    definition: Definition = "time-weighted",
) -> list[RateRow]:
    """The rows, sorted by the bytes of their keys; without `by` a single one with key "all".

    ValueError if the definition counts inspections and a point comes without them.
    """
    groups: dict[tuple[str, ...], list[PointSeconds]] = {} if by else {("all",): []}
    for point in points:
        key = tuple(_attribute(point, name) for name in by) if by else ("all",)
        groups.setdefault(key, []).append(point)
    ordered = sorted(groups.items(), key=lambda item: (",".join(item[0]).encode(), item[0]))
    return [_row(",".join(key), members, policy, target, definition) for key, members in ordered]


def _attribute(point: PointSeconds, name: By) -> str:
    match name:
        case "point":
            return point.point
        case "phase":
            return point.phase
        case "area":
            return point.area
        case "supplier":
            return point.supplier


def _row(
    key: str, members: Sequence[PointSeconds], policy: Policy, target: Fraction | None, definition: Definition
) -> RateRow:
    per_point: dict[str, Seconds] = {}
    for member in members:
        before = per_point.get(member.point)
        per_point[member.point] = member.seconds if before is None else add(before, member.seconds)
    seconds = sum_of(per_point.values())
    time_rate = rate_of(seconds, policy)
    rate: Rate | MeanRate = time_rate
    asked = seconds
    if definition == "mean-of-points":
        rate = mean_of_points(list(per_point.values()), policy)
    elif definition != "time-weighted":
        asked = sum_of(_inspections(member) for member in members)
        rate = rate_of(asked, policy)
    return RateRow(key, len(per_point), seconds, time_rate, rate, judge(rate, asked, policy, target))


def _inspections(member: PointSeconds) -> Seconds:
    if member.inspections is None:
        raise ValueError(f"no inspections of {member.point}")
    return member.inspections


def row_json(row: RateRow, definition: Definition) -> dict[str, str | int | None]:
    """One row as it stands in JSON: whole seconds, rates with six places half up, null where nothing is counted.

    Snapshots and integrity add their own counts as good_n, counted_n, excluded_n and unknown_n; the mean of points adds
    how many points it is of (points_n) and how many had nothing counted (left_out_n).
    """
    result: dict[str, str | int | None] = {
        "key": row.key,
        "good_s": row.time_rate.good,
        "counted_s": row.time_rate.counted,
        "excluded_s": row.time_rate.excluded,
        "unknown_s": row.time_rate.unknown,
    }
    if isinstance(row.rate, MeanRate):
        result |= {"points_n": row.rate.points, "left_out_n": row.rate.left_out}
    elif definition in ("snapshot", "integrity"):
        result |= {
            "good_n": row.rate.good,
            "counted_n": row.rate.counted,
            "excluded_n": row.rate.excluded,
            "unknown_n": row.rate.unknown,
        }
    value = row.rate.value
    result |= {
        "rate": six(value),
        # Where there is no rate there are no bounds of it: "between 0 and 1" would look like a measurement.
        "best": None if value is None else six(row.rate.best),
        "worst": None if value is None else six(row.rate.worst),
        "verdict": row.verdict,
    }
    return result


def rates_json(period: str, rows: Sequence[RateRow], definition: Definition = "time-weighted") -> dict[str, object]:
    """The report as a JSON object; `period` is its label as it was asked for."""
    return {"period": period, "definition": definition, "rows": [row_json(row, definition) for row in rows]}


def rates_table(rows: Sequence[RateRow], definition: Definition = "time-weighted") -> list[list[str]]:
    """The report as CSV cells, header first; nothing counted is an empty cell.

    Keys come from other people's files: one that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    body = [row_json(row, definition) for row in rows]
    if not body:
        return []
    table = [list(body[0])]
    for cells in body:
        texts = ["" if value is None else str(value) for value in cells.values()]
        if texts[0][:1] in ("=", "+", "-", "@", "\t", "\r", "\0"):
            texts[0] = "'" + texts[0]
        table.append(texts)
    return table
