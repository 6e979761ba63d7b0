"""The overview of a city: counts, rates against their thresholds, areas, outages, and what is wrong with the numbers themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from console.board.card import PointCard, Standing, Stretch, Tally
from console.board.city import City, Counts, counted
from console.web.words import N_
from monitor.model import MICROSECONDS, Instant
from monitor.rates import Verdict

HOUR_US = 3_600 * MICROSECONDS
RECENT_H = 4
LONGEST, RECENT = 20, 15
"""How many outages, and how many points that fell or came back, are listed."""
OLD_S = 30
"""States that were read longer ago are said to be old."""
ACCOUNTS_OLD_S = 900
LATE_S = 90
"""Beyond three intervals and this much, our own newest result is late: the batcher and the board take their part of it."""

VERDICT_ZH: dict[Verdict, str] = {
    "met": N_("达标"),
    "missed": N_("未达标"),
    "undecided": N_("待定"),
    "not-assessable": N_("无法评定"),
}
VERDICT_TONE: dict[Verdict, str] = {"met": "good", "missed": "bad", "undecided": "warn", "not-assessable": "mute"}

Three = tuple[Tally, Tally, Tally]
"""Today, this month, this quarter."""
NONE: Three = (Tally(), Tally(), Tally())


class PhaseRow(NamedTuple):
    """A phase's points now and its rates; `threshold` None where no contract in force names it."""

    contract: str
    phase: str
    title: str
    threshold: Fraction | None
    counts: Counts
    day: Tally
    month: Tally
    quarter: Tally

    @property
    def verdict(self) -> Verdict:
        """How the quarter stands so far, unknown time given its best and worst."""
        return verdict_of(self.quarter, self.threshold)


class AreaRow(NamedTuple):
    """An area's points now and its rates."""

    area: str
    counts: Counts
    day: Tally
    month: Tally
    quarter: Tally


@dataclass(frozen=True, slots=True)
class Summary:
    """See the module. `fell` and `rose` are the newest of the last hours, `fell_n` and `rose_n` all of them."""

    counts: Counts
    rates: Three
    phases: tuple[PhaseRow, ...]
    areas: tuple[AreaRow, ...]
    longest: tuple[PointCard, ...]
    fell: tuple[PointCard, ...]
    fell_n: int
    rose: tuple[PointCard, ...]
    rose_n: int


def verdict_of(tally: Tally, threshold: Fraction | None) -> Verdict:
    """Compare a rate with its threshold. Undecided while unknown time leaves it open."""
    if threshold is None or tally.rate is None or tally.best is None or tally.worst is None:
        return "not-assessable"
    if tally.worst >= threshold:
        return "met"
    return "missed" if tally.best < threshold else "undecided"


def summary_of(city: City) -> Summary:
    """Return the overview of a city as it stands."""
    down = [c for c in city.cards if c.now.standing is Standing.OFFLINE and c.now.since is not None]
    since = (city.at or 0) - RECENT_H * HOUR_US
    fell = sorted((c for c in down if _since(c) > since), key=_since, reverse=True)
    rose = [c for c in city.cards if c.now.standing is Standing.ONLINE and c.now.recovered and _since(c) > since]
    rose.sort(key=_since, reverse=True)
    return Summary(
        city.counts,
        city.whole,
        tuple(_phases(city)),
        tuple(_areas(city)),
        tuple(sorted(down, key=_since)[:LONGEST]),
        tuple(fell[:RECENT]),
        len(fell),
        tuple(rose[:RECENT]),
        len(rose),
    )


def _since(card: PointCard) -> int:
    return card.now.since or 0


def _phases(city: City) -> list[PhaseRow]:
    owners = {p.phase: p.contract for p in reversed(city.phases)}

    def owner(thing: Stretch | PointCard) -> str:
        """Points whose ledger names no contract count for the phase of that name."""
        return f"{thing.contract or owners.get(thing.phase, '')}\n{thing.phase}"

    rates, cards = city.tallies(owner), city.grouped(owner)
    known = {f"{p.contract}\n{p.phase}": p for p in city.phases}
    rows = []
    for key in [*known, *sorted({*rates, *cards} - known.keys())]:
        contract, _, phase = key.partition("\n")
        if not phase or not (key in rates or key in cards):
            continue
        its = known.get(key)
        title, threshold = (its.title, its.threshold) if its is not None else ("", None)
        rows.append(PhaseRow(contract, phase, title, threshold, counted(cards.get(key, ())), *rates.get(key, NONE)))
    return rows


def _areas(city: City) -> list[AreaRow]:
    rates, cards = city.tallies(lambda stretch: stretch.area), city.grouped(lambda card: card.facts.area)
    names = sorted(name for name in {*rates, *cards} if name)
    return [AreaRow(name, counted(cards.get(name, ())), *rates.get(name, NONE)) for name in names]


def alarms(city: City, at: Instant, zone: str, say: Callable[[str], str]) -> list[str]:
    """Say what is wrong with the numbers: old, late, blind, failed. Empty if they can be trusted as they stand."""

    def clock(instant: int) -> str:
        moment = datetime.fromtimestamp(instant / MICROSECONDS, ZoneInfo(zone))
        today = datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone)).date()
        return moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M")

    found: list[str] = []
    if city.at is None:
        found.append(say("尚未读到数据"))
    elif at - city.at > OLD_S * MICROSECONDS:
        found.append(say("数据停在 {at}").format(at=clock(city.at)))
    if city.blind_since is not None:
        found.append(say("本系统监测中断，自 {at} 起；此后状态未知，不计入").format(at=clock(city.blind_since)))
    elif city.newest is not None and (at - city.newest) / MICROSECONDS > 3 * city.interval_s + LATE_S:
        found.append(say("监测结果停在 {at}，监测可能已停止").format(at=clock(city.newest)))
    if city.accounts_at is not None and at - city.accounts_at > ACCOUNTS_OLD_S * MICROSECONDS:
        found.append(say("在线率停在 {at}").format(at=clock(city.accounts_at)))
    if city.trouble:
        found.append(city.trouble)
    return found


def spans_of(city: City, zone: str) -> Sequence[tuple[str, str]]:
    """Return the recent gaps as people read them: `03:12–03:20`, and the vantage; an open one ends with a dash."""

    def clock(instant: int) -> str:
        return datetime.fromtimestamp(instant / MICROSECONDS, ZoneInfo(zone)).strftime("%H:%M")

    return [(f"{clock(g.start)}–{'' if g.end is None else clock(g.end)}", g.vantage) for g in city.gaps]
