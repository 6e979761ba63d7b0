"""The map: its data once for all who see the same, filters in the address, the card beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.site_app import WHO, get
from tests.watched_city import NOON, samples, watched_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Any]:
    async with watched_site(tmp_path) as found:
        yield found


async def test_the_data_are_all_visible_points_and_nothing_else(site: Any) -> None:
    found = json.loads((await get(site[2], "/map/points.json", "值班"))[1])
    assert [row[0] for row in found["points"]] == ["A-1", "A-2", "B-1", "B-2", "C-1", "D-1"]
    assert found["states"] == "nfeuou" and found["points"][0][2:4] == [118.0, 31.0]
    assert found["areas"][found["points"][2][5]] == "西"
    down = {row[0]: found["reasons"][row[2]] for row in found["down"]}
    assert down[1] == "refused" and down[3] == "auth-rejected"
    mine = json.loads((await get(site[2], "/map/points.json", "甲方"))[1])
    assert [row[0] for row in mine["points"]] == ["A-1", "A-2"] and "乙" not in mine["suppliers"]
    assert json.loads((await get(site[2], "/map/points.json", "外地"))[1])["points"] == []


async def test_what_a_browser_has_is_not_sent_again(site: Any) -> None:
    city, board, client = site
    async with client.get("/map/points.json", headers={WHO: "值班", "Accept-Encoding": "gzip"}) as first:
        tag = first.headers["ETag"]
        assert first.headers["Content-Encoding"] == "gzip" and "Cookie" in first.headers["Vary"]
    headers = {WHO: "值班", "If-None-Match": tag}
    async with client.get("/map/points.json", headers=headers) as second:
        assert second.status == 304
    async with client.get("/map/points.json", headers={**headers, WHO: "甲方"}) as other:
        assert other.status == 200  # somebody else's points are another document
    city.watch(samples("A-1", NOON + 60, NOON + 60, "timeout"))
    city.clock = NOON + 65
    await board.refresh()
    async with client.get("/map/points.json", headers=headers) as third:
        assert third.status == 200 and (await third.json())["states"] == "ffeuou"
    states = json.loads((await get(client, "/map/states.json", "值班"))[1])
    assert states["states"] == "ffeuou" and "points" not in states


async def test_filters_stand_in_the_address_and_hold_for_the_list(site: Any) -> None:
    _, page = await get(site[2], "/map?state=unknown&area=西", "值班")
    assert 'data-point="B-2"' in page and 'data-point="D-1"' in page and 'data-point="A-1"' not in page
    assert '<option value="unknown" selected>' in page
    _, page = await get(site[2], "/map?down_h=1", "值班")
    assert 'data-point="A-2"' in page and page.count("data-point=") == 1
    _, page = await get(site[2], "/map?q=nothing-like-it", "值班")
    assert "没有符合条件的点位" in page
    assert json.loads((await get(site[2], "/map/found.json?q=10.0.0.2", "值班"))[1]) == [1]
    _, page = await get(site[2], "/map?down_h=x", "值班")
    assert page.count("data-point=") == 6  # an address is no form


async def test_the_card_is_of_a_point_that_one_may_see(site: Any) -> None:
    status, card = await get(site[2], "/map/card/A-2", "值班")
    assert status == 200 and "拒绝连接" in card and "&lt;b&gt;" in card and 'href="/points/A-2"' in card
    assert (await get(site[2], "/map/card/B-1", "甲方"))[0] == 404
    assert (await get(site[2], "/map/card/none", "值班"))[0] == 404
    assert (await get(site[2], "/map", "数据员"))[0] == 403


async def test_the_api_pages_through_a_filter(site: Any) -> None:
    codes, after = [], ""
    while True:
        body = json.loads((await get(site[2], f"/api/v1/map/points?area=西&limit=2&after={after}", "值班"))[1])
        codes += [point["code"] for point in body["points"]]
        assert body["total"] == 4
        after = body["next"]
        if after is None:
            break
    assert codes == ["B-1", "B-2", "C-1", "D-1"]
    assert (await get(site[2], "/api/v1/map/points?colour=red", "值班"))[0] == 422
    assert (await get(site[2], "/api/v1/map/points?limit=0", "值班"))[0] == 422
