"""点位变更 as the ledger knows them: what became of which point on which day, by which paper, and what it does to billing.

Nobody keeps change orders beside the ledger: they are the differences between its dated facts, its devices' stays, its
billing pauses and its retirements. Read of the points that something happened to in a period, and bounded.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Subquery, Table, and_, or_, select, union

from console.web.words import N_
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, midnight
from monitor.points import EXTRA, FACT_DEFAULTS, Fact, Kind
from monitor.roster.columns import BY_KEY
from monitor.roster.difference import shown_fact
from monitor.scope import Scope
from monitor.store.roster import DATE_FACTS, known
from monitor.store.tables import billing_pauses, cameras, occupancies, point_facts, points

PAUSED, RESUMED, REMOVED = "paused", "resumed", "removed"
MOST_POINTS = 30_000
"""Points with changes in one period; more are refused with the remedy to take a shorter one."""
_PLACE = frozenset({"address", "lon_e7", "lat_e7"})
_MONEY = ("contract", "phase", "billed_from", "billed_until", EXTRA + "unit_price")
_MILESTONES = frozenset({"retired_on", "document"})


class Differs(NamedTuple):
    """One fact before and after, as a file states them; `field` is the column's heading."""

    field: str
    old: str
    new: str


class Billed(NamedTuple):
    """One effect on billing: a word (a message id) and its English, and the day, span or values."""

    word: str
    english: str
    what: str


@dataclass(frozen=True, slots=True)
class PointChange:
    """What became of a point on a day. `kinds` are words of Kind, and paused, resumed, removed."""

    on: date
    code: str
    name: str
    area: str
    phase: str
    supplier: str
    contract: str
    kinds: tuple[str, ...]
    document: str
    differs: tuple[Differs, ...]
    billing: tuple[Billed, ...]
    recorded_at: Instant
    actor: str


@dataclass(slots=True)
class _Day:
    kinds: list[str] = field(default_factory=list)
    differs: list[Differs] = field(default_factory=list)
    billing: list[Billed] = field(default_factory=list)
    recorded_at: int = 0
    actor: str = ""

    def add(self, kind: str, row: Mapping[str, Any]) -> None:
        if kind not in self.kinds:
            self.kinds.append(kind)
        if row["recorded_at"] >= self.recorded_at:
            self.recorded_at, self.actor = row["recorded_at"], row["actor"]


def changes(connection: Connection, scope: Scope, period: Period, zone: str, code: str = "") -> list[PointChange]:
    """Return the changes of visible points on the days of a period, newest first, then by code; of one point if one is named.

    InputError if more than MOST_POINTS points changed.
    """
    low, high = (second * MICROSECONDS for second in period.span(zone))
    touched = _touched(period, low, high)
    numbers = select(points.c.id).where(points.c.code == code) if code else select(touched.c.point_id)
    facts = _grouped(
        connection,
        select(point_facts, points.c.code)
        .join(points, points.c.id == point_facts.c.point_id)
        .where(known(point_facts, None), point_facts.c.point_id.in_(numbers))
        .order_by(point_facts.c.point_id, point_facts.c.valid_from)
        .limit(4 * MOST_POINTS),
    )
    if len(facts) > MOST_POINTS:
        raise refuse(
            f"该期间有超过 {MOST_POINTS:,} 个点位变更 more points changed in the period",
            "缩短期间 take a shorter one",
            column="period",
        )
    stays = _grouped(
        connection,
        select(occupancies, cameras.c.make, cameras.c.model, cameras.c.serial)
        .join(cameras, cameras.c.id == occupancies.c.camera_id)
        .where(known(occupancies, None), occupancies.c.point_id.in_(numbers))
        .order_by(occupancies.c.point_id, occupancies.c.valid_from),
    )
    breaks = _grouped(
        connection,
        select(billing_pauses)
        .where(known(billing_pauses, None), billing_pauses.c.point_id.in_(numbers))
        .order_by(billing_pauses.c.point_id, billing_pauses.c.valid_from),
    )
    clock = ZoneInfo(zone)
    found: list[PointChange] = []
    for number, pieces in facts.items():
        days: dict[date, _Day] = defaultdict(_Day)
        _of_facts(pieces, low, high, clock, days)
        _of_retirement(pieces, period, days)
        _of_stays(stays.get(number, ()), pieces, low, high, clock, days)
        _of_pauses(breaks.get(number, ()), low, high, clock, days)
        found += [
            change for day, what in days.items() if (change := _change(day, what, pieces, scope, zone)) is not None
        ]
    return sorted(found, key=lambda change: (-change.on.toordinal(), change.code))


def _touched(period: Period, low: int, high: int) -> Subquery:
    """The points with a boundary of anything dated in [low, high)."""
    f = point_facts.c
    first, last = period.first.isoformat(), period.last.isoformat()
    begun = and_(f.valid_from >= low, f.valid_from < high)
    retired = and_(f.retired_on >= first, f.retired_on <= last)
    parts = [select(f.point_id).where(known(point_facts, None), or_(begun, retired))]
    parts += [_edges(table, low, high) for table in (occupancies, billing_pauses)]
    return union(*parts).subquery()


def _edges(table: Table, low: int, high: int) -> Any:
    t = table.c
    begun, ended = and_(t.valid_from >= low, t.valid_from < high), and_(t.valid_to >= low, t.valid_to < high)
    return select(t.point_id).where(known(table, None), or_(begun, ended))


def _grouped(connection: Connection, query: Any) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["point_id"], []).append(dict(row))
    return found


def _day(at: int, clock: ZoneInfo) -> date:
    return datetime.fromtimestamp(at // MICROSECONDS, clock).date()


def _facts(row: Mapping[str, Any]) -> dict[str, Fact]:
    found: dict[str, Fact] = {
        name: date.fromisoformat(row[name]) if name in DATE_FACTS and row[name] else row[name] for name in FACT_DEFAULTS
    }
    if row["extra"] != "{}":
        found |= {EXTRA + name: value for name, value in json.loads(row["extra"]).items()}
    return found


def _of_facts(
    pieces: Sequence[Mapping[str, Any]], low: int, high: int, clock: ZoneInfo, days: dict[date, _Day]
) -> None:
    for place, piece in enumerate(pieces):
        if not low <= piece["valid_from"] < high:
            continue
        day = days[_day(piece["valid_from"], clock)]
        if place == 0:
            day.add(Kind.NEW.value, piece)
            if piece["billed_from"]:
                day.billing.append(Billed(N_("计费起"), "billed from", piece["billed_from"]))
            continue
        old, new = _facts(pieces[place - 1]), _facts(piece)
        different = {key for key in old.keys() | new.keys() if (old.get(key) or "") != (new.get(key) or "")}
        if not different - _MILESTONES:
            continue
        for kind in _kinds(old, different):
            day.add(kind, piece)
        for key in sorted(different - _MILESTONES):
            day.differs.append(Differs(_heading(key), shown_fact(key, old.get(key)), shown_fact(key, new.get(key))))
            if key in _MONEY:
                told = f"{shown_fact(key, old.get(key)) or '—'} → {shown_fact(key, new.get(key)) or '—'}"
                day.billing.append(Billed(_heading(key), "", told))


def _heading(key: str) -> str:
    return BY_KEY[key].header if key in BY_KEY else key.removeprefix(EXTRA)


def _kinds(old: Mapping[str, Fact], different: set[str]) -> list[str]:
    kinds = []
    moved = {key for key in different & _PLACE if old.get(key)}
    recoded = {"gb_code"} & different if old.get("gb_code") else set()
    if moved:
        kinds.append(Kind.RELOCATED.value)
    if recoded:
        kinds.append(Kind.RECODED.value)
    told = _MILESTONES | (_PLACE if moved else set()) | ({"gb_code", "former_gb_code"} if recoded else set())
    return kinds if not different - told else [*kinds, Kind.CHANGED.value]


def _of_retirement(pieces: Sequence[Mapping[str, Any]], period: Period, days: dict[date, _Day]) -> None:
    last = pieces[-1]
    if not last["retired_on"] or not period.first.isoformat() <= last["retired_on"] <= period.last.isoformat():
        return
    retired = date.fromisoformat(last["retired_on"])
    gone = "拆" in str(json.loads(last["extra"]).get("status", ""))
    days[retired].add(REMOVED if gone else Kind.RETIRED.value, last)
    until = min(filter(None, (last["billed_until"], last["retired_on"])))
    if last["billed_from"] and last["billed_from"] < until:
        last_day = date.fromisoformat(until) - timedelta(days=1)
        days[retired].billing.append(Billed(N_("计费止"), "last billed day", f"{last_day}"))


def _of_stays(
    stays: Sequence[Mapping[str, Any]],
    pieces: Sequence[Mapping[str, Any]],
    low: int,
    high: int,
    clock: ZoneInfo,
    days: dict[date, _Day],
) -> None:
    retired = pieces[-1]["retired_on"]
    for place, stay in enumerate(stays):
        before = stays[place - 1] if place else None
        if before is not None and low <= stay["valid_from"] < high and before["camera_id"] != stay["camera_id"]:
            day = days[_day(stay["valid_from"], clock)]
            day.add(Kind.REPLACED.value, stay)
            day.differs += [
                Differs(BY_KEY[key].header, before[key], stay[key])
                for key in ("make", "model", "serial")
                if before[key] != stay[key]
            ]
        ended = stay["valid_to"]
        followed = place + 1 < len(stays) and stays[place + 1]["valid_from"] == ended
        if ended is not None and low <= ended < high and not followed:
            on = _day(ended, clock)
            if not retired or on < date.fromisoformat(retired):  # a retired point loses its device with it
                days[on].add(Kind.VACATED.value, stay)


def _of_pauses(
    breaks: Sequence[Mapping[str, Any]], low: int, high: int, clock: ZoneInfo, days: dict[date, _Day]
) -> None:
    for pause in breaks:
        first = _day(pause["valid_from"], clock)
        if low <= pause["valid_from"] < high:
            days[first].add(PAUSED, pause)
            until = "" if pause["valid_to"] is None else str(_day(pause["valid_to"], clock) - timedelta(days=1))
            days[first].billing.append(Billed(N_("暂停计费"), "not billed", f"{first}..{until}"))
        if pause["valid_to"] is not None and low <= pause["valid_to"] < high:
            again = _day(pause["valid_to"], clock)
            days[again].add(RESUMED, pause)
            days[again].billing.append(Billed(N_("恢复计费"), "billed again from", f"{again}"))


def _change(day: date, what: _Day, pieces: Sequence[Mapping[str, Any]], scope: Scope, zone: str) -> PointChange | None:
    if not what.kinds:
        return None
    at = midnight(day, zone) * MICROSECONDS
    held = next((piece for piece in reversed(pieces) if piece["valid_from"] <= at + 86_399 * MICROSECONDS), pieces[0])
    if not _sees(scope, held):
        return None
    return PointChange(
        day,
        held["code"],
        held["name"],
        held["area"],
        held["phase"],
        held["supplier"],
        held["contract"],
        tuple(what.kinds),
        held["document"],
        tuple(what.differs),
        tuple(what.billing),
        Instant(what.recorded_at),
        what.actor,
    )


def _sees(scope: Scope, facts: Mapping[str, Any]) -> bool:
    return (
        (scope.contracts is None or facts["contract"] in scope.contracts)
        and (scope.areas is None or facts["area"] in scope.areas)
        and (scope.supplier is None or facts["supplier"] == scope.supplier)
    )
