"""The running quarter's deduction to date on the budget's pages: as the command says it, and of one's own contracts alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from console.web.access import Role
from monitor.model import Instant
from monitor.scope import Scope
from tests.settle_site import PERSONS, call, made
from tests.site_app import get, person, post, site_client

WITHIN = Instant(int(datetime(2020, 8, 15, 4, tzinfo=UTC).timestamp()) * 1_000_000)
ALL = {**PERSONS, "f": person("外地", Role.HANDLER, scope=Scope(contracts=frozenset({"other"})))}


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path), ALL, at=WITHIN) as found:
        yield found


async def test_the_quarter_to_date_is_told_on_the_budgets_pages(client: Any) -> None:
    _, found = await call(client, "GET", "/budget/running", "l")
    (row,) = found["items"]
    assert (row["contract"], row["quarter"], row["until"]) == ("small", "2020Q3", "2020-08-15")
    full, deducted, payable = (round(float(row[key]) * 100) for key in ("full_fee", "deduction", "payable"))
    assert full == deducted + payable
    assert deducted > 0
    form = {"project": "P", "year": "2020", "initial": "5000", "in_place": "5000", "contracts": "small"}
    assert (await post(client, "/budget/new", "h", form))[0] == 303
    for page in ("/budget/running", "/budget", "/budget/2020/P"):
        text = ""
        for _ in range(100):  # a part that is still being computed asks again by itself
            _, text = await get(client, page, "l")
            if "正在计算" not in text:
                break
            await asyncio.sleep(0.05)
        assert f"{deducted / 100:,.2f}" in text, page
        assert "2020-08-15 之前" in text


async def test_other_contracts_are_not_told(client: Any) -> None:
    _, found = await call(client, "GET", "/budget/running", "f")
    assert found == {"items": [], "findings": []}
    assert (await call(client, "GET", "/budget/running", "s"))[0] == 403  # the purchaser's own affair
