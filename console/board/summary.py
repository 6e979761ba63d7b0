"""The overview of a city: counts, rates against their thresholds, areas, outages, and what is wrong with the numbers themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from console.board.card import PointCard, Standing, Tally
from console.board.city import UNCONFIRMED, City, Counts, counts_of
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

VANTAGE_ZH: dict[str, str] = {
    "local": N_("本系统"),
    "agent": N_("前端代理"),
    "gb28181": N_("国标平台接入"),
    "import": N_("导入的记录"),
    "platform": N_("视频平台巡检"),
}
"""What kind of observer a vantage is."""
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


class Rates(NamedTuple):
    """Seconds of all that a city shows, and by phase and by area: they change when the seconds are counted anew."""

    whole: Three
    phases: dict[str, Three]
    areas: dict[str, Three]


def rates_of(city: City) -> Rates:
    """Add up a city's seconds."""
    owners = _owners(city)
    return Rates(
        city.whole,
        city.tallies(lambda s: _owner(s.contract, s.phase, owners)),
        city.tallies(lambda stretch: stretch.area),
    )


def summary_of(city: City, rates: Rates) -> Summary:
    """Return the overview of a city as it stands."""
    down, rose = [], []
    since = (city.at or 0) - RECENT_H * HOUR_US
    for card in city.cards:
        now = card.now
        if now.standing is Standing.OFFLINE and now.since is not None:
            down.append(card)
        elif now.recovered and now.standing is Standing.ONLINE and (now.since or 0) > since:
            rose.append(card)
    down.sort(key=_since)
    fell = [card for card in reversed(down) if _since(card) > since]
    rose.sort(key=_since, reverse=True)
    return Summary(
        city.counts,
        rates.whole,
        tuple(_phases(city, rates)),
        tuple(_areas(city, rates)),
        tuple(down[:LONGEST]),
        tuple(fell[:RECENT]),
        len(fell),
        tuple(rose[:RECENT]),
        len(rose),
    )


def _since(card: PointCard) -> int:
    return card.now.since or 0


def _owners(city: City) -> dict[str, str]:
    return {p.phase: p.contract for p in reversed(city.phases)}


def _owner(contract: str, phase: str, owners: Mapping[str, str]) -> str:
    """Points whose ledger names no contract count for the phase of that name."""
    return f"{contract or owners.get(phase, '')}\n{phase}"


def _phases(city: City, rates: Rates) -> list[PhaseRow]:
    owners, standing = _owners(city), Counter[tuple[str, str, str]]()
    for card in city.cards:
        standing[card.facts.contract, card.facts.phase, _kind(card)] += 1
    counts: dict[str, Counter[str]] = {}
    for (contract, phase, kind), n in standing.items():
        counts.setdefault(_owner(contract, phase, owners), Counter())[kind] += n
    known = {f"{p.contract}\n{p.phase}": p for p in city.phases}
    rows = []
    for key in [*known, *sorted({*rates.phases, *counts} - known.keys())]:
        contract, _, phase = key.partition("\n")
        if not phase or not (key in rates.phases or key in counts):
            continue
        its = known.get(key)
        title, threshold = (its.title, its.threshold) if its is not None else ("", None)
        n_of = counts_of(counts.get(key, Counter()))
        rows.append(PhaseRow(contract, phase, title, threshold, n_of, *rates.phases.get(key, NONE)))
    return rows


def _areas(city: City, rates: Rates) -> list[AreaRow]:
    counts: dict[str, Counter[str]] = {}
    for (area, kind), n in Counter((card.facts.area, _kind(card)) for card in city.cards).items():
        counts.setdefault(area, Counter())[kind] += n
    names = sorted(name for name in {*rates.areas, *counts} if name)
    return [AreaRow(n, counts_of(counts.get(n, Counter())), *rates.areas.get(n, NONE)) for n in names]


def _kind(card: PointCard) -> str:
    return UNCONFIRMED if not card.now.confirmed and card.now.standing is Standing.OFFLINE else card.now.standing


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
