"""The city as a map takes it: one compact document of all points, and a small one of their states alone.

`points` are rows [code, name, longitude, latitude, phase, area, supplier] with numbers into the lists beside; `states` has one
letter a point in the same order; `down` are [point, since in seconds, reason] of all that are not online.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from console.board.card import Standing
from console.board.city import City
from monitor.model import MICROSECONDS

LETTERS: Mapping[Standing, str] = {
    Standing.ONLINE: "n",
    Standing.OFFLINE: "f",
    Standing.EXCLUDED: "e",
    Standing.UNKNOWN: "u",
    Standing.OUT: "o",
}


class _Numbered:
    """A list of texts without repeats, and the number of each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __getitem__(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        return list(self._numbers)


def states(city: City) -> dict[str, Any]:
    """Return what changes every few seconds."""
    reasons = _Numbered()
    down = [
        [n, None if card.now.since is None else card.now.since // MICROSECONDS, reasons[card.now.reason]]
        for n, card in enumerate(city.cards)
        if card.now.standing is not Standing.ONLINE and card.now.standing is not Standing.OUT
    ]
    return {
        "facts": city.facts_version,
        "version": city.version,
        "states": "".join(LETTERS[card.now.standing] for card in city.cards),
        "reasons": reasons.texts,
        "down": down,
    }


def places(city: City) -> dict[str, Any]:
    """Return all of it."""
    phases, areas, suppliers = _Numbered(), _Numbered(), _Numbered()
    points = []
    for card in city.cards:
        f = card.facts
        lon = None if f.lon is None else round(f.lon, 6)
        lat = None if f.lat is None else round(f.lat, 6)
        points.append([f.code, f.name, lon, lat, phases[f.phase], areas[f.area], suppliers[f.supplier]])
    lists = {"phases": phases.texts, "areas": areas.texts, "suppliers": suppliers.texts}
    return {**states(city), **lists, "points": points}


def written(document: Mapping[str, Any] | list[int]) -> bytes:
    """Return a document as JSON without blanks."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
