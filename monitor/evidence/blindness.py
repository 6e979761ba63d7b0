"""The gaps that the log knows, of whole vantages and of single points, and what of them matters to a stretch. PURE."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

from monitor.hold import Blind, blind
from monitor.model import Gap, Instant

_start = attrgetter("start")
_end = attrgetter("end")

GapRow = tuple[str, str | None, int, int | None, str]
"""vantage, point, start, end, cause."""


class Blindness:
    """All gaps; open ones end in place. What was computed of them is kept until one of the same vantage changes."""

    def __init__(self) -> None:
        self._gaps: dict[str, dict[str | None, list[Gap]]] = {}
        self._blind: dict[str, dict[str | None, list[Blind]]] = {}

    def apart(self) -> Blindness:
        """Return the same gaps; what is added to one of the two is not in the other."""
        other = Blindness()
        other._gaps = {
            vantage: {point: list(gaps) for point, gaps in places.items()} for vantage, places in self._gaps.items()
        }
        return other

    def add(self, vantage: str, point: str | None, start: int, end: int | None, cause: str) -> int:
        """Take a `gap` record and return the first instant at which it changes what is known.

        It ends the open gap of the same vantage, point, start and cause, if it has an end and there is one; else it
        is another gap.
        """
        places = self._gaps.setdefault(vantage, {})
        gaps = places.setdefault(point, [])
        gap = Gap(vantage, Instant(start), None if end is None else Instant(end), cause, point)
        if point is None:
            self._blind.pop(vantage, None)
        else:
            self._blind.get(vantage, {}).pop(point, None)
        if end is not None:
            for index in range(len(gaps) - 1, -1, -1):
                one = gaps[index]
                if one.end is None and one.start == start and one.cause == cause:
                    gaps[index] = gap
                    return end
        gaps.append(gap)
        return start

    def around(self, vantage: str, point: str, since: int, start: int, end: int) -> list[Blind]:
        """Return the merged gaps, in order, on which the whole seconds [start, end) of runs from `since` on depend.

        Those are the ones that meet [start, end) and the last one before: where a run is proven again after several gaps
        is a matter of the last of them.
        """
        places = self._gaps.get(vantage)
        if not places:
            return []
        own = point if point in places else None
        kept = self._blind.setdefault(vantage, {})
        whole = kept.get(own)
        if whole is None:
            gaps = places.get(None, [])
            whole = kept[own] = blind(gaps if own is None else [*gaps, *places[own]])
        low = max(bisect_right(whole, since, key=_end), bisect_right(whole, start, key=_end) - 1)
        return whole[low : bisect_left(whole, end, key=_start)]

    def of(self, vantage: str, point: str) -> list[Gap]:
        """Return the gaps of a point at a vantage, those of the whole vantage among them, in order of their starts."""
        places = self._gaps.get(vantage, {})
        return sorted([*places.get(None, ()), *places.get(point, ())], key=_start)

    def cuts(self, vantage: str, point: str, first: int, last: int) -> bool:
        """Tell whether a gap of a point at a vantage lies, in part, within the instants [first, last]."""
        return any(gap.start <= last and (gap.end is None or gap.end > first) for gap in self.of(vantage, point))

    def rows(self) -> list[GapRow]:
        """Return all gaps, sorted as arrays, None first."""
        rows: list[GapRow] = [(g.vantage, g.point, g.start, g.end, g.cause) for g in self]
        rows.sort(key=lambda row: (row[0], row[1] or "", row[2], row[3] is not None, row[3] or 0, row[4]))
        return rows

    def __iter__(self) -> Iterator[Gap]:
        for places in self._gaps.values():
            for gaps in places.values():
                yield from gaps
