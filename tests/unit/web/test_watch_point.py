"""One point: its outage of August, by the month and by the day, what it cost, its outage's page, the same over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests import two_suppliers as city
from tests.site_app import WHO, get, settings_at
from tests.stores.quarters import instant

pytestmark = pytest.mark.asyncio(loop_scope="module")
DOWN = instant("2020-08-03T00:00:00") // 1_000_000
UP = instant("2020-08-09T00:00:00") // 1_000_000
SIX_DAYS = 6 * 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    settings = settings_at(tmp_path_factory.mktemp("point"))
    city.seed(settings)
    async with city.serving(settings) as found:
        yield found


async def api(client: Any, path: str, who: str = "operations") -> tuple[int, Any]:
    async with client.get(f"/api/v1{path}", headers={WHO: who}) as response:
        return response.status, await response.json(content_type=None)


async def test_the_page_says_what_was_when_and_why(client: Any) -> None:
    status, text = await get(client, "/points/N-1?period=2020-08-02..2020-08-03", "handler")
    assert status == 200
    assert "80.6452%" in text  # 25 of August's 31 days
    assert "00:00–00:00 离线 1 天" in text
    assert f"/points/N-1/outages/{DOWN}" in text
    assert "超时无响应" in text
    assert 'href="/points/N-1?day=2020-08-05#timeline"' in text
    assert "城北街道1号" in text


async def test_money_is_shown_to_those_who_read_money(client: Any) -> None:
    _, text = await get(client, "/points/N-1", "handler")
    assert "结算单" in text and "未出账 estimate" in text  # the quarter by its statement, October by an estimate
    _, text = await get(client, "/points/N-1", "operations")
    assert "损失金额" not in text


async def test_the_statements_own_line_is_what_a_quarter_lost(client: Any) -> None:
    _, body = await api(client, "/points/N-1", "handler")
    stated = [loss for loss in body["losses"] if not loss["estimate"]]
    # One of three points was down for 6 of 92 days: 2.1739 % of the phase's 900.00 is deducted, and spread over its points.
    assert [(loss["period"], loss["full"], loss["deduction"]) for loss in stated] == [("2020Q3", "300.00", "6.52")]
    assert [loss["period"] for loss in body["losses"] if loss["estimate"]] == ["2020-10"]
    assert (await api(client, "/points/N-1"))[1]["losses"] == []


async def test_the_seconds_of_months_are_those_of_the_days(client: Any) -> None:
    _, body = await api(client, "/points/N-1")
    august = next(month for month in body["months"] if month["month"] == "2020-08")
    assert august["seconds"] == {"online": 25 * 86_400, "offline": SIX_DAYS, "unknown": 0, "excluded": 0}
    assert august["rate"]["rate"] == "0.806452"
    assert august["outages"] == 1
    _, body = await api(client, "/points/N-1/timeline?period=2020-08")
    assert len(body["days"]) == 31
    assert sum(day["seconds"]["offline"] for day in body["days"]) == SIX_DAYS
    assert (await api(client, "/points/N-1/timeline?period=2020Q3"))[0] == 200
    assert (await api(client, "/points/N-1/timeline?period=2020-01-01..2020-12-31"))[0] == 422


async def test_an_outage_has_its_page_with_cause_cost_and_runs(client: Any) -> None:
    status, text = await get(client, f"/points/N-1/outages/{DOWN}", "handler")
    assert status == 200
    assert "518,400 秒" in text and "超时无响应" in text
    assert "19.35" in text  # 6 of 31 days of 100.00
    status, text = await get(client, f"/points/N-1/outages/{DOWN}/probes", "handler")
    assert status == 200
    assert "导入的文件" in text and "8,640" in text  # a minute each
    # any of its seconds leads to it, a second after it to nothing
    assert (await get(client, f"/points/N-1/outages/{UP - 1}", "handler"))[0] == 200
    for second in (UP, 1, 99_999_999_999):
        assert (await get(client, f"/points/N-1/outages/{second}", "handler"))[0] == 404


async def test_outages_come_in_pages_and_as_a_file(client: Any) -> None:
    _, body = await api(client, "/points/N-1/outages?period=2020-08")
    (row,) = body["outages"]
    assert (row["since"], row["offline_s"], row["open"]) == ("2020-08-02T16:00:00Z", SIX_DAYS, False)
    assert row["causes"] == [{"reason": "timeout", "rung": "describe", "samples": 8_640}]
    assert (await api(client, "/points/N-1/outages?period=2020-09"))[1]["outages"] == []
    assert (await api(client, "/points/N-1/outages?after=1"))[0] == 422
    _, text = await get(client, "/points/N-1?format=csv", "operations")
    assert text.splitlines()[1].startswith("2020-08-02T16:00:00Z,")


async def test_probes_are_asked_for_a_short_span(client: Any) -> None:
    status, body = await api(client, "/points/N-1/probes?from=2020-08-03T00:00:00Z&to=2020-08-03T01:00:00Z")
    assert (status, body["probes"], body["next"]) == (200, [], None)  # imported runs have no results of ours
    assert (await api(client, "/points/N-1/probes?from=2020-08-01T00:00:00Z&to=2020-08-09T00:00:00Z"))[0] == 422
    assert (await api(client, "/points/N-1/probes?from=2020-08-01&to=2020-08-02"))[0] == 422


@pytest.mark.parametrize("more", ["", f"/outages/{DOWN}", f"/outages/{DOWN}/probes"])
async def test_a_foreign_point_does_not_exist(client: Any, more: str) -> None:
    for who in ("supplier-north", "duty-north", "evaluator-north"):
        assert (await get(client, f"/points/S-1{more}", who))[0] == 404
    assert (await get(client, f"/points/nobody{more}", "operations"))[0] == 404


async def test_a_period_that_cannot_be_is_said_and_the_last_days_shown(client: Any) -> None:
    status, text = await get(client, "/points/N-1?period=2020-13", "operations")
    assert status == 200
    assert "no such month" in text and "2020-10-09" in text
