"""The ledger's list for the page and the API alike, from the city in memory."""

from __future__ import annotations

from console.board.board import Board
from console.ledger.columns import CARDS
from console.points.listing import Listed, Lists, PointsQuery
from console.web.visit import Visit


def listed(visit: Visit, query: PointsQuery) -> Listed:
    """Return the cards that a query asks for; makes the list if nobody asked lately."""
    lists: Lists = visit.site.more.setdefault(Lists, Lists())
    return lists.of(visit.site.part(Board).city(visit.scope), query, CARDS, visit.at)
