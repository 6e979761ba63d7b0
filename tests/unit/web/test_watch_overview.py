"""The overview: counts that lead to their points, rates with bounds against thresholds, what is wrong with the numbers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.board.board import Board
from tests.site_app import get, settings_at, site_client
from tests.watched_city import NOON, PERSONS, at, watched_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Any]:
    async with watched_site(tmp_path) as found:
        yield found


async def test_counts_and_rates_lead_to_what_is_under_them(site: Any) -> None:
    status, page = await get(site[2], "/", "值班")
    assert status == 200
    for state, n in (("online", 1), ("offline", 1), ("excluded", 1), ("unknown", 2)):
        assert f'href="/points?state={state}"' in page and f'data-live="{state}">{n}</span>' in page
    assert 'data-live="expected">5</span>' in page and "另有未在役 1 个，不计。" in page
    assert "本季在线率 91.64%（下限 91.64%，上限 91.64%），考核线 90%" in page and "达标" in page
    assert 'href="/points?contract=lease&amp;phase=p1"' in page
    assert "&lt;b&gt;桥头&lt;/b&gt;" in page and "<b>桥头</b>" not in page
    assert "style=" not in page and "onclick" not in page


async def test_the_wall_has_large_numbers_and_no_lists(site: Any) -> None:
    _, page = await get(site[2], "/?wall=1", "值班")
    assert 'data-wall="yes"' in page and 'data-live="offline"' in page and "离线最久" not in page


async def test_everybody_sees_their_own(site: Any) -> None:
    _, page = await get(site[2], "/", "甲方")
    assert 'data-live="expected">2</span>' in page and "二期" not in page
    _, page = await get(site[2], "/", "外地")
    assert "台账里还没有您可见的点位" in page
    status, _ = await get(site[2], "/", "数据员")
    assert status == 303  # to the first page of their own
    assert (await get(site[2], "/", ""))[0] == 303


async def test_gaps_and_blindness_are_said_on_the_page(site: Any) -> None:
    city, board, client = site
    city.watch([], blind=True, settings_at_s=NOON + 20)
    await board.refresh()
    _, page = await get(client, "/", "值班")
    assert "12:00– 本系统监测中断，不计入" in page and "本系统监测中断，自 12:00:00 起" in page


async def test_the_api_says_the_same(site: Any) -> None:
    status, body = await get(site[2], "/api/v1/overview", "值班")
    found = json.loads(body)
    assert status == 200 and found["states_at"] == "2020-07-01T04:00:30Z" and found["alarms"] == []
    assert found["counts"] == {
        "expected": 5,
        "online": 1,
        "offline": 1,
        "excluded": 1,
        "unknown": 2,
        "not_in_service": 1,
        "unconfirmed": 0,
    }
    p1 = found["phases"][0]
    assert (p1["phase"], p1["threshold"], p1["verdict"], p1["quarter"]["rate"]) == ("p1", "0.900000", "met", "0.916378")
    assert p1["quarter"]["good"] == 2 * NOON + 30 - 7_200 and p1["quarter"]["counted"] == 2 * (NOON + 30)
    assert [row["code"] for row in found["longest"]] == ["A-2"]
    assert json.loads((await get(site[2], "/api/v1/overview", "甲方"))[1])["counts"]["expected"] == 2
    assert (await get(site[2], "/api/v1/overview", "数据员"))[0] == 403
    assert (await get(site[2], "/api/v1/overview", ""))[0] == 401


async def test_an_empty_installation_says_what_to_do(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    board = Board(settings, lambda: at(0))
    async with site_client(settings, PERSONS, at=at(0), more={Board: board}) as client:
        _, page = await get(client, "/", "值班")
        assert "尚未读到数据" in page
        await board.refresh()
        _, page = await get(client, "/", "值班")
        assert "导入点位台账后" in page and "尚未读到数据" not in page
    await board.stop()


async def test_every_heading_with_a_number_leads_to_its_points(site: Any) -> None:
    _, page = await get(site[2], "/", "值班")
    assert "近 4 小时新离线（1）" in page
    for link in ("/points?state=offline&amp;changed_h=4&amp;sort=-since", "/points?state=online&amp;changed_h=4"):
        assert f'href="{link}' in page
    _, fell = await get(site[2], "/points?state=offline&changed_h=4&sort=-since", "值班")
    assert "共 1 条" in fell and "A-2" in fell and "近 4 小时离线或恢复" in fell
    _, none = await get(site[2], "/points?state=offline&changed_h=0.5", "值班")
    assert "没有符合条件的点位" in none  # it fell an hour ago
    _, rose = await get(site[2], "/points?state=online&changed_h=4", "值班")
    assert "没有符合条件的点位" in rose  # A-1 never fell
    assert "sort=quarter&amp;columns=code%2Cname%2Cstate%2Cquarter" in page
    _, lowest = await get(site[2], "/points?sort=quarter&columns=code,quarter", "值班")
    assert lowest.index("A-2") < lowest.index("A-1")


async def test_who_is_responsible_stands_beside_an_outage(site: Any) -> None:
    _, page = await get(site[2], "/", "值班")
    row = page.split("/points/A-2")[1].split("</tr>")[0]
    assert "· 甲</small>" in row and "拒绝连接" in row
    assert "本系统 <code>local</code>" in page and "data-print" in page


async def test_phases_go_by_their_titles_wherever_people_read(site: Any) -> None:
    _, board, client = site
    for path in ("/", "/points", "/map", "/map/card/A-1", "/points/A-1", "/points?phase=p1", "/changes?period=1970"):
        status, page = await get(client, path, "值班")
        assert status == 200 and "一期" in page, path
        assert ">p1<" not in page and "（p1）" not in page, path
    _, text = await get(client, "/points?format=csv&columns=code,phase", "值班")
    assert "A-1,一期" in text
    city = board.city()
    assert city.phase_word("p1", "lease") == "一期" and city.phase_word("p9") == "p9" and city.phase_word("") == ""
    twice = replace(city, phases=(*city.phases, city.phases[0]._replace(phase="p3")))
    assert twice.phase_word("p1") == "一期（p1）" and twice.phase_word("p2") == "二期"
