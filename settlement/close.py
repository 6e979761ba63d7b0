"""The month's close: freeze each phase's measured seconds with the digest of what they were measured from.

Closing again with the same inputs changes nothing; with other inputs it adds a revision, and the earlier one stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from monitor.model import Instant
from monitor.rates import Rate
from settlement.contract import Terms
from settlement.store.tables import period_rates


@dataclass(frozen=True, slots=True)
class Frozen:
    """One phase's month as it was closed; `added` is False if the same close stood already."""

    phase: str
    period: str
    revision: int
    added: bool


def inputs_digest(terms: Terms, period: str, rates: Mapping[str, Rate]) -> str:
    """Return the digest of what a close is made from: the terms, the period, and every phase's seconds."""
    body = {
        "terms": terms.document(),
        "period": period,
        "rates": {phase: [r.good, r.counted, r.excluded, r.unknown] for phase, r in sorted(rates.items())},
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def freeze(
    connection: Connection,
    terms: Terms,
    period: str,
    rates: Mapping[str, Rate],
    *,
    at: Instant,
    actor: str,
    software: str,
) -> list[Frozen]:
    """Store a month's rates in the caller's transaction. `rates` are seconds per phase under the contract's policy."""
    digest = inputs_digest(terms, period, rates)
    table = period_rates.c
    done: list[Frozen] = []
    for phase, rate in sorted(rates.items()):
        key = (table.contract == terms.contract, table.phase == phase, table.period == period)
        newest = connection.scalar(select(func.max(table.revision)).where(*key))
        if newest is not None:
            standing = connection.scalar(select(table.inputs_sha).where(*key, table.revision == newest))
            if standing == digest:
                done.append(Frozen(phase, period, newest, added=False))
                continue
        revision = 0 if newest is None else newest + 1
        connection.execute(
            insert(period_rates).values(
                contract=terms.contract,
                phase=phase,
                period=period,
                revision=revision,
                good_s=rate.good,
                counted_s=rate.counted,
                excluded_s=rate.excluded,
                unknown_s=rate.unknown,
                inputs_sha=digest,
                software=software,
                recorded_at=at,
                actor=actor,
            )
        )
        done.append(Frozen(phase, period, revision, added=True))
    return done


def closed_periods(connection: Connection, contract: str) -> set[str]:
    """Return the months of a contract that have been closed at least once."""
    return set(connection.scalars(select(period_rates.c.period).where(period_rates.c.contract == contract)))
