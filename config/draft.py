"""A contract that may be wrong in what it means: its faults as findings, and what can still be read without them.

Faults of meaning (components that do not add up, tier tables with a gap) do not keep the rest from being looked at: the
part that is wrong is set aside. Faults of form (unknown keys, text for a number) do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.contracts import shipped
from config.load import Lines, dotted, finding_of, load_yaml
from monitor.finding import Finding, InputError
from settlement.contract import Terms

Place = tuple[str | int, ...]

MEANING = frozenset(
    {
        "bands",
        "cap",
        "components",
        "gap",
        "grain",
        "instalments",
        "main",
        "overlap",
        "period",
        "price",
        "prices",
        "total",
    }
)
"""The complaints that are about what a contract means, by their kind."""

MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """A complaint about a contract's meaning, by its kind and place."""

    kind: str
    place: Place
    finding: Finding


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read. `terms` is None if nothing is left once the wrong parts are set aside."""

    file: str
    lines: Lines
    terms: Terms | None
    faults: tuple[Fault, ...]
    rules: tuple[int, ...]
    """Where each rule of `terms` stands in the file."""

    keys: frozenset[str]
    """The contract's keys that are written."""

    def line(self, place: Place) -> int:
        """The line of a place in `terms`, or of the nearest thing around it; 0 where the file has none of it."""
        return self.lines.at(self._in_file(place)) if place and place[0] in self.keys else 0

    def written(self, place: Place) -> str:
        """Write a place of `terms` as it is found in the file: "rules[3].over"."""
        return dotted(self._in_file(place))

    def _in_file(self, place: Place) -> Place:
        if place[:1] == ("rules",) and len(place) > 1 and isinstance(place[1], int):
            return ("rules", self.rules[place[1]], *place[2:])
        return place


def load_draft(path: Path) -> Draft:
    """Read a contract as far as it goes. InputError with every finding if the file is unreadable or wrong in form."""
    path = shipped(path)
    data, lines = load_yaml(path)
    keys, rules = frozenset(data), data.get("rules")
    numbers = list(range(len(rules))) if isinstance(rules, list) else []
    faults: list[Fault] = []
    terms: Terms | None = None
    while terms is None and len(faults) < MAX_FAULTS:
        try:
            terms = Terms.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
            places = [_original(tuple(detail["loc"]), numbers) for detail in details]
            found = [
                Fault(detail["type"], place, finding_of({**detail, "loc": place}, str(path), lines))
                for detail, place in zip(details, places, strict=True)
            ]
            if any(fault.kind not in MEANING for fault in found):
                raise InputError(sorted(fault.finding for fault in (*faults, *found))) from None
            faults += found
            if not _set_aside(data, {tuple(detail["loc"]) for detail in details}, numbers):
                break
    return Draft(str(path), lines, terms, tuple(faults), tuple(numbers), keys)


def _original(place: Place, numbers: list[int]) -> Place:
    if place[:1] == ("rules",) and len(place) > 1 and isinstance(place[1], int):
        return ("rules", numbers[place[1]], *place[2:])
    return place


def _set_aside(data: dict[str, Any], places: set[Place], numbers: list[int]) -> bool:
    """Take the wrong parts out of the data: whole rules, a phase's components or contracted size, a clause.

    False if one of them cannot be taken out, or nothing was.
    """
    rules: set[int] = set()
    for place in places:
        match place:
            case ("rules", int(n), *_):
                rules.add(n)
            case ("phases", int(n), "components" | "contracted" | "prices" as key, *_):
                data["phases"][n].pop(key, None)
            case (str(key), *_) if key != "phases":
                data.pop(key, None)
            case _:
                return False
    for n in sorted(rules, reverse=True):
        del data["rules"][n], numbers[n]
    return bool(places)
