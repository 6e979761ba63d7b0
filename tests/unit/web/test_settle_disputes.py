"""Disputes on pages and by programs: points of a line, all or none; decisions by another person; the rest goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.settle_site import PERSONS, Q, call, made, step, upto
from tests.site_app import CSRF, WHO, get, post, site_client
from tests.stores.quarters import NOW


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path), PERSONS, at=NOW) as found:
        await upto(found, ("h", "reconcile"))
        yield found


def claim(**more: str) -> dict[str, str]:
    return {"line": "3", "reason": "停电", "seen_revision": "0", "seen_steps": "2", **more}


async def test_points_of_a_line_are_contested_together_or_not_at_all(client: Any) -> None:
    status, text, _ = await post(client, f"{Q}/disputes", "s", claim(points="A-1 A-9"))
    assert status == 422
    assert "A-9" in text
    assert "A-1 A-9</textarea>" in text  # what was typed is kept
    _, listed = await call(client, "GET", "/statements/small/2020Q3/disputes", "h")
    assert listed["items"] == []
    assert (await post(client, f"{Q}/disputes", "s", claim(points="A-1，A-2")))[0] == 303
    _, listed = await call(client, "GET", "/statements/small/2020Q3/disputes", "h")
    assert [(row["number"], row["point"], row["decision"]) for row in listed["items"]] == [
        (1, "A-1", None),
        (2, "A-2", None),
    ]
    _, page = await get(client, Q, "h")
    assert "无争议部分" in page


async def test_a_foreign_point_is_refused_like_one_that_is_not_there(client: Any) -> None:
    status, text, _ = await post(client, f"{Q}/disputes", "s", claim(points="A-4"))
    assert status == 422
    assert "没有点位" in text


async def test_another_person_decides_and_the_statement_goes_on(client: Any) -> None:
    assert (await post(client, f"{Q}/disputes", "s", claim(points="A-1", claim="20.00")))[0] == 303
    decided = {"decision": "partly", "grant": "20.00", "opinion": "部分属实"}
    status, text, _ = await post(client, f"{Q}/disputes/1", "c", decided)
    assert status == 422
    assert "小于争议金额" in text
    assert (await post(client, f"{Q}/disputes/1", "h", decided))[0] == 403
    assert (await post(client, f"{Q}/disputes/1", "c", {**decided, "grant": "10.00"}))[0] == 303
    assert (await post(client, f"{Q}/disputes/1", "a", {**decided, "grant": "10.00"}))[0] == 409
    _, page = await get(client, f"{Q}/disputes", "s")
    assert "部分采纳" in page
    assert "10.00" in page
    assert (await step(client, "c", "check"))[0] == 303


async def test_a_paper_behind_a_dispute_is_kept_and_shown_here_alone(client: Any) -> None:
    from aiohttp import FormData

    form = FormData()
    for name, value in {**claim(points="A-1"), "csrf": CSRF}.items():
        form.add_field(name, value)
    form.add_field("paper", b"%PDF-1.4 outage", filename="停电证明.pdf", content_type="application/pdf")
    async with client.post(f"{Q}/disputes", data=form, headers={WHO: "s"}, allow_redirects=False) as response:
        assert response.status == 303
    _, listed = await call(client, "GET", "/statements/small/2020Q3/disputes", "h")
    sha = listed["items"][0]["document_sha256"]
    async with client.get(f"{Q}/documents/{sha}", headers={WHO: "l"}) as response:
        assert await response.read() == b"%PDF-1.4 outage"
    assert (await get(client, f"{Q}/documents/{'0' * 64}", "l"))[0] == 404
    assert (await get(client, f"{Q}/documents/{sha}", "t"))[0] == 404


async def test_programs_contest_and_decide_alike(client: Any) -> None:
    body = {"line": 3, "points": ["A-1"], "reason": "停电", "seen": {"revision": 0, "steps": 2}}
    status, made_ = await call(client, "POST", "/statements/small/2020Q3/disputes", "s", body)
    assert (status, made_["numbers"], made_["state"]) == (201, [1], "disputed")
    status, problem = await call(client, "POST", "/statements/small/2020Q3/disputes", "s", body)
    assert (status, "供应商 已于" in problem["detail"]) == (409, True)
    ruling = {"decision": "upheld", "opinion": "证据不足"}
    path = "/statements/small/2020Q3/disputes/1/decision"
    assert (await call(client, "POST", path, "s", ruling))[0] == 403
    assert (await call(client, "POST", path, "c", ruling))[0] == 200
    status, problem = await call(client, "POST", path, "a", ruling)
    assert (status, "复核 已复核" in problem["detail"]) == (409, True)
    assert (await call(client, "POST", path, "c", {**ruling, "x": 1}))[0] == 422
