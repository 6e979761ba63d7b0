"""The 现场核查表 of samples that were drawn for the contract's period, as they were sealed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from monitor.period import Period, day_of
from monitor.store import evaluations
from settlement.contract import Terms
from settlement.reports import site_check


def drawn(
    connection: Connection, terms: Terms, period: Period, last: str, zone: str
) -> list[tuple[str, evaluations.Evaluation]]:
    """Return the samples of the contract's period recorded by the last sealed day, newest versions only, with their members."""
    newest: dict[str, evaluations.Evaluation] = {}
    for one in evaluations.listed(connection, evaluations.SAMPLE):
        day = day_of(one.at, zone)
        if one.id.startswith(f"{terms.contract}/{period.label}/") and str(day) <= last:
            if one.id not in newest or newest[one.id].version < one.version:
                newest[one.id] = one
    return [(f"site-check-{n}", one) for n, (_, one) in enumerate(sorted(newest.items()), 1)]


def members(samples: Iterable[tuple[str, evaluations.Evaluation]], terms: Terms) -> dict[str, bytes]:
    """Return a sheet and a table for each sample."""
    found: dict[str, bytes] = {}
    for name, one in samples:
        day = day_of(one.at, terms.zone)
        found[f"{name}.pdf"] = site_check.to_sheet(one.document, (one.sha256, day), terms.zone)
        found[f"csv/{name}.csv"] = site_check.to_csv(one.document, terms.zone)
    return found
