"""Claims as pages and over the API: batches with a complaint for each row, and what approving is worth in yuan."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import FormData

from console.web.access import Role
from tests.settle_site import call, made
from tests.site_app import CSRF, WHO, get, person, post, site_client
from tests.stores.quarters import instant

AT = instant("2021-07-06T10:00:00")
PERSONS = {
    "d": person("值班", Role.OPERATIONS),
    "c": person("复核", Role.CHECKER),
    "b": person("两职", Role.OPERATIONS, Role.CHECKER),
}
PLACE = "/evidence/corrections"
SPAN = {"start": "2020-08-03T00:00:00+08:00", "end": "2020-08-28T12:00:00+08:00", "reason": "停电"}


def row(point: str, **changes: str) -> dict[str, str]:
    return {"point": point, **SPAN, **changes}


async def send(client: Any, path: str, who: str, files: dict[str, tuple[str, bytes]], **fields: str) -> tuple[int, str]:
    """Post a form with files; returns its status and what it says."""
    form = FormData()
    for name, value in {**fields, "csrf": CSRF}.items():
        form.add_field(name, value)
    for name, (file, body) in files.items():
        form.add_field(name, body, filename=file)
    async with client.post(path, data=form, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, await response.text()


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path / "site"), PERSONS, at=AT) as found:
        yield found


async def test_a_batch_is_claimed_and_what_it_is_worth_is_told_before_it_is_decided(client: Any) -> None:
    status, found = await call(client, "POST", PLACE, "d", {"to": "exclude", "rows": [row("A-1"), row("A-2")]})
    assert status == 201 and len(found["items"]) == 2
    place = f"{PLACE}/{found['items'][0]}"
    status, told = await call(client, "GET", place, "c")
    assert status == 200 and sorted(told["batch"]) == found["items"]
    (worth,) = told["worth"]
    assert (worth["contract"], worth["quarter"], worth["refused"]) == ("small", "2020Q3", [])
    more = Decimal(worth["payable_after"]) - Decimal(worth["payable_before"])
    assert more == Decimal(worth["difference"]) > 0
    assert worth["phases"][0]["rate_before"] < worth["phases"][0]["rate_after"]
    status, page = await get(client, place, "c")
    assert status == 200 and f"+{more:,.2f}" in page and f"{Decimal(worth['payable_before']):,.2f}" in page
    assert (await post(client, place, "c", {"step": "approve", "whole": "on"}))[0] == 303
    status, told = await call(client, "GET", place, "c")
    assert told["worth"] == [] and told["effects"] == []


async def test_money_is_told_to_those_who_read_money_alone(client: Any) -> None:
    _, found = await call(client, "POST", PLACE, "d", {"to": "exclude", "rows": [row("A-1")]})
    place = f"{PLACE}/{found['items'][0]}"
    status, told = await call(client, "GET", place, "d")
    assert status == 200 and told["worth"] is None and told["effects"][0]["point"] == "A-1"
    status, page = await get(client, place, "d")
    assert status == 200 and 'id="worth"' not in page


async def test_each_row_that_is_wrong_is_named_and_none_is_taken(client: Any) -> None:
    rows = [row("A-1"), row("A-9"), row("A-2", start="yesterday"), row("A-3", end=SPAN["start"])]
    status, told = await call(client, "POST", PLACE, "d", {"to": "exclude", "rows": rows})
    assert status == 422
    assert {one["field"] for one in told["errors"]} == {"rows[2].start", "rows[3].end"}
    status, told = await call(client, "POST", PLACE, "d", {"to": "exclude", "rows": rows[:2]})
    assert status == 422 and [one["field"] for one in told["errors"]] == ["rows[1].point"]
    assert (await call(client, "GET", PLACE, "d"))[1]["items"] == []


async def test_unknown_time_alone_is_given_a_state_row_by_row(client: Any) -> None:
    paper = {"document_name": "报告.pdf", "document_base64": base64.b64encode(b"%PDF-1 \xff").decode()}
    body = {"to": "online", "rows": [row("A-1")], **paper}
    status, told = await call(client, "POST", PLACE, "d", body)
    assert status == 422 and [one["field"] for one in told["errors"]] == ["rows[0].start"]
    status, told = await call(client, "POST", PLACE, "d", {**body, "document_base64": "!"})
    assert status == 422 and told["errors"][0]["field"] == "document_base64"
    status, told = await call(client, "POST", PLACE, "d", {"to": "online", "rows": [row("A-1")]})
    assert status == 422 and told["errors"][0]["field"] == "document"


async def test_a_body_is_either_one_claim_or_rows(client: Any) -> None:
    for body in ({"rows": [row("A-1")], "point": "A-1"}, {"point": "A-1"}, {"rows": []}):
        assert (await call(client, "POST", PLACE, "d", {"to": "exclude", **body}))[0] == 422
    line = row("A-1", reason="停电\nA-2,2020-08-03T00:00:00+08:00")
    assert (await call(client, "POST", PLACE, "d", {"to": "exclude", "rows": [line]}))[0] == 422
    assert (await call(client, "POST", PLACE, "d", {"to": "exclude", **row("A-1")}))[0] == 201


async def test_a_file_is_read_apart_and_each_complaint_has_its_line(client: Any) -> None:
    heading = b"point,start,end,reason\n"
    bad = (
        heading + b"A-1,2020-08-03T00:00:00+08:00,2020-08-04T00:00:00+08:00,x\nA-2,never,2020-08-04T00:00:00+08:00,x\n"
    )
    for body, word in (
        (bad, "rows.csv:3"),
        (heading, "没有数据行"),
        (b"PK\x03\x04" + bytes(99), "not CSV"),
        (b"\x89PNG\r\n", "column missing"),
    ):
        status, text = await send(client, PLACE, "d", {"rows": ("rows.csv", body)}, to="exclude")
        assert status == 422 and word in text, word
    many = heading + b"A-1,2020-08-03T00:00:00+08:00,2020-08-04T00:00:00+08:00,x\n" * 5_001
    status, text = await send(client, PLACE, "d", {"rows": ("rows.csv", many)}, to="exclude")
    assert status == 422 and "more rows than allowed" in text
    assert (await call(client, "GET", PLACE, "d"))[1]["items"] == []


async def test_a_reason_that_a_spreadsheet_would_run_is_exported_as_text(client: Any) -> None:
    body = {"to": "exclude", "rows": [row("A-1", reason='=HYPERLINK("http://x")')]}
    assert (await call(client, "POST", PLACE, "d", body))[0] == 201
    async with client.get(f"{PLACE}?format=csv", headers={WHO: "d"}) as response:
        assert "'=HYPERLINK" in (await response.read()).decode("utf-8-sig")


async def test_ones_own_claim_is_decided_by_nobody_who_made_it(client: Any) -> None:
    _, found = await call(client, "POST", PLACE, "b", {"to": "exclude", "rows": [row("A-1")]})
    place = f"{PLACE}/{found['items'][0]}"
    status, text, _ = await post(client, place, "b", {"step": "approve"})
    assert status == 422 and "the claimant cannot approve" in text
    assert (await call(client, "POST", f"{place}/approve", "b"))[0] == 422
    assert (await call(client, "GET", place, "c"))[1]["claim"]["status"] == "pending"
