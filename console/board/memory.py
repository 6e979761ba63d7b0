"""What the board remembers between two readings, and the step from one to the next. Used on the board's own thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.board import reading
from console.board.card import EVIDENCE_OF, Account, Evidence, Facts, Now, PointCard, Standing
from console.board.city import GapNow, PhaseNow, VantageNow
from console.board.counting import Packed, policies, terms_in_force
from console.board.judging import GRACE_S, RANK, Sky, Verdict, judge, now_of, sky, standing_of
from console.board.reading import Newest
from monitor.model import MICROSECONDS, Gap, Instant, State
from monitor.period import Period
from monitor.timeline import Policy
from settlement.contract import Terms

SLOW_US = 600 * MICROSECONDS
"""Ledger, exclusions and contracts are read again after so long, at midnight, and when they have changed."""
LOOK_US = 60 * MICROSECONDS
"""A card's newest result is this much out of date at most, while all else stays the same."""
FEW = 10
"""A run with fewer samples is looked at whenever it grows: its outage may just have been confirmed."""


class Memory:
    """The last reading. `step` reads again and tells whether anything changed that a reader could see."""

    def __init__(self, zone: str, default: Policy, configured: Sequence[Terms]) -> None:
        self._zone, self._default, self._configured = zone, default, tuple(configured)
        self._signature: tuple[object, ...] = ()
        self._slow_at: Instant | None = None
        self._facts: dict[int, Facts] = {}
        self._excluded: dict[str, list[tuple[int, int]]] = {}
        self._policies: dict[tuple[str, str], Policy] = {}
        self._said: dict[int, tuple[Verdict, Instant | None, bool]] = {}
        """By point: what was said last, since when, and whether an outage went before."""
        self._proven: dict[int, Evidence] = {}
        self._accounts: Mapping[str, tuple[Account, ...]] = {}
        self._rows: dict[tuple[int, int], tuple[int, int, int, int | None, bool, int]] = {}
        """By point and vantage: last, first, outcome, camera, whether it holds, samples; as last judged."""
        self._blind: list[Gap] = []
        self._made: dict[int, PointCard] = {}
        self.phases: tuple[PhaseNow, ...] = ()
        self.vantages: tuple[VantageNow, ...] = ()
        self.gaps: tuple[GapNow, ...] = ()
        self.cards: tuple[PointCard, ...] = ()
        self.facts_version = 0

    def count(self, packed: Packed) -> None:
        """Take new seconds; the cards carry them from the next step on."""
        self._accounts = packed.unpacked()
        self._made = {
            number: card._replace(accounts=self._accounts.get(card.facts.code, ()))
            for number, card in self._made.items()
        }

    def step(self, connection: Connection, at: Instant) -> bool:
        """Read the store. Raises what the database raises; nothing of the last reading is lost then."""
        anew = self._slow(connection, at)
        vantages, gaps, blind = reading.observers(connection, at)
        whole = sky(at, vantages, blind, reading.outcomes(connection))
        rows = reading.newest(connection)
        stale = self._stale(rows, whole, anew or blind != self._blind)
        said = {
            number: judge(self._facts[number], runs, whole, self._policy(self._facts[number]))
            for number, runs in stale.items()
        }
        self._follow(connection, said, whole)
        fresh = {number: self._card(number, self._facts[number], at) for number in said}
        differing = [number for number, card in fresh.items() if _differ(card, self._made.get(number))]
        self._made.update(fresh)
        watch = tuple(vantages.values())
        changed = anew or bool(differing) or _blind(watch) != _blind(self.vantages) or tuple(gaps) != self.gaps
        self._blind, self.vantages, self.gaps = blind, watch, tuple(gaps)
        self.cards = tuple(self._made[number] for number in self._facts)
        return changed

    def _stale(self, rows: Sequence[tuple[Any, ...]], whole: Sky, every: bool) -> dict[int, list[Newest]]:
        """Return the runs of the points that must be judged again: most of a city says the same every time."""
        kept, now, told = self._rows, whole.at, set[int]()
        late = {number: GRACE_S if vantage.own else 0 for number, vantage in whole.vantages.items()}
        for row in rows:
            number, vantage, first, last, n, outcome, valid_s, camera = row
            holds = now <= last + (valid_s + late[vantage]) * MICROSECONDS
            before = kept.get((number, vantage))
            if before is None or before[1:4] != (first, outcome, camera) or before[4] is not holds:
                told.add(number)
            elif last - before[0] < LOOK_US and (n == before[5] or before[5] >= FEW):
                continue
            kept[number, vantage] = (last, first, outcome, camera, holds, n)
            told.add(number)
        told |= {number for number, facts in self._facts.items() if facts.code in self._excluded}
        if every:
            told = set(self._facts)
        found: dict[int, list[Newest]] = {number: [] for number in told if number in self._facts}
        for row in rows:
            if row[0] in found:
                found[row[0]].append(Newest(*row))
        return found

    def _policy(self, facts: Facts) -> Policy:
        return self._policies.get((facts.contract, facts.phase), self._default)

    def _slow(self, connection: Connection, at: Instant) -> bool:
        day = datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(self._zone)).date()
        signature = (day, *reading.signature(connection))
        if signature == self._signature and self._slow_at is not None and at - self._slow_at < SLOW_US:
            return False
        found = reading.facts(connection, at, self._zone)
        terms = terms_in_force(connection, self._configured, day)
        phases = tuple(PhaseNow(t.contract, p.id, p.title, t.target) for t in terms for p in t.phases)
        excluded = reading.excluded(connection, at)
        changed = found != self._facts or phases != self.phases or excluded != self._excluded
        if found != self._facts:
            self._facts = found
            self.facts_version += 1
            for mine in (self._said, self._made, self._proven):
                for number in [number for number in mine if number not in found]:
                    del mine[number]
            self._rows = {key: its for key, its in self._rows.items() if key[0] in found}
        self._policies, self.phases, self._excluded = policies(terms), phases, excluded
        self._signature, self._slow_at = signature, at
        return changed

    def _follow(self, connection: Connection, said: Mapping[int, Verdict], whole: Sky) -> None:
        """Keep or find since when each point is what it is."""
        asked: list[int] = []
        for number, verdict in said.items():
            before = self._said.get(number)
            if before is None:
                asked.append(number)
                continue
            was, since, recovered = before
            if was.state is verdict.state:
                self._said[number] = (verdict, since, recovered)
            elif verdict.state is State.UNKNOWN:
                self._said[number] = (verdict, verdict.lost_at, False)
            elif was.state is State.UNKNOWN or (was.state is State.OFFLINE and was.samples < self._confirm(number)):
                asked.append(number)  # unknown time does not divide an outage, and a flicker is none
            else:
                self._said[number] = (verdict, verdict.first, verdict.state is State.ONLINE)
        if asked:
            self._ask(connection, asked, said, whole)

    def _confirm(self, number: int) -> int:
        return self._policy(self._facts[number]).confirm_samples

    def _ask(self, connection: Connection, asked: list[int], said: Mapping[int, Verdict], whole: Sky) -> None:
        """Ask the store what went before."""
        past = reading.past(connection, asked, whole.outcomes, self._default.confirm_samples)
        down: dict[Policy, list[str]] = {}
        for number in asked:
            if said[number].state is State.OFFLINE:
                facts = self._facts[number]
                down.setdefault(self._policy(facts), []).append(facts.code)
        today = datetime.fromtimestamp(whole.at / MICROSECONDS, ZoneInfo(self._zone)).date()
        period = Period(str(today), today, today)
        since: dict[str, Instant] = {}
        for policy, codes in down.items():
            since |= reading.outages_since(connection, codes, period, self._zone, policy)
        for number in asked:
            verdict, before = said[number], past.get(number)
            outcome = None if before is None or before.outcome is None else whole.outcomes[before.outcome]
            if outcome is not None:
                self._prove(number, EVIDENCE_OF[outcome.rung])
            if verdict.state is State.OFFLINE:
                began = since.get(self._facts[number].code, verdict.first)
                self._said[number] = (verdict, began, False)
            elif verdict.state is State.ONLINE and before is not None and before.up_since is not None:
                self._said[number] = (verdict, Instant(before.up_since), before.down is not None)
            else:
                self._said[number] = (verdict, verdict.lost_at, False)

    def _prove(self, number: int, level: Evidence) -> None:
        if RANK[level] > RANK[self._proven.get(number, Evidence.NONE)]:
            self._proven[number] = level

    def _card(self, number: int, facts: Facts, at: Instant) -> PointCard:
        verdict, since, recovered = self._said[number]
        self._prove(number, verdict.proven)
        spans = self._excluded.get(facts.code, ())
        standing = standing_of(facts, verdict, spans, at)
        if standing is Standing.EXCLUDED:
            since = Instant(max(start for start, end in spans if start <= at < end))
        known = self._proven.get(number, Evidence.NONE)
        now: Now = now_of(standing, verdict, since, recovered, known, self._policy(facts))
        return PointCard(facts, now, self._accounts.get(facts.code, ()))


def _differ(a: PointCard, b: PointCard | None) -> bool:
    """Tell whether a reader could see a difference; the age of the newest result alone is none."""
    return b is None or a.now._replace(last_seen=None) != b.now._replace(last_seen=None) or a.facts is not b.facts


def _blind(vantages: Sequence[VantageNow]) -> list[tuple[str, Instant | None]]:
    return [(vantage.name, vantage.blind_since) for vantage in vantages]
