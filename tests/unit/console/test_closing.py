from __future__ import annotations

from datetime import date
from pathlib import Path

from config.contracts import load_contract
from console.quarters.closing import ended_months
from console.schedule import monthly

XINJIAN = load_contract(Path("xinjian"))  # 2019-07-01 until 2024-07-01


def labels(today: date) -> list[str]:
    return [month.label for month in ended_months(XINJIAN, today)]


def test_only_whole_months_that_are_over_are_closed() -> None:
    assert labels(date(2019, 7, 1)) == []
    assert labels(date(2019, 7, 31)) == []
    assert labels(date(2019, 8, 1)) == ["2019-07"]
    assert labels(date(2019, 9, 30)) == ["2019-07", "2019-08"]


def test_no_month_after_the_contracts_term_is_closed() -> None:
    months = labels(date(2026, 3, 5))
    assert (months[0], months[-1], len(months)) == ("2019-07", "2024-06", 60)
    assert all(len(label) == 7 for label in months)


def test_the_trigger_fires_in_the_contracts_zone() -> None:
    from datetime import UTC, datetime

    trigger = monthly("Asia/Shanghai", day=1, hour=0, minute=20)
    fires = trigger.get_next_fire_time(None, datetime(2020, 7, 15, tzinfo=UTC))
    assert fires.astimezone(UTC) == datetime(2020, 7, 31, 16, 20, tzinfo=UTC)
