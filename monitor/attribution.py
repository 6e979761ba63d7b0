"""Which upstream device an outage belongs to: attribution is said beside the record and never alters it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.intervals import Span, intersect, total

SHARE = 0.5
"""An outage belongs to an upstream device that was down for at least half of it."""


def upstream_of(outage: Span, upstream: str, down: Mapping[str, Sequence[Span]]) -> str | None:
    """Return the upstream device's name if it was down during the outage, else None.

    `down` holds the seconds each device was seen down, normalised. The point's own upstream is the only one asked.
    """
    spans = down.get(upstream, ())
    if not spans or outage[1] <= outage[0]:
        return None
    covered = total(intersect([outage], list(spans)))
    return upstream if covered >= SHARE * (outage[1] - outage[0]) else None
