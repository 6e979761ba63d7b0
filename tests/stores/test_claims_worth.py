"""What approving claims is worth: what the quarter comes to once they are approved, told before, with nothing written."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from console.claims.effect import touched
from console.claims.supposed import scratch, suppose
from console.claims.worth import worth
from console.quarters.quarter import as_known
from monitor.model import Exclusion, Instant
from monitor.origin import Origin
from monitor.scope import EVERYTHING, Scope
from monitor.store import claims, exclusions
from monitor.store.database import reading
from monitor.store.tables import outbox
from monitor.timeline import Policy
from settlement.daycount import parse_quarter
from settlement.money import fen
from tests.stores.quarters import CONTRACT, NOW, drafted, instant, ready, sha

LATER = Instant(NOW + 60_000_000)
SPAN = ("2020-08-03T00:00:00", "2020-08-28T12:00:00")
POLICY = (Policy(), "Asia/Shanghai")


def claimed(writer: Any, point: str, start: str, end: str) -> int:
    """Claim that a span does not count; returns its number."""
    row = Exclusion(point, instant(start), instant(end), "停电")
    with writer.transaction() as connection:
        origin = Origin("x.csv", sha(row))
        (number,) = exclusions.claim(connection, writer.audit, [row], actor="值班", at=NOW, origin=origin)
    return number


def payable(store: Any, quarter: str) -> int:
    with reading(store.engine) as connection:
        return fen(as_known(connection, CONTRACT, parse_quarter(quarter), LATER).document["totals"]["payable"])


def test_a_claim_is_worth_what_the_quarter_comes_to_once_it_is_approved(store: Any) -> None:
    writer = ready(store)
    number = claimed(writer, "A-1", *SPAN)
    before = payable(store, "2020Q3")
    (found,) = worth(store.url, [(CONTRACT, "2020Q3")], [number], LATER)
    assert found.payable[0] == before == payable(store, "2020Q3"), "nothing is written"
    with writer.transaction() as connection:
        claims.approve(connection, writer.audit, [number], actor="复核", at=LATER)
    assert found.payable[1] == payable(store, "2020Q3") and found.difference > 0
    (phase,) = found.phases
    assert phase.difference == found.difference
    assert phase.rate[0] is not None and phase.rate[1] is not None and phase.rate[0] < phase.rate[1] <= 1


def test_a_withdrawal_takes_the_worth_back(store: Any) -> None:
    writer = ready(store)
    number = claimed(writer, "A-1", *SPAN)
    (gained,) = worth(store.url, [(CONTRACT, "2020Q3")], [number], LATER)
    with writer.transaction() as connection:
        claims.approve(connection, writer.audit, [number], actor="复核", at=NOW)
        back = claims.revoke(connection, writer.audit, number, actor="值班", at=NOW, reason="误报")
    (lost,) = worth(store.url, [(CONTRACT, "2020Q3")], [back], LATER)
    assert lost.difference == -gained.difference and lost.payable == gained.payable[::-1]


def test_an_issued_or_drafted_quarter_is_told_beside_what_it_stood_on(store: Any) -> None:
    writer = ready(store)
    drafted(writer, "2020Q2")
    number = claimed(writer, "A-2", "2020-09-10T00:00:00", "2020-09-12T00:00:00")
    (found,) = worth(store.url, [(CONTRACT, "2020Q3")], [number], LATER)
    assert not found.findings and found.difference >= 0


def test_a_quarter_without_a_contract_says_why(store: Any) -> None:
    writer = ready(store)
    number = claimed(writer, "A-1", "2019-08-01T00:00:00", "2019-08-02T00:00:00")
    (found,) = worth(store.url, [(CONTRACT, "2019Q3")], [number], LATER)
    assert "no version" in found.findings[0].message and found.phases == ()


def test_what_is_supposed_is_seen_by_one_connection_and_leaves_nothing(store: Any) -> None:
    writer = ready(store)
    number = claimed(writer, "A-1", *SPAN)
    window = (instant("2020-07-01T00:00:00"), instant("2020-10-01T00:00:00"))
    with scratch(store.url) as connection:
        assert exclusions.exclusions_for(connection, EVERYTHING, window) == []
        suppose(connection, [number], LATER)
        assert [row.point for row in exclusions.exclusions_for(connection, EVERYTHING, window)] == ["A-1"]
        second = claimed(writer, "A-2", *SPAN)  # the store's writer is not held up
    with reading(store.engine) as connection:
        assert exclusions.exclusions_for(connection, EVERYTHING, window) == []
        assert [row.status for row in claims.listed(connection, EVERYTHING)] == ["pending", "pending"]
        assert connection.scalar(select(func.count()).select_from(outbox).where(outbox.c.kind == "adj")) == 0
    assert second != number


@pytest.mark.parametrize(
    ("start", "end", "quarters"),
    [
        ("2020-07-01T00:00:00", "2020-10-01T00:00:00", ["2020Q3"]),
        ("2020-09-30T23:59:59", "2021-04-01T00:00:01", ["2020Q3", "2020Q4", "2021Q1", "2021Q2"]),
    ],
)
def test_every_quarter_that_a_span_meets_is_touched(store: Any, start: str, end: str, quarters: list[str]) -> None:
    writer = ready(store)
    claimed(writer, "A-1", start, end)
    with reading(store.engine) as connection:
        rows = claims.listed(connection, EVERYTHING)
        assert touched(connection, EVERYTHING, rows, POLICY) == [(CONTRACT, label) for label in quarters]
        assert touched(connection, Scope(supplier="别家"), rows, POLICY) == []
