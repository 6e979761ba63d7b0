"""A point's page put into words and pictures: rows for its tables, days as bars, a year as a calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from console.board.board import Board
from console.board.card import EVIDENCE_ZH, REASON_ZH, RUNG_ZH, STANDING_TONE, STANDING_ZH, PointCard, Standing
from console.board.city import City
from console.charts.calendar import Square, calendar_svg
from console.charts.point_timeline import Part, bar_svg
from console.points.changes import Differs, PointChange
from console.points.means import address
from console.points.page import YEAR_DAYS, OutagePage, PointPage, bars
from console.points.watched import Cause, Down, Month
from console.points.words import GAP_ZH, lasting
from console.web.table import Column
from console.web.visit import Visit
from console.web.words import N_
from monitor.model import MICROSECONDS
from monitor.points import RosterPoint
from monitor.rates import Rate, Seconds
from monitor.roster.columns import BY_KEY, COLUMNS, Place
from monitor.roster.difference import degrees

Say = Callable[[str], str]
Word = Callable[..., str]
"""Names a phase of a contract: City.phase_word."""
PHASE = BY_KEY["phase"].header


def phases_of(visit: Visit) -> Word:
    """Return how people call the phases that a person sees; by their ids where no board has read the contracts."""
    board = visit.site.more.get(Board)
    return (City() if board is None else board.city(visit.scope)).phase_word


def differing(change: PointChange, word: Word) -> list[Differs]:
    """Return what a change changed, its phases by their names."""
    return [row._replace(old=word(row.old), new=word(row.new)) if row.field == PHASE else row for row in change.differs]


def billing(change: PointChange, say: Say, word: Word) -> str:
    """Write what a change does to billing."""
    told = []
    for row in change.billing:
        what = " → ".join(map(word, row.what.split(" → "))) if row.word == PHASE else row.what
        told.append(f"{say(row.word)} {what}")
    return "；".join(told)


class Bar(NamedTuple):
    """A day's row of the timeline: its picture, its rate, and its dark spans in words."""

    day: date
    svg: Markup
    rate: Fraction | None
    dark: tuple[str, ...]
    link: str


class MonthRow(NamedTuple):
    """A month with its rate."""

    month: Month
    rate: Rate
    link: str


def outage_columns(code: str) -> tuple[Column[Down], ...]:
    """Return the columns of a point's outages."""
    return (
        Column(
            "start",
            N_("开始"),
            lambda row: row.start * MICROSECONDS,
            "instant",
            lambda row: address(code, "outages", row.start),
        ),
        Column("end", N_("结束"), lambda row: None if row.open else row.end * MICROSECONDS, "instant"),
        Column("offline_s", N_("离线时长"), lambda row: row.offline_s, "duration"),
        Column("cause", N_("原因"), _cause, "badge", tone=lambda _: "mute", searched=True),
        Column(
            "rung",
            N_("证据层级"),
            lambda row: RUNG_ZH.get(row.causes[0].rung) if row.causes else None,
            "badge",
            tone=lambda _: "mute",
        ),
        Column("samples", N_("失败次数"), lambda row: sum(cause.samples for cause in row.causes), "number"),
        Column("upstream", N_("上联归因"), lambda row: row.upstream, searched=True),
        Column("excluded_s", N_("其中已剔除"), lambda row: row.excluded_s or None, "duration"),
        Column(
            "state",
            N_("状态"),
            lambda row: N_("仍在离线") if row.open else N_("已恢复"),
            "badge",
            tone=lambda row: "bad" if row.open else "good",
        ),
    )


def _cause(row: Down) -> str:
    return REASON_ZH.get(row.causes[0].reason, row.causes[0].reason) if row.causes else N_("补判")


def card_words(card: PointCard) -> tuple[str, str, str, str]:
    """Return a card's state, its colour, its reason (nothing while it is online) and the best that was ever proven."""
    standing = card.now.standing
    reason = "" if standing is Standing.ONLINE else REASON_ZH.get(card.now.reason, card.now.reason)
    return STANDING_ZH[standing], STANDING_TONE[standing], reason, EVIDENCE_ZH[card.now.evidence]


class PointView:
    """What the template asks of a page."""

    def __init__(self, page: PointPage, say: Say) -> None:
        self._page, self._say = page, say
        self._clock = ZoneInfo(page.year.zone)
        self.week = page.rate(page.last_days(7))
        self.month = page.rate(page.months[0].seconds) if page.months else None
        self.year = page.rate(page.last_days(YEAR_DAYS))
        self.standing, self.since = page.year.state_at(page.now_s)

    @property
    def word(self) -> str:
        return STANDING_ZH[self.standing]

    @property
    def tone(self) -> str:
        return STANDING_TONE[self.standing]

    def bars(self) -> list[Bar]:
        """Return the shown period's days, newest first."""
        page = self._page
        found = []
        for day, (start, end), states, seconds in bars(page.shown, page.period, page.now_s):
            parts = [Part(low, high, state, self._told(low, high, state)) for low, high, state in states]
            quiet = {Standing.ONLINE.value, Standing.OUT.value}
            dark = tuple(part.title for part in parts if part.state not in quiet)
            svg = bar_svg(parts, start, end, f"{day} {self._say('时间线')}")
            found.append(Bar(day, svg, page.rate(seconds).value, dark, f"{address(page.code)}?day={day}#timeline"))
        return found

    def _told(self, low: int, high: int, state: str) -> str:
        begin, end = (self._time(second) for second in (low, high))
        return f"{begin}–{end} {self._say(STANDING_ZH[Standing(state)])} {lasting(high - low, self._say)}"

    def _time(self, second: int) -> str:
        return datetime.fromtimestamp(second, self._clock).strftime("%H:%M:%S").removesuffix(":00")

    def calendar(self) -> Markup:
        """Return the last 366 days; a day leads to its view. Drawn once a minute at most: only today changes."""
        page, say = self._page, self._say
        key, minute = ("calendar", say(N_("离线"))), page.now_s // 60
        drawn: tuple[int, Markup] | None = page.year.memo.get(key)
        if drawn is not None and drawn[0] == minute:
            return drawn[1]
        base, first = address(page.code), page.year.question.period.first
        squares = []
        for n in range(YEAR_DAYS):
            day = first + timedelta(days=n)
            seconds = page.year.day(day, page.now_s)
            rate = page.rate(seconds).value
            squares.append(
                Square(day, rate, seconds.total() > 0, self._day_told(day, seconds, rate), f"{base}?day={day}#timeline")
            )
        svg = calendar_svg(squares, page.reads.target, say("近 366 天每日在线率"), say)
        page.year.memo[key] = (minute, svg)
        return svg

    def _day_told(self, day: date, seconds: Seconds, rate: Fraction | None) -> str:
        say = self._say
        if not seconds.total():
            return f"{day} {say(STANDING_ZH[Standing.OUT])}"
        told = f"{day} {say('在线率')} {'—' if rate is None else f'{float(rate):.2%}'}"
        for word, amount in (
            (N_("离线"), seconds.offline),
            (N_("监测缺失"), seconds.unknown),
            (N_("剔除"), seconds.excluded),
        ):
            told += f" · {say(word)} {lasting(amount, say)}" if amount else ""
        return told

    def months(self) -> list[MonthRow]:
        """Return the last months with their rates, newest first."""
        page = self._page
        base = address(page.code)
        return [
            MonthRow(month, page.rate(month.seconds), f"{base}?period={month.period.first:%Y-%m}#timeline")
            for month in page.months
        ]

    def gap(self, cause: str) -> str:
        return self._say(GAP_ZH[cause]) if cause in GAP_ZH else cause

    def facts(self, word: Word) -> list[tuple[str, str]]:
        """Return the ledger's columns of the point as it is now, those that say something, in the template's order."""
        return [
            (column.header, word(text, self._page.fact.contract) if column.key == "phase" else text)
            for column in COLUMNS
            if column.place is Place.FACT and (text := _fact(self._page.fact, column.key))
        ]


def _fact(fact: RosterPoint, key: str) -> str:
    if key.startswith("extra:"):
        return fact.extra.get(key.removeprefix("extra:"), "")
    value = getattr(fact, "category" if key == "class" else key)
    if value is None or value == "":
        return ""
    if key in {"lon_e7", "lat_e7"}:
        return degrees(value)
    return (value - timedelta(days=1)).isoformat() if key == "billed_until" else str(value)


class OutageView:
    """What the template asks of an outage."""

    def __init__(self, found: OutagePage, say: Say) -> None:
        self._found, self._say = found, say

    def causes(self) -> Sequence[Cause]:
        return self._found.down.causes

    def cause(self, reason: str) -> str:
        return self._say(REASON_ZH[reason]) if reason in REASON_ZH else reason

    def rung(self, rung: str) -> str:
        return self._say(RUNG_ZH[rung]) if rung in RUNG_ZH else rung

    def gap(self, cause: str) -> str:
        return self._say(GAP_ZH[cause]) if cause in GAP_ZH else cause
