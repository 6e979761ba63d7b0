"""What fills a scorecard from the store: budgets, payments and seconds of two databases, against sums by hand."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest

from console.evaluator.scoring import measure
from monitor.model import Instant
from monitor.period import parse_period
from monitor.store.database import reading
from monitor.store.imports import Origin, import_runs
from settlement.contract import Terms
from settlement.scorecard.card import fill
from settlement.scorecard.inputs import ScoreInputs
from settlement.scorecard.printed import exact_text
from settlement.scorecard.rubric import Rubric
from tests.stores.made import at, run
from tests.stores.two_years import CONTRACT, QUARTERS, Run, instant, terms, two_years

LEDGER = ("budget-execution", "funds-in-place", "saving-rate", "payment-timeliness", "payment-late-days")
SEEN = ("online-rate", "integrity", "access-rate")
LATER = instant(date(2022, 6, 1))
DAY = "2020-07-01..2020-07-01"


def measured(store, wanted, period: str, contract: Terms | None = None, known: Instant = LATER):
    with reading(store.engine) as connection:
        return measure(connection, contract or terms(), parse_period(period), wanted, known)


@pytest.fixture
def paid(store):
    return two_years(store.writer())


def workday_after(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= chinese_calendar.is_workday(day)
    return day


def fallen_due(store, year: int) -> list[tuple[str, int]]:
    """Return what the purchaser owed with a due day in a year, and how many days late it was paid."""
    moved = store.rows("SELECT due, fen, paid_last, id, reverses FROM payments ORDER BY id")
    back = {row[4] for row in moved if row[4] is not None}
    found = []
    for name, amount, base in store.rows("SELECT due, fen, base FROM dues ORDER BY due"):
        day = workday_after(date.fromisoformat(base), 10)
        if amount > 0 and day.year == year:
            its = [row for row in moved if row[0] == name and row[3] not in back and row[4] is None]
            assert sum(row[1] for row in its) == amount
            last = max(date.fromisoformat(row[2]) for row in its)
            found.append((name, max(0, (last - day).days)))
    return found


@pytest.mark.usefixtures("paid")
def test_the_ledgers_measures_are_those_of_the_tables(store):
    found, findings = measured(store, LEDGER, "2020-01-01..2020-12-31")
    assert findings == []
    spent = store.rows(
        "SELECT sum(fen) FROM payments WHERE kind <> 'set-off' AND project = 'P-01' AND budget_year = 2020"
        " AND reverses IS NULL AND id NOT IN (SELECT reverses FROM payments WHERE reverses IS NOT NULL)"
    )[0][0]
    assert (found["budget-execution"].num, found["budget-execution"].den) == (spent, 2_500_000_000)
    assert (found["saving-rate"].num, found["saving-rate"].den) == (2_500_000_000 - spent, 2_500_000_000)
    assert (found["funds-in-place"].num, found["funds-in-place"].den) == (2_500_000_000, 2_500_000_000)
    assert found["budget-execution"].evidence == ("P-01",)
    check_payments(store, found)


def check_payments(store, found) -> None:
    due = fallen_due(store, 2020)
    late = {name for name, days in due if days}
    timely, worst = found["payment-timeliness"], found["payment-late-days"]
    assert (timely.num, timely.den, set(timely.evidence)) == (len(due) - len(late), len(due), late)
    assert (worst.num, worst.den) == (max(days for _, days in due), None)


def test_a_payment_on_the_due_day_itself_is_on_time(store):
    """The first quarter's true-up and next prepayment are due on 16 April; the opening prepayment was paid before."""
    run = Run(store.writer())
    run.begin()
    run.issue(QUARTERS[0])
    run.pay_all(date(2020, 4, 16))
    found, _ = measured(store, LEDGER, "2020-01-01..2020-12-31")
    check_payments(store, found)
    assert 0 < found["payment-timeliness"].num == found["payment-timeliness"].den
    assert all(name.startswith("2020Q1/0/") for name in found["payment-timeliness"].evidence)


@pytest.mark.usefixtures("paid")
def test_what_has_not_fallen_due_is_not_judged(store):
    period = "2020-07-01..2020-07-31"
    before, _ = measured(store, LEDGER, period, known=instant(date(2020, 7, 15)))
    assert "payment-timeliness" not in before  # due on 15 July itself: late from the next day on
    after, _ = measured(store, LEDGER, period, known=instant(date(2020, 7, 16)))
    assert after["payment-timeliness"].num == 0
    assert after["payment-late-days"].num == 1


@pytest.mark.usefixtures("paid")
def test_what_the_ledger_does_not_know_is_told_and_never_zero(store):
    other = Terms.model_validate({**terms().document(), "contract": "somebody-elses"})
    for period, contract in (("2019-01-01..2019-12-31", terms()), ("2020-01-01..2020-12-31", other)):
        found, findings = measured(store, LEDGER, period, contract)
        assert found == {}
        assert sorted(finding.column for finding in findings) == sorted(LEDGER)
        assert all(finding.level == "warning" for finding in findings)
    found, findings = measured(store, LEDGER[:1], "2020-07-01..2021-06-30")
    assert found == {}
    assert "跨预算年度" in findings[0].message


@pytest.fixture
def watched(store):
    """Four points on 1 July: one online all day, one down from noon, one never seen, one seen on the next day only."""
    store.add_points("a", "b", "c", "d", contract=CONTRACT, phase="phase-1", accepted_on="2020-01-01")
    store.add_points("x", contract="another", phase="phase-1", accepted_on="2020-01-01")
    rows = [
        run("a", 0, 86_390),
        run("b", 0, 43_140),
        run("b", 43_200, 86_390, "timeout"),
        run("d", 90_000, 93_000),
        run("x", 0, 86_390, "timeout"),
    ]
    writer = store.writer()
    with writer.transaction() as connection:
        origin = Origin("runs.csv", "0" * 64, tuple(range(2, 2 + len(rows))))
        import_runs(connection, writer.audit, rows, (), actor="ann", at=at(0), origin=origin, gap_origin=origin)
    return store


def test_the_seconds_and_devices_behind_the_measures(watched):
    found, findings = measured(watched, SEEN, DAY)
    assert findings == []
    assert (found["online-rate"].num, found["online-rate"].den) == (86_400 + 43_200, 2 * 86_400)
    assert (found["integrity"].num, found["integrity"].den) == (1, 2)
    assert "缺失 unknown 2" in found["integrity"].source
    assert (found["access-rate"].num, found["access-rate"].den) == (2, 4)
    assert measured(watched, SEEN, "2020-07-01..2020-07-02")[0]["access-rate"].num == 3


def test_a_running_periods_integrity_is_that_of_now(watched):
    found, _ = measured(watched, SEEN, DAY, known=at(40_000))
    assert (found["integrity"].num, found["integrity"].den) == (2, 2)
    found, findings = measured(watched, ("integrity",), DAY, known=at(-1))
    assert found == {}
    assert "尚未开始" in findings[0].message


def test_the_contracts_own_number_of_points_is_what_was_planned(watched):
    body = terms().document()
    body["phases"][0]["contracted"] = {"points": 5, "total": "102000.00"}
    found, _ = measured(watched, SEEN, DAY, Terms.model_validate(body))
    assert (found["access-rate"].num, found["access-rate"].den) == (2, 5)


def test_nothing_watched_is_not_zero_percent(watched):
    found, findings = measured(watched, SEEN, "2020-05-01..2020-05-31")
    assert set(found) == {"access-rate"}
    assert found["access-rate"].num == 0
    assert [finding.column for finding in findings] == ["integrity", "online-rate"]


def test_a_rubric_fills_itself(watched):
    rows = [
        {"id": "o", "title": "o", "weight": 60, "auto": "online-rate", "formula": {"kind": "proportional"}},
        {"id": "i", "title": "i", "weight": 40, "auto": "integrity", "formula": {"kind": "proportional"}},
    ]
    rubric = Rubric.model_validate(
        {"rubric": "r", "title": "r", "groups": [{"id": "g", "title": "g", "indicators": rows}]}
    )
    found, _ = measured(watched, SEEN, DAY)
    card = fill(rubric, ScoreInputs(rubric="r"), found)
    assert (exact_text(card.total), card.grade) == ("65", "中")  # 60 × 3/4 + 40 × 1/2
    assert all(row.source.startswith("本系统监测") for row in card.groups[0].rows)
