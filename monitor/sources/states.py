"""Rates from files alone: a points file, a states file and, if there are any, approved exclusions.

    points      point, phase, accepted_on [, retired_on, area, supplier, devices, others that are not read]
    states      point, state, start, end          state is online, offline or unknown; what no row covers is unknown
    exclusions  point, start, end, reason         taken as approved; they may overlap

Dates are YYYY-MM-DD, days of the contract's zone: in service from midnight of accepted_on to midnight of retired_on.
Instants are ISO 8601 with zone; starts are inclusive, ends exclusive, both floored to the second. `devices` is how many
devices are built at the point (default 1), for the integrity rate. Limits: see monitor/sources/csvfile.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from monitor.debounce import Piece
from monitor.finding import InputError
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant, State
from monitor.period import ZONE, Period
from monitor.rates import Watched, devices_at, inspect, measure, service_of
from monitor.report import DEFAULT_TARGET, Definition, PointSeconds, inspection_seconds
from monitor.sources.csvfile import Complaints, day, instant, read_rows
from monitor.timeline import Policy, Share, Timeline, from_pieces

MAX_DEVICES = 10_000
_WORDS: Mapping[str, State] = {state.value: state for state in State}


class FilePolicy(Policy):
    """The policy file of `camsla rates --policy`: a contract's policy and the rate it asks for."""

    target: Share = DEFAULT_TARGET


class FilePoint(NamedTuple):
    """One row of the points file."""

    point: str
    phase: str
    area: str
    supplier: str
    accepted_on: date
    retired_on: date | None
    devices: int


@dataclass(frozen=True, slots=True)
class Case:
    """What the files say, checked: a roster, and each point's states and exclusions in whole seconds.

    Points keep the file's order; states are in order of time and do not overlap; who has none is not in the mapping.
    """

    points: tuple[FilePoint, ...]
    states: Mapping[str, Sequence[Piece]]
    exclusions: Mapping[str, Sequence[Span]]


class _Stretch(NamedTuple):
    start: Instant
    end: Instant
    line: int
    state: State


def load_case(points: Path, states: Path | None, exclusions: Path | None = None) -> Case:
    """Read and check the files; InputError with every complaint about all of them. Without states none are known."""
    about_points, about_states = Complaints(str(points)), Complaints(str(states))
    roster, known = _roster(points, about_points)
    pieces = {} if states is None else _states(states, known, about_states)
    findings = about_points.findings() + about_states.findings()
    spans: dict[str, list[Span]] = {}
    if exclusions is not None:
        about_exclusions = Complaints(str(exclusions))
        spans = _exclusions(exclusions, known, about_exclusions)
        findings += about_exclusions.findings()
    if findings:
        raise InputError(findings)
    return Case(tuple(roster), pieces, spans)


def point_seconds(
    case: Case,
    period: Period,
    policy: Policy,
    *,
    zone: str = ZONE,
    definition: Definition = "time-weighted",
    instants: Sequence[Instant] = (),
    timeline_of: Callable[[str], Timeline] | None = None,
) -> list[PointSeconds]:
    """Every point's account in the period, in the roster's order, ready for monitor.report.rate_rows.

    `instants` are a snapshot's; InputError if they do not fit definition and period. `timeline_of` gives the points'
    timelines, if they are not those of the states.
    """
    at = inspection_seconds(definition, instants, period, zone)
    window = period.span(zone)
    result: list[PointSeconds] = []
    for point in case.points:
        timeline = _stated(case, point, policy) if timeline_of is None else timeline_of(point.point)
        service = service_of(point.accepted_on, point.retired_on, zone)
        exclusions = case.exclusions.get(point.point, ())
        seconds = measure(timeline, window, service, exclusions, policy)
        watched = Watched(timeline, service, exclusions, point.devices)
        inspections = None
        if definition == "snapshot":
            inspections = inspect(watched, at, policy)
        elif definition == "integrity":
            inspections = devices_at(watched, at[0], policy)
        result.append(PointSeconds(point.point, seconds, point.phase, point.area, point.supplier, inspections))
    return result


def _stated(case: Case, point: FilePoint, policy: Policy) -> Timeline:
    return from_pieces(case.states.get(point.point, ()), policy)


def _roster(path: Path, complaints: Complaints) -> tuple[list[FilePoint], set[str] | None]:
    """The points, and their codes for the other files to be checked against; None if some could not be read."""
    optional = ("retired_on", "area", "supplier", "devices")
    rows = read_rows(path, ("point", "phase", "accepted_on"), optional, complaints)
    unreadable = complaints.count > 0
    roster: list[FilePoint] = []
    lines: dict[str, int] = {}
    for line, (code, phase, accepted, retired, area, supplier, devices) in rows:
        if not code:
            complaints.add(line, "point", "点位编号为空 no point code", "补上编号 give one")
        elif code in lines:
            message = f"点位 {code} 已见于第 {lines[code]} 行 duplicate of line {lines[code]}"
            complaints.add(line, "point", message, "每个点位只留一行 keep one row per point")
        lines.setdefault(code, line)
        if not phase:
            complaints.add(line, "phase", "期次为空 no phase", "补上期次 give one")
        accepted_on = day(accepted, line, "accepted_on", complaints)
        retired_on = day(retired, line, "retired_on", complaints) if retired else None
        if accepted_on and retired_on and retired_on < accepted_on:
            complaints.add(
                line, "retired_on", "停用早于验收 retired before it was accepted", "改正日期 correct the dates"
            )
        count = _devices(devices, line, complaints)
        if accepted_on is not None:
            roster.append(FilePoint(code, phase, area, supplier, accepted_on, retired_on, count))
    if not rows and not unreadable:
        complaints.add(0, "", "没有任何点位 the roster is empty", "至少写一个点位 list at least one point")
    return roster, None if unreadable or not rows else set(lines)


def _devices(text: str, line: int, complaints: Complaints) -> int:
    if not text:
        return 1
    if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= MAX_DEVICES:
        return int(text)
    complaints.add(line, "devices", f"不是设备数 not a number of devices: {text[:20]!r}", f"0–{MAX_DEVICES}")
    return 0


def _states(path: Path, known: set[str] | None, complaints: Complaints) -> dict[str, list[Piece]]:
    stretches: dict[str, list[_Stretch]] = {}
    for line, (code, word, begun, ended) in read_rows(path, ("point", "state", "start", "end"), (), complaints):
        named = _known(code, known, line, complaints)
        state = _WORDS.get(word)
        if state is None:
            complaints.add(line, "state", f"没有这种状态 no such state: {word[:20]!r}", "online | offline | unknown")
        span = _span(begun, ended, line, complaints)
        if span is not None and state is not None and named:
            stretches.setdefault(code, []).append(_Stretch(*span, line, state))
    pieces: dict[str, list[Piece]] = {}
    for code, rows in stretches.items():
        rows.sort()
        latest = rows[0]
        for row in rows[1:]:
            if row.start < latest.end:
                message = f"点位 {code} 的状态与第 {latest.line} 行重叠 overlaps line {latest.line}"
                complaints.add(row.line, "start", message, "一个时刻只写一个状态 give one state for any instant")
            if row.end > latest.end:
                latest = row
        seconds = ((row.start // MICROSECONDS, row.end // MICROSECONDS, row.state) for row in rows)
        pieces[code] = [Piece(start, end, state, None) for start, end, state in seconds if start < end]
    return pieces


def _exclusions(path: Path, known: set[str] | None, complaints: Complaints) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    for line, (code, begun, ended, _) in read_rows(path, ("point", "start", "end", "reason"), (), complaints):
        named = _known(code, known, line, complaints)
        span = _span(begun, ended, line, complaints)
        if named and span is not None:
            spans.setdefault(code, []).append((span[0] // MICROSECONDS, span[1] // MICROSECONDS))
    return spans


def _known(code: str, known: set[str] | None, line: int, complaints: Complaints) -> bool:
    if known is not None and code not in known:
        message = f"点位不在点位文件中 point not in the points file: {code[:60]!r}"
        complaints.add(line, "point", message, "补入点位文件或删去此行 add the point or delete the row")
        return False
    return True


def _span(begun: str, ended: str, line: int, complaints: Complaints) -> tuple[Instant, Instant] | None:
    start, end = instant(begun, line, "start", complaints), instant(ended, line, "end", complaints)
    if start is None or end is None:
        return None
    if end <= start:
        complaints.add(line, "end", "结束不晚于开始 the end is not after the start", "改正时刻 correct the instants")
        return None
    return start, end
