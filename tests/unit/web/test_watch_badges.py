"""Badges of a phase's rate: running and past periods, verdict in the colour, whose contracts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.charts.badge import badge_svg
from tests.site_app import WHO, get
from tests.watched_city import watched_site

BADGE = "/api/v1/badges/phase-rate.svg?contract=lease&phase="


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Any]:
    async with watched_site(tmp_path) as found:
        yield found


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


async def test_the_running_quarter_and_month_are_the_boards(site: Any) -> None:
    async with site[2].get(BADGE + "p1", headers={WHO: "值班"}) as response:
        assert response.headers["Content-Type"].startswith("image/svg+xml")
        body, tag = await response.text(), response.headers["ETag"]
    assert texts(body) == ["一期 2020Q3", "91.64%"] and "达标" in body
    assert texts((await get(site[2], BADGE + "p1&period=month", "值班"))[1]) == ["一期 2020-07", "91.64%"]
    async with site[2].get(BADGE + "p1", headers={WHO: "值班", "If-None-Match": tag}) as again:
        assert again.status == 304


async def test_a_past_period_is_measured(site: Any) -> None:
    status, body = await get(site[2], BADGE + "p1&period=2020-06", "值班")
    assert status == 200 and texts(body) == ["一期 2020-06", "—"]  # nobody watched then
    status, body = await get(site[2], BADGE + "p1&period=2020-05-01..2020-05-03", "值班")
    assert texts(body)[0] == "一期 2020-05-01..2020-05-03"


async def test_what_does_not_exist_or_is_anothers_is_not_found(site: Any) -> None:
    assert (await get(site[2], BADGE + "p9", "值班"))[0] == 404
    assert (await get(site[2], BADGE + "p1", "外地"))[0] == 404
    assert (await get(site[2], BADGE + "p2", "甲方合同"))[0] == 404
    assert (await get(site[2], BADGE + "p1&period=2020Q4", "值班"))[0] == 422
    assert (await get(site[2], BADGE + "p1&period=soon", "值班"))[0] == 422
    assert (await get(site[2], BADGE + "p1", ""))[0] == 401


def test_a_badge_is_as_wide_as_its_words_and_runs_nothing() -> None:
    short, long = badge_svg("a", "1%", "good", "t"), badge_svg("一期二期三期", "100.00%", "bad", "<script>")
    width = [float(ET.fromstring(body).attrib["width"]) for body in (short, long)]
    assert width[0] < width[1] and b"<script>" not in long


async def test_a_badge_of_some_points_says_whose(site: Any) -> None:
    status, body = await get(site[2], BADGE + "p1", "甲方合同")
    assert status == 200, body
    assert texts(body)[0] == "一期 甲 2020Q3" and "一期 甲 2020Q3 在线率" in body
