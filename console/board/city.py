"""The city at an instant: all cards that somebody may see, with what is known of the watcher and the contracts.

A City is frozen: whoever holds one sees one state of things. Times of both parts stand on it, so that a page can say how
old its numbers are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from console.board.card import PointCard, Standing, Stretch, Tally, added, stretch_of
from console.board.wanted import FACETS, Wanted, matches
from monitor.model import MICROSECONDS, Instant
from monitor.scope import EVERYTHING, Scope


class PhaseNow(NamedTuple):
    """A phase of a contract in force today, and the rate that it asks for."""

    contract: str
    phase: str
    title: str
    threshold: Fraction


class GapNow(NamedTuple):
    """A span in which a whole vantage was blind; `end` None while it still is."""

    vantage: str
    start: Instant
    end: Instant | None
    cause: str


class VantageNow(NamedTuple):
    """An observer: when its newest stored result was, and whether it is blind now. `own`: it is ours, not a platform's."""

    name: str
    kind: str
    newest: Instant | None
    blind_since: Instant | None

    @property
    def own(self) -> bool:
        return self.kind in {"local", "agent", "gb28181"}


class Counts(NamedTuple):
    """How many points are what; `expected` (应在线) is online + offline + excluded + unknown."""

    expected: int
    online: int
    offline: int
    excluded: int
    unknown: int
    out: int
    unconfirmed: int
    """Of those offline, how many have not failed often enough yet to be believed."""


@dataclass(frozen=True)
class City:
    """See the module. `version` changes with anything that a reader could see differently, the age of results apart."""

    version: int = 0
    facts_version: int = 0
    at: Instant | None = None
    """When the states were read; None before the first time."""
    accounts_at: Instant | None = None
    """Until when today's, this month's and this quarter's seconds are counted; None before the first time."""
    day: str = ""
    month: str = ""
    quarter: str = ""
    """Which periods these are: 2020-07-31, 2020-07, 2020Q3."""
    cards: tuple[PointCard, ...] = ()
    """In the order of their codes."""
    phases: tuple[PhaseNow, ...] = ()
    gaps: tuple[GapNow, ...] = ()
    """Those of the last 24 hours, newest first."""
    vantages: tuple[VantageNow, ...] = ()
    trouble: str = ""
    """What went wrong at the last attempt to read or count; empty if nothing did."""
    scope: Scope = EVERYTHING
    interval_s: float = field(default=60.0)

    @cached_property
    def by_code(self) -> Mapping[str, PointCard]:
        """The cards by their points' codes."""
        return {card.facts.code: card for card in self.cards}

    @cached_property
    def counts(self) -> Counts:
        """How many points are what."""
        return counted(self.cards)

    @property
    def newest(self) -> Instant | None:
        """When the newest stored result of our own was; None if there is none."""
        return max((v.newest for v in self.vantages if v.own and v.newest is not None), default=None)

    def lag_s(self, at: Instant) -> float | None:
        """Return how old the newest result of our own is, in seconds."""
        return None if self.newest is None else max(0.0, (at - self.newest) / MICROSECONDS)

    @property
    def blind_since(self) -> Instant | None:
        """Since when every observer of our own has been blind; None while one of them sees."""
        own = [vantage.blind_since for vantage in self.vantages if vantage.own and vantage.newest is not None]
        return max(since for since in own if since is not None) if own and None not in own else None

    def threshold(self, contract: str, phase: str) -> Fraction | None:
        """Return the rate that a phase asks for; None if no contract in force has it."""
        return next((p.threshold for p in self.phases if (p.contract, p.phase) == (contract, phase)), None)

    def select(self, wanted: Wanted, at: Instant | None = None) -> list[PointCard]:
        """Return the cards that a filter lets through, by code; `at` is now, for outages longer than some hours."""
        if wanted == Wanted():
            return list(self.cards)
        test = matches(wanted, at or self.at or Instant(0))
        return [card for card in self.cards if test(card)]

    def phase_word(self, phase: str, contract: str = "") -> str:
        """Return what people call a phase: its title in the contract, or in those in force where they agree; else its id.

        The id stands beside a title that another phase has as well, so that nobody takes one for the other.
        """
        titles = {p.title for p in self.phases if p.phase == phase and contract in ("", p.contract)}
        title = titles.pop() if len(titles) == 1 else ""
        if not title:
            return phase
        shared = any(p.title == title and p.phase != phase for p in self.phases)
        return f"{title}（{phase}）" if shared else title

    def facets(self, wanted: Wanted, at: Instant | None = None) -> dict[str, list[tuple[str, int]]]:
        """Return for each filter which values there are and how many points each, the other filters applied.

        By name of the filter (state, reason, phase, …), values by their names; empty values are left out.
        """
        passing = self._counts if wanted == Wanted() else None
        whole = [] if passing is not None else self.select(wanted, at)
        found: dict[str, list[tuple[str, int]]] = {}
        for name, value in FACETS.items():
            if passing is not None:
                counts = passing[name]
            elif getattr(wanted, name):
                counts = Counter(map(value, self.select(wanted.model_copy(update={name: ()}), at)))
            else:
                counts = Counter(map(value, whole))
            found[name] = sorted((key, n) for key, n in counts.items() if key)
        return found

    @cached_property
    def _counts(self) -> dict[str, Counter[str]]:
        return {name: Counter(map(value, self.cards)) for name, value in FACETS.items()}

    def grouped(self, key: Callable[[PointCard], str]) -> dict[str, list[PointCard]]:
        """Return the cards by what `key` says of them, in order."""
        found: dict[str, list[PointCard]] = {}
        for card in self.cards:
            found.setdefault(key(card), []).append(card)
        return dict(sorted(found.items()))

    def stretches(self) -> Iterator[Stretch]:
        """Yield every visible stretch: what rates of groups are added up from, as statements do."""
        for card in self.cards:
            yield from card.stretches

    def tallies(self, key: Callable[[Stretch], str]) -> dict[str, tuple[Tally, Tally, Tally]]:
        """Return today's, the month's and the quarter's seconds by what `key` says of the stretches, in order."""
        groups: dict[str, list[Stretch]] = {}
        for stretch in self.stretches():
            groups.setdefault(key(stretch), []).append(stretch)
        return {name: _sums(its) for name, its in sorted(groups.items())}

    @cached_property
    def whole(self) -> tuple[Tally, Tally, Tally]:
        """Today's, the month's and the quarter's seconds of all visible points."""
        return _sums(list(self.stretches()))

    def narrowed(self, scope: Scope) -> City:
        """Return what somebody with a scope may see of it."""
        if scope == EVERYTHING:
            return self
        cards = tuple(_within(card, scope) for card in self.cards if sees(scope, card.facts))
        phases = tuple(p for p in self.phases if scope.contracts is None or p.contract in scope.contracts)
        if scope.supplier is not None or scope.areas is not None:
            there = {(stretch.contract, stretch.phase) for card in cards for stretch in card.stretches}
            there |= {(card.facts.contract, card.facts.phase) for card in cards}
            phases = tuple(p for p in phases if {(p.contract, p.phase), ("", p.phase)} & there)
        return replace(self, cards=cards, phases=phases, scope=scope)


class _Placed(NamedTuple):
    contract: str
    area: str
    supplier: str


def sees(scope: Scope, facts: object) -> bool:
    """Tell whether facts (or a stretch) lie within a scope: all its sides at once."""
    contract, area, supplier = (getattr(facts, name) for name in _Placed._fields)
    return (
        (scope.contracts is None or contract in scope.contracts)
        and (scope.areas is None or area in scope.areas)
        and (scope.supplier is None or supplier == scope.supplier)
    )


def _within(card: PointCard, scope: Scope) -> PointCard:
    """Leave out of a card the time in which it was somebody else's."""
    if len(card.accounts) < 2:
        return card
    return card._replace(accounts=tuple(its for its in card.accounts if sees(scope, stretch_of(its))))


def counted(cards: Iterable[PointCard]) -> Counts:
    """Count cards by what they are."""
    kinds = Counter[str]()
    for card in cards:
        now = card.now
        kinds[UNCONFIRMED if not now.confirmed and now.standing is Standing.OFFLINE else now.standing] += 1
    return counts_of(kinds)


UNCONFIRMED = "unconfirmed"


def counts_of(kinds: Mapping[str, int]) -> Counts:
    """Return counts by standing as Counts; those under UNCONFIRMED are offline as well."""
    online, offline, excluded, unknown, out = (kinds.get(s, 0) for s in (*_COUNTED, Standing.OUT))
    doubtful = kinds.get(UNCONFIRMED, 0)
    offline += doubtful
    return Counts(online + offline + excluded + unknown, online, offline, excluded, unknown, out, doubtful)


_COUNTED = (Standing.ONLINE, Standing.OFFLINE, Standing.EXCLUDED, Standing.UNKNOWN)


def _sums(stretches: Sequence[Stretch]) -> tuple[Tally, Tally, Tally]:
    return added(s.day for s in stretches), added(s.month for s in stretches), added(s.quarter for s in stretches)
