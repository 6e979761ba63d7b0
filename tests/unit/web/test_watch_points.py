"""The ledger's table: filters in the address, counts, export, saved filters; the same over the API; nobody's beyond the scope."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from console.board.board import Board
from tests import two_suppliers as city
from tests.site_app import WHO, get, post, settings_at

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    settings = settings_at(tmp_path_factory.mktemp("ledger"))
    city.seed(settings)
    async with city.serving(settings) as found:
        from console.web.visit import SITE

        board = found.app[SITE].part(Board)
        for _ in range(200):
            if board.city().at is not None:
                break
            await asyncio.sleep(0.02)
        yield found


async def api(client: Any, path: str, who: str) -> tuple[int, Any]:
    async with client.get(f"/api/v1{path}", headers={WHO: who}) as response:
        return response.status, await response.json(content_type=None)


async def test_filters_stand_in_the_address_and_say_what_each_leaves(client: Any) -> None:
    status, text = await get(client, "/points?supplier=城北承建", "operations")
    assert status == 200
    assert "N-1" in text and "S-1" not in text
    assert "共 3 条" in text
    assert "/points?supplier=%E5%9F%8E%E5%8C%97%E6%89%BF%E5%BB%BA&amp;supplier=%E5%9F%8E%E5%8D%97" in text  # one more
    assert 'href="/points"' in text  # and the way back


async def test_a_search_looks_through_codes_names_and_addresses(client: Any) -> None:
    for word, code in (("n-2", "N-2"), ("城北点位3", "N-3"), ("城北街道1号", "N-1")):
        _, text = await get(client, f"/points?q={word}", "operations")
        assert "共 1 条" in text and code in text
    _, text = await get(client, "/points?q=nowhere", "operations")
    assert "没有符合条件的点位" in text


async def test_columns_of_the_template_come_from_the_store(client: Any) -> None:
    _, text = await get(client, "/points?columns=code,accepted_on,lon&sort=-code", "operations")
    assert "2020-07-01" in text and "115.8" in text
    assert text.index("S-3") < text.index("N-1")


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_the_whole_filtered_table_is_exported(client: Any, kind: str) -> None:
    _, text = await get(
        client, f"/points?area=城北街道&size=1&columns=code,supplier,billed_from&format={kind}", "operations"
    )
    rows = (
        list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))[1:]
        if kind == "csv"
        else [list(r.values()) for r in json.loads(text)]
    )
    assert rows == [[f"N-{n}", "城北承建", "2020-07-01"] for n in (1, 2, 3)]


async def test_the_ledger_in_the_form_of_imports_is_for_whoever_may_import(client: Any) -> None:
    status, text = await get(client, "/points/ledger.csv", "operations")
    assert status == 200
    assert "点位编号" in text and "N-1" in text and "密码" not in text
    assert (await get(client, "/points/ledger.csv", "leader"))[0] == 403
    _, text = await get(client, "/points/ledger.csv", "duty-north")
    assert "N-1" in text and "S-1" not in text


async def test_a_supplier_sees_its_own(client: Any) -> None:
    _, text = await get(client, "/points", "supplier-north")
    assert "N-3" in text and "S-1" not in text and "城南" not in text


async def test_filters_are_kept_under_a_name_for_their_owner_alone(client: Any) -> None:
    query = "supplier=%E5%9F%8E%E5%8C%97%E6%89%BF%E5%BB%BA&evil=1&page=9"
    status, _, there = await post(client, "/points/views", "operations", {"name": "我管的", "query": query})
    assert (status, there) == (303, "/points?supplier=%E5%9F%8E%E5%8C%97%E6%89%BF%E5%BB%BA")
    _, text = await get(client, "/points", "operations")
    assert "我管的" in text
    number = text.split("/points/views/")[1].split("/")[0]
    assert "我管的" not in (await get(client, "/points", "leader"))[1]
    assert (await post(client, f"/points/views/{number}/delete", "leader", {}))[0] == 404
    assert (await post(client, f"/points/views/{number}/delete", "operations", {}))[0] == 303
    assert "我管的" not in (await get(client, "/points", "operations"))[1]
    status, text, _ = await post(client, "/points/views", "operations", {"name": "名" * 41})
    assert status == 422 and "太长" in text and "名" * 41 in text


async def test_the_api_gives_the_same_points_in_pages(client: Any) -> None:
    codes: list[str] = []
    after = ""
    while True:
        status, body = await api(client, f"/points?contract=north&limit=2&after={after}", "operations")
        assert status == 200 and body["total"] == 3
        codes += [point["code"] for point in body["points"]]
        if body["next"] is None:
            break
        after = body["next"]
    assert codes == ["N-1", "N-2", "N-3"]
    assert (await api(client, "/points?nope=1", "operations"))[0] == 422
    _, body = await api(client, "/points", "supplier-north")
    assert {point["supplier"] for point in body["points"]} == {"城北承建"}
