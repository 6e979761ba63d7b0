"""A measured rate leads to its points, a point to its outages in the quarter; all as known when the statement was made."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.settle_site import PERSONS, Q, call, drafted, made
from tests.site_app import get, site_client
from tests.stores.quarters import NOW


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path), PERSONS, at=NOW) as found:  # no rule looks at points: the rate alone pays
        yield found


async def test_the_points_add_up_to_the_rate_that_the_statement_froze(client: Any) -> None:
    await drafted(client)
    _, rows = await call(client, "GET", "/statements/small/2020Q3/measured", "h")
    sums = [sum(row["rate"][key] for row in rows["items"]) for key in ("good", "counted")]
    _, page = await get(client, Q, "h")
    assert f"{sums[0]:,} ÷ {sums[1]:,}" in page
    assert f'href="{Q}/measured?phase=p"' in page
    _, table = await get(client, f"{Q}/measured?phase=p", "h")
    worst = min(rows["items"], key=lambda row: float(row["rate"]["rate"]))
    assert table.index(worst["code"]) == min(table.index(row["code"]) for row in rows["items"])  # who lost most, first
    assert "与结算单冻结的秒数不同" not in table
    _, exported = await get(client, f"{Q}/measured?format=json", "h")
    assert len(json.loads(exported)) == len(rows["items"]) == 4


async def test_a_point_shows_its_quarter_and_leads_to_each_outage(client: Any) -> None:
    await drafted(client)
    _, rows = await call(client, "GET", "/statements/small/2020Q3/measured", "h")
    worst = min(rows["items"], key=lambda row: float(row["rate"]["rate"]))
    _, one = await call(client, "GET", f"/statements/small/2020Q3/measured/{worst['code']}", "h")
    assert one["measured"] == [worst]
    assert sum(row["offline_s"] for row in one["outages"]) >= worst["offline_s"] > 0
    _, page = await get(client, f"{Q}/points/{worst['code']}", "h")
    assert page.count(f'href="/points/{worst["code"]}/outages/') == len(one["outages"])
    assert f"{worst['rate']['good']:,} ÷ {worst['rate']['counted']:,}" in page


async def test_a_supplier_sees_its_own_points_alone(client: Any) -> None:
    await drafted(client)
    _, text = await get(client, f"{Q}/measured", "s")
    assert "A-1" in text
    assert "A-4" not in text
    assert (await call(client, "GET", "/statements/small/2020Q3/measured/A-4", "s"))[0] == 404
    assert (await call(client, "GET", "/statements/small/2020Q3/measured/A-1", "t"))[0] == 404
    _, rows = await call(client, "GET", "/statements/small/2020Q3/measured", "s")
    assert [row["code"] for row in rows["items"]] == ["A-1", "A-2", "A-3"]
