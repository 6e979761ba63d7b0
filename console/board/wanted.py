"""Which points somebody asks for: the filters of the map, the ledger and the API, with the same names in every address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from console.board.card import PointCard, Standing
from monitor.model import MICROSECONDS, Instant

Values = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50)]


class Wanted(BaseModel):
    """Filters that all must hold; of several values of one, any.

    `down_h`: offline for longer than so many hours. `changed_h`: went offline, or came back, within so many hours.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Values = ()
    reason: Values = ()
    contract: Values = ()
    phase: Values = ()
    area: Values = ()
    supplier: Values = ()
    evidence: Values = ()
    down_h: Annotated[float, Field(ge=0, le=100_000)] | None = None
    changed_h: Annotated[float, Field(ge=0, le=100_000)] | None = None
    q: Annotated[str, Field(max_length=200)] = ""

    @property
    def moving(self) -> bool:
        """Whether what passes changes with the hour alone."""
        return self.down_h is not None or self.changed_h is not None


FACETS: Mapping[str, Callable[[PointCard], str]] = {
    "state": lambda card: card.now.standing.value,
    "reason": lambda card: "" if card.now.standing is Standing.ONLINE else card.now.reason,
    "contract": lambda card: card.facts.contract,
    "phase": lambda card: card.facts.phase,
    "area": lambda card: card.facts.area,
    "supplier": lambda card: card.facts.supplier,
    "evidence": lambda card: card.now.evidence.value,
}
"""What each filter looks at."""


def matches(wanted: Wanted, at: Instant) -> Callable[[PointCard], bool]:
    """Return the test whether a card passes all filters at an instant."""
    tests: list[Callable[[PointCard], bool]] = []
    for name, value in FACETS.items():
        values = frozenset(getattr(wanted, name))
        if values:
            tests.append(lambda card, value=value, values=values: value(card) in values)  # type: ignore[misc]
    if wanted.down_h is not None:
        before = at - wanted.down_h * 3_600 * MICROSECONDS
        tests.append(lambda card: down_since(card, before))
    if wanted.changed_h is not None:
        after = at - wanted.changed_h * 3_600 * MICROSECONDS
        tests.append(lambda card: changed_since(card, after))
    if words := wanted.q.casefold().split():
        tests.append(lambda card: all(word in card.facts.text for word in words))
    if len(tests) == 1:
        return tests[0]
    return lambda card: all(test(card) for test in tests)


def down_since(card: PointCard, before: float) -> bool:
    """Tell whether a point has been offline since before an instant."""
    now = card.now
    return now.standing is Standing.OFFLINE and now.since is not None and now.since <= before


def changed_since(card: PointCard, after: float) -> bool:
    """Tell whether a point went offline, or came back from an outage, after an instant."""
    now = card.now
    turned = now.standing is Standing.OFFLINE or (now.standing is Standing.ONLINE and now.recovered)
    return turned and now.since is not None and now.since > after
