"""The ledger as a list: cards that filters let through, in an order, with what each filter would leave; kept for a while.

A city of 11,000 cards takes tens of milliseconds to filter, count and sort; twenty people look at few different lists.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from console.board.card import PointCard
from console.board.city import City
from console.board.wanted import FACETS, Wanted, matches
from console.web.table import Column, TableQuery, ordered
from monitor.model import MICROSECONDS, Instant

KEPT = 24
FRESH_S = 30
"""A list by outages' lengths is made anew after so long."""


class PointsQuery(Wanted, TableQuery):
    """The ledger's address: filters, search, order, page, columns."""

    view: str = ""

    @property
    def filters(self) -> Wanted:
        """The filters by themselves."""
        return Wanted.model_validate({name: getattr(self, name) for name in Wanted.model_fields})


class Listed(NamedTuple):
    """Cards in the order asked for, and per filter which values there are and how many points each, the others applied."""

    cards: Sequence[PointCard]
    facets: Mapping[str, Sequence[tuple[str, int]]]


class Lists:
    """Lists that were made lately. For any thread."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, Listed] = OrderedDict()

    def of(self, city: City, query: PointsQuery, columns: Sequence[Column[PointCard]], at: Instant) -> Listed:
        """Return the list that a query asks of a city."""
        wanted = query.filters
        moment = at // (FRESH_S * MICROSECONDS) if wanted.moving else 0
        key = (city.version, city.accounts_at, city.scope, wanted.model_dump_json(), query.sort, moment)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        cards = ordered(city.select(wanted, at), columns, query)
        listed = Listed(cards, facets(city, wanted, at))
        with self._lock:
            self._found[key] = listed
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return listed


def facets(city: City, wanted: Wanted, at: Instant) -> dict[str, list[tuple[str, int]]]:
    """Count every filter's values among the cards that the other filters let through, most frequent first; one pass."""
    narrow = {name: frozenset(getattr(wanted, name)) for name in FACETS if getattr(wanted, name)}
    rest = matches(wanted.model_copy(update=dict.fromkeys(FACETS, ())), at)
    cards = city.cards if not wanted.moving and not wanted.q.split() else [c for c in city.cards if rest(c)]
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    if not narrow:
        for name, value in FACETS.items():
            counts[name].update(map(value, cards))
    else:
        for card in cards:
            said = {name: value(card) for name, value in FACETS.items()}
            failing = [name for name, values in narrow.items() if said[name] not in values]
            if len(failing) > 1:
                continue
            for name in failing or FACETS:
                counts[name][said[name]] += 1
    return {
        name: sorted(((k, n) for k, n in found.items() if k), key=lambda row: (-row[1], row[0]))
        for name, found in counts.items()
    }
