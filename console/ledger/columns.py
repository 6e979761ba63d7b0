"""The ledger's columns as pages and exports have them: what is now, the rates so far, and the 点位台账 / 一机一档 template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection

from console.board.card import EVIDENCE_ZH, REASON_ZH, STANDING_TONE, STANDING_ZH, PointCard, Standing
from console.points.means import address
from console.web.table import CellKind, Column
from console.web.words import N_
from monitor.model import Instant
from monitor.points import EXTRA, CameraSpec, RosterPoint
from monitor.roster.columns import COLUMNS, ColumnSpec, Place
from monitor.roster.difference import degrees
from monitor.store.some_points import cameras_at, facts_at


class LedgerRow(NamedTuple):
    """A point of the table: its card, what people call its phase, and the ledger's facts and device where a column needs them."""

    card: PointCard
    phase: str = ""
    fact: RosterPoint | None = None
    camera: CameraSpec | None = None


def _reason(card: PointCard) -> str | None:
    return None if card.now.standing is Standing.ONLINE else REASON_ZH.get(card.now.reason, card.now.reason)


def _rate(card: PointCard, which: str) -> Fraction | None:
    found: Fraction | None = getattr(card, which).rate if card.stretches else None
    return found


CARDS: tuple[Column[PointCard], ...] = (
    Column("code", N_("点位编号"), lambda c: c.facts.code, "code", lambda c: address(c.facts.code)),
    Column("name", N_("设备名称"), lambda c: c.facts.name, "text", lambda c: address(c.facts.code)),
    Column("state", N_("状态"), lambda c: STANDING_ZH[c.now.standing], "badge", tone=lambda c: STANDING_TONE[c.now.standing]),
    Column("since", N_("状态起始"), lambda c: c.now.since, "instant"),
    Column("reason", N_("原因"), _reason, "badge", tone=lambda _: "mute"),
    Column("day", N_("今日在线率"), lambda c: _rate(c, "day"), "percent", lambda c: address(c.facts.code) + "#timeline", shown=False),
    Column("month", N_("本月在线率"), lambda c: _rate(c, "month"), "percent", lambda c: address(c.facts.code) + "#months"),
    Column("quarter", N_("本季在线率"), lambda c: _rate(c, "quarter"), "percent", lambda c: address(c.facts.code) + "#months", shown=False),
    Column("evidence", N_("最好证据"), lambda c: EVIDENCE_ZH[c.now.evidence], "badge", tone=lambda _: "mute", shown=False),
    Column("last_seen", N_("最近结果"), lambda c: c.now.last_seen, "instant", shown=False),
    Column("phase", N_("期次"), lambda c: c.facts.phase),
    Column("area", N_("街道/社区"), lambda c: c.facts.area),
    Column("supplier", N_("承建单位"), lambda c: c.facts.supplier),
    Column("address", N_("安装地址"), lambda c: c.facts.address, shown=False),
    Column("gb_code", N_("设备编码"), lambda c: c.facts.gb_code, "code", shown=False),
    Column("former_gb_code", N_("原设备编码"), lambda c: c.facts.former_gb_code, "code", shown=False),
    Column("class", N_("监控点位类型"), lambda c: c.facts.category, shown=False),
    Column("contract", N_("合同编号"), lambda c: c.facts.contract, shown=False),
    Column("upstream", N_("上联设备"), lambda c: c.facts.upstream, shown=False),
    Column("make", N_("厂商"), lambda c: c.facts.make, shown=False),
    Column("model", N_("型号"), lambda c: c.facts.model, shown=False),
    Column("ipv4", N_("IPv4"), lambda c: c.facts.host, "code", shown=False),
)  # fmt: skip
"""Columns that the city in memory has: these sort."""
_HELD = {column.key for column in CARDS}


def _fact_value(spec: ColumnSpec) -> Callable[[LedgerRow], Any]:
    key = spec.key

    def value(row: LedgerRow) -> Any:
        if row.fact is None:
            return None
        if key.startswith(EXTRA):
            return row.fact.extra.get(key.removeprefix(EXTRA), "")
        found = getattr(row.fact, key)
        if key in {"lon_e7", "lat_e7"}:
            return None if found is None else degrees(found)
        return found - timedelta(days=1) if key == "billed_until" and found is not None else found

    return value


def _camera_value(spec: ColumnSpec) -> Callable[[LedgerRow], Any]:
    return lambda row: "" if row.camera is None else getattr(row.camera, spec.key)


def _lifted(column: Column[PointCard]) -> Column[LedgerRow]:
    link, tone = column.link, column.tone
    return Column(
        column.key,
        column.label,
        (lambda row: row.phase) if column.key == "phase" else lambda row: column.value(row.card),
        column.kind,
        None if link is None else lambda row: link(row.card),
        None if tone is None else lambda row: tone(row.card),
        shown=column.shown,
    )


def _stored(spec: ColumnSpec) -> Column[LedgerRow]:
    value = _fact_value(spec) if spec.place is Place.FACT else _camera_value(spec)
    kind: CellKind = "date" if spec.reading.value in {"date", "last_day"} else "text"
    return Column(spec.field, spec.header, value, kind, sortable=False, shown=False)


COLUMNS_OF_LEDGER: tuple[Column[LedgerRow], ...] = (
    *map(_lifted, CARDS),
    *(
        _stored(spec)
        for spec in COLUMNS
        if spec.export and spec.field not in _HELD and spec.key not in _HELD and (spec.place is Place.FACT or spec.field in {"serial", "macs"})
    ),
)  # fmt: skip
"""Every column there is; those of the store do not sort."""
STORED = {column.key for column in COLUMNS_OF_LEDGER} - _HELD


def rows_of(
    connection: Connection,
    cards: Sequence[PointCard],
    chosen: Sequence[Column[LedgerRow]],
    at: Instant,
    phase_word: Callable[[str, str], str],
) -> list[LedgerRow]:
    """Return cards as rows, with what the chosen columns need of the store. `phase_word` names a phase of a contract."""
    keys = {column.key for column in chosen} & STORED
    codes = [card.facts.code for card in cards]
    facts = facts_at(connection, codes, at) if keys - {"serial", "macs"} else {}
    cameras = cameras_at(connection, codes, at) if keys & {"serial", "macs"} else {}
    words = {pair: phase_word(*pair) for pair in {(card.facts.phase, card.facts.contract) for card in cards}}
    return [
        LedgerRow(
            card,
            words[card.facts.phase, card.facts.contract],
            facts.get(card.facts.code),
            cameras.get(card.facts.code),
        )
        for card in cards
    ]
