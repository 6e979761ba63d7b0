"""What the board remembers between two readings, and the step from one to the next. Used on the board's own thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.board import reading
from console.board.card import EVIDENCE_OF, Evidence, Facts, Now, PointCard, Standing, Stretch
from console.board.city import GapNow, PhaseNow, VantageNow
from console.board.counting import Accounts, policies, terms_in_force
from console.board.judging import RANK, Sky, Verdict, judge, now_of, sky, standing_of
from console.board.reading import Newest
from monitor.model import MICROSECONDS, Instant, State
from monitor.period import Period
from monitor.timeline import Policy
from settlement.contract import Terms

SLOW_US = 60 * MICROSECONDS
"""Ledger, exclusions and contracts are read again after so long, or when they have changed."""


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
        self._stretches: Mapping[str, tuple[Stretch, ...]] = {}
        self.phases: tuple[PhaseNow, ...] = ()
        self.vantages: tuple[VantageNow, ...] = ()
        self.gaps: tuple[GapNow, ...] = ()
        self.cards: tuple[PointCard, ...] = ()
        self.facts_version = 0

    def count(self, accounts: Accounts) -> None:
        """Take new seconds; the cards carry them from the next step on."""
        self._stretches = accounts.stretches

    def step(self, connection: Connection, at: Instant) -> bool:
        """Read the store. Raises what the database raises; nothing of the last reading is lost then."""
        changed = self._slow(connection, at)
        vantages, gaps, blind = reading.observers(connection, at)
        seen = reading.outcomes(connection)
        runs: dict[int, list[Newest]] = {}
        for run in reading.newest(connection):
            runs.setdefault(run.point, []).append(run)
        whole = sky(at, vantages, blind, seen)
        said = {
            number: judge(facts, runs.get(number, ()), whole, self._policy(facts))
            for number, facts in self._facts.items()
        }
        self._follow(connection, said, whole)
        cards = tuple(self._card(number, facts, at) for number, facts in self._facts.items())
        watch = tuple(vantages.values())
        changed = changed or _blind(watch) != _blind(self.vantages) or tuple(gaps) != self.gaps
        changed = changed or len(cards) != len(self.cards) or any(map(_differ, cards, self.cards))
        self.vantages, self.gaps, self.cards = watch, tuple(gaps), cards
        return changed

    def _policy(self, facts: Facts) -> Policy:
        return self._policies.get((facts.contract, facts.phase), self._default)

    def _slow(self, connection: Connection, at: Instant) -> bool:
        signature = reading.signature(connection)
        if signature == self._signature and self._slow_at is not None and at - self._slow_at < SLOW_US:
            return False
        found = reading.facts(connection, at, self._zone)
        day = datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(self._zone)).date()
        terms = terms_in_force(connection, self._configured, day)
        phases = tuple(PhaseNow(t.contract, p.id, p.title, t.target) for t in terms for p in t.phases)
        excluded = reading.excluded(connection, at)
        changed = found != self._facts or phases != self.phases or excluded != self._excluded
        if found != self._facts:
            self._facts = found
            self.facts_version += 1
            self._said = {number: its for number, its in self._said.items() if number in found}
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
        return PointCard(facts, now, self._stretches.get(facts.code, ()))


def _differ(a: PointCard, b: PointCard) -> bool:
    """Tell whether a reader could see a difference; the age of the newest result alone is none."""
    return a.now._replace(last_seen=None) != b.now._replace(last_seen=None) or a.facts is not b.facts


def _blind(vantages: Sequence[VantageNow]) -> list[tuple[str, Instant | None]]:
    return [(vantage.name, vantage.blind_since) for vantage in vantages]
