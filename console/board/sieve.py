"""What a filter of the map finds: how many, which are listed, and what else could be chosen. Kept while nothing changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from console.board.card import PointCard, Standing
from console.board.city import City
from console.board.wanted import Wanted
from monitor.model import MICROSECONDS, Instant

LISTED = 100
"""So many points are listed beside the map; the rest are on it, and in the ledger."""
KEPT = 64
MINUTE_US = 60 * MICROSECONDS
_ORDER = {Standing.OFFLINE: 0, Standing.UNKNOWN: 1, Standing.EXCLUDED: 2, Standing.ONLINE: 3, Standing.OUT: 4}


@dataclass(frozen=True, slots=True)
class Sieved:
    """`found` points pass, `placed` of them have coordinates; `listed` are the most urgent, the longest outage first."""

    found: int
    placed: int
    listed: tuple[PointCard, ...]
    facets: dict[str, list[tuple[str, int]]]


class Sieves:
    """The newest answers, by what was asked of which city."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], Sieved] = OrderedDict()

    def of(self, city: City, wanted: Wanted, at: Instant) -> Sieved:
        """Return what a filter finds; hours offline are counted to the minute."""
        key = (city.scope, city.version, wanted, at // MINUTE_US if wanted.moving else None)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = sieve(city, wanted, at)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def sieve(city: City, wanted: Wanted, at: Instant) -> Sieved:
    """Return what a filter finds at an instant."""
    cards = city.select(wanted, at)
    placed = sum(card.facts.lon is not None and card.facts.lat is not None for card in cards)
    return Sieved(len(cards), placed, tuple(nsmallest(LISTED, cards, key=_urgency)), city.facets(wanted, at))


def _urgency(card: PointCard) -> tuple[int, int, str]:
    return _ORDER[card.now.standing], card.now.since or 0, card.facts.code
