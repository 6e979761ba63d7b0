"""Lists of ledger changes, kept while the ledger stays as it is: a period in which a whole ledger came in takes a second to read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from sqlalchemy import Connection

from console.ledger.importing import ledger_mark
from console.points.changes import PointChange, changes
from monitor.period import Period
from monitor.scope import Scope

KEPT = 6


class ChangeLists:
    """The last few lists. For any thread."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[tuple[int, ...], Sequence[PointChange]]] = OrderedDict()

    def of(self, connection: Connection, scope: Scope, period: Period, zone: str) -> Sequence[PointChange]:
        """Return the changes of a period. InputError as from `changes`."""
        key, mark = (scope, period.first, period.last, zone), ledger_mark(connection)
        with self._lock:
            known = self._found.get(key)
            if known is not None and known[0] == mark:
                self._found.move_to_end(key)
                return known[1]
        found = changes(connection, scope, period, zone)
        with self._lock:
            self._found[key] = (mark, found)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return found


def wanted(found: Sequence[PointChange], kinds: Sequence[str], area: str, phase: str) -> list[PointChange]:
    """Return the changes of one of some kinds, of an area, of a phase; what is empty is not asked."""
    asked = frozenset(kinds)
    return [
        change
        for change in found
        if (not asked or asked & set(change.kinds))
        and (not area or change.area == area)
        and (not phase or change.phase == phase)
    ]
