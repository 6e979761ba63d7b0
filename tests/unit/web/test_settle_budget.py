"""Budget projects in the console: set and adjusted, executed by payments, breaches, advice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.clock import wall_now
from console.web.access import Role
from monitor.scope import Scope
from tests.money_site import issued
from tests.site_app import get, person, post, settings_at, site_client
from tests.unit.web.test_settle_authority import api

PERSONS = {
    "经办": person("经办", Role.HANDLER),
    "领导": person("领导", Role.LEADER),
    "供应商": person("供应商", Role.SUPPLIER, scope=Scope(frozenset({"lease"}), None, "乙方")),
    "外地": person("外地", Role.HANDLER, scope=Scope(contracts=frozenset({"other"}))),
}
YEAR = {
    "project": "XM-1",
    "year": "2020",
    "initial": "5,000",
    "in_place": "5,000.00",
    "name": "视频租赁",
    "contracts": "lease",
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with site_client(settings_at(issued(tmp_path)), PERSONS, at=wall_now()) as found:
        yield found


async def test_a_year_is_set_executed_and_adjusted(client: Any) -> None:
    _, page = await get(client, "/budget", "领导")
    assert "还没有预算项目" in page and "登记年度预算" not in page
    status, page, _ = await post(client, "/budget/new", "经办", {**YEAR, "initial": "-1"})
    assert status == 422 and "金额为负" in page and 'value="视频租赁"' in page
    assert 'value="lease" checked' in page  # what was ticked stays ticked
    assert (await post(client, "/budget/new", "经办", YEAR))[2] == "/budget/2020/XM-1"
    await post(client, "/payments/requests", "经办", {"contract": "lease", "quarter": "2020Q3"})
    pay = {"contract": "lease", "due": "2020Q3/0/5", "amount": "6782.40", "paid_first": "2021-01-05", "voucher": "V-1",
           "project": "XM-1", "budget_year": "2020"}  # fmt: skip
    status, _, _ = await post(client, "/payments/new", "经办", pay)
    assert status == 303
    _, found = await api(client, "GET", "/budget?year=2020", "领导")
    row = found["items"][0]
    assert (row["adjusted"], row["executed"], row["left"]) == ("5000.00", "6782.40", "-1782.40")
    assert (row["in_place_rate"], row["execution_rate"]) == ("1.000000", "1.356480")
    assert "超过到位数" in row["warnings"][0]["message"] and row["held"][0]["total"] == "120576.00"
    _, page = await get(client, "/budget/2020/XM-1", "领导")
    assert "135.65%" in page and "超过到位数" in page and "保存为新的一版" not in page
    form = {**YEAR, "adjusted": "8,000", "in_place": "7,000"}
    assert (await post(client, "/budget/2020/XM-1", "经办", form))[0] == 303
    _, found = await api(client, "GET", "/budget", "领导")
    assert (found["items"][0]["revision"], found["items"][0]["execution_rate"], found["items"][0]["warnings"]) == (
        1, "0.968914", [])  # fmt: skip
    _, csv = await get(client, "/budget?format=csv", "领导")
    assert "XM-1" in csv and "96.891429" in csv


async def test_next_years_advice_shows_its_arithmetic(client: Any) -> None:
    status, page = await get(client, "/budget/advice/lease/2020", "领导")
    assert status == 200 and "91.847826 %" in page and "2020Q3" in page
    _, found = await api(client, "GET", "/budget/advice/lease/2020", "领导")
    # 8.15 % of faults lie within the allowed 10 %: the year earned its online rate, and next year's full fee shrinks by it.
    assert found["advice"]["totals"]["next_full_fee"] == "30144.00" and found["advice"]["totals"]["excess"] == "0.00"
    assert found["advice"]["totals"]["proposed"] == "27686.61"
    status, _ = await api(client, "GET", "/budget/advice/lease/2018", "领导")
    assert status in {404, 422}
    assert (await api(client, "GET", "/budget/advice/lease/2020?k=-1", "领导"))[0] == 422


async def test_whose_budget_it_is(client: Any) -> None:
    await post(client, "/budget/new", "经办", YEAR)
    assert (await get(client, "/budget", "供应商"))[0] == 403
    assert (await get(client, "/budget/2020/XM-1", "外地"))[0] == 404
    assert (await api(client, "GET", "/budget", "外地"))[1]["items"] == []
    assert (await post(client, "/budget/new", "外地", {**YEAR, "contracts": ""}))[0] == 404
    assert (await post(client, "/budget/new", "领导", YEAR))[0] == 403
    assert (await get(client, "/budget/advice/lease/2020", "外地"))[0] == 404
    status, _ = await api(client, "PUT", "/budget/2020/XM-1", "外地", json={"initial": "1.00"})
    assert status == 404
    status, done = await api(
        client, "PUT", "/budget/2021/XM-1", "经办", json={"initial": "1.00", "contracts": ["lease"]}
    )
    assert (status, done["adjusted"], done["execution_rate"]) == (200, "1.00", None)
