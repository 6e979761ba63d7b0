"""A ledger file through the site: its faults all at once, its difference first, then exactly that; passwords nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from console.ledger.importing import Asked, Preview, Waiting, WaitingFiles
from console.web.access import Role
from console.web.visit import SITE
from monitor.model import Instant
from monitor.store import roster
from monitor.store.database import reading
from tests.site_app import CSRF, WHO, get, person, post, settings_at, site_client
from tests.stores.quarters import instant

AT = instant("2020-09-30T10:00:00")
PERSONS = {
    "ops": person("ops", Role.OPERATIONS),
    "other": person("other", Role.OPERATIONS),
    "lead": person("lead", Role.LEADER),
}
GOOD = "点位编号,设备名称,RTSP地址,用户名,密码\nI-1,东门,rtsp://10.0.0.1/live,admin,canary-secret\nI-2,西门,rtsp://10.0.0.2/live,admin,canary-secret\n"
BAD = "点位编号,设备名称,终验日期,经度\nI-1,东门,2020-13-01,118\nI-1,西门,2020-07-01,999\n"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "街道格式.yaml").write_text("columns: {探头号: code, 叫法: name}\n", encoding="utf-8")
    async with site_client(settings_at(tmp_path / "data", mappings_dir=mappings), PERSONS, at=AT) as found:
        yield found


async def upload(
    client: Any, text: str, who: str = "ops", name: str = "台账.csv", **fields: str
) -> tuple[int, str, str]:
    form = FormData({"csrf": CSRF, **fields})
    form.add_field("file", text.encode(), filename=name, content_type="text/csv")
    async with client.post("/points/import", data=form, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


def ledger(client: Any) -> dict[str, str]:
    with reading(client.app[SITE].engine) as connection:
        return {point.code: point.name for point in roster.roster_at(connection, PERSONS["ops"].scope, AT)}


async def gone(client: Any, there: str, who: str) -> bool:
    """Tell whether an upload is not there for somebody, who is led to the form and told so."""
    async with client.get(there, headers={WHO: who}) as response:
        text = await response.text()
        return bool(response.url.path == "/points/import" and "上传的文件已不在" in text)


def digest(text: str) -> str:
    return text.split('name="digest" value="')[1].split('"', maxsplit=1)[0]


async def test_what_is_confirmed_is_what_was_shown(client: Any) -> None:
    status, _, there = await upload(client, GOOD)
    assert status == 303
    status, text = await get(client, there, "ops")
    assert status == 200 and "I-1" in text and "新增" in text and "确认导入 2 个点位的变更" in text
    assert "canary-secret" not in text
    assert ledger(client) == {}
    status, _, back = await post(client, f"{there}/confirm", "ops", {"digest": digest(text)})
    assert (status, back) == (303, "/points")
    assert ledger(client) == {"I-1": "东门", "I-2": "西门"}
    assert await gone(client, there, "ops")  # the file, with its passwords


async def test_all_faults_at_once_with_row_column_and_remedy(client: Any) -> None:
    _, _, there = await upload(client, BAD)
    status, text = await get(client, there, "ops")
    assert status == 200 and "什么都没有写入" in text
    for word in ("2020-13-01", "经度", "终验日期", "点位重复"):
        assert word in text
    assert "确认导入" not in text.split("steps")[1].split("</ol>")[1]
    _, table = await get(client, f"{there}?format=json", "ops")
    rows = json.loads(table)
    assert {(row["line"], row["column"]) for row in rows} >= {(2, "终验日期"), (3, "经度"), (3, "点位编号")}
    assert all(row["remedy"] for row in rows)
    status, _, _ = await post(client, f"{there}/confirm", "ops", {"digest": "0" * 64})
    assert status == 409 and ledger(client) == {}


async def test_a_change_is_shown_field_by_field_and_by_kind(client: Any) -> None:
    _, _, there = await upload(client, GOOD)
    await post(client, f"{there}/confirm", "ops", {"digest": digest((await get(client, there, "ops"))[1])})
    _, _, there = await upload(client, GOOD.replace("东门", "东大门").replace("canary-secret", "canary-other"))
    _, text = await get(client, there, "ops")
    assert "东门" in text and "东大门" in text and "canary" not in text
    _, text = await get(client, f"{there}?kind=new", "ops")
    assert "没有这一类变化" in text
    _, _, there = await upload(client, GOOD)
    assert "没有可导入的变更" in (await get(client, there, "ops"))[1]


async def test_somebody_elses_import_in_between_is_noticed(client: Any) -> None:
    _, _, mine = await upload(client, GOOD)
    _, _, theirs = await upload(client, GOOD.replace("东门", "别名"), "other")
    shown = digest((await get(client, mine, "ops"))[1])
    await post(client, f"{theirs}/confirm", "other", {"digest": digest((await get(client, theirs, "other"))[1])})
    status, text, _ = await post(client, f"{mine}/confirm", "ops", {"digest": shown})
    assert status == 409 and "重新上传" in text
    assert ledger(client)["I-1"] == "别名"


async def test_a_file_waits_for_its_owner_alone_and_only_operations_import(client: Any) -> None:
    _, _, there = await upload(client, GOOD)
    assert await gone(client, there, "other")
    for path in ("/points/import", there):
        assert (await get(client, path, "lead"))[0] == 403
    assert (await upload(client, GOOD, "lead"))[0] == 403


async def test_a_saved_mapping_and_what_the_form_refuses(client: Any) -> None:
    _, _, there = await upload(client, "探头号,叫法\nM-1,塔楼\n", mapping="街道格式", effective_from="2020-08-01")
    _, text = await get(client, there, "ops")
    assert "塔楼" in text and "2020-08-01" in text
    for fields in ({"mapping": "没有"}, {"effective_from": "昨天"}):
        status, text, _ = await upload(client, GOOD, **fields)
        assert (status == 422 and next(iter(fields.values())) in text) or "不在可选之列" in text
    status, text, _ = await post(client, "/points/import", "ops", {"mapping": "一机一档"})
    assert status == 422 and "请选择文件" in text
    _, _, there = await upload(client, "PK\x03\x04 not a workbook", name="a.xlsx")
    assert "无法读取工作簿" in (await get(client, there, "ops"))[1]


async def test_the_api_imports_in_two_calls(client: Any) -> None:
    async def call(query: str, body: str, who: str = "ops") -> tuple[int, Any]:
        headers = {WHO: who, "X-CSRF-Token": CSRF, "Content-Type": "text/csv"}
        async with client.post(f"/api/v1/points/import?{query}", data=body.encode(), headers=headers) as response:
            return response.status, await response.json(content_type=None)

    status, body = await call("name=a.csv", BAD)
    assert status == 422 and {(e["line"], e["field"]) for e in body["errors"]} >= {(2, "终验日期"), (3, "经度")}
    status, body = await call("name=a.csv", GOOD)
    assert (status, body["carried_out"], body["counts"]["new"]) == (200, False, 2)
    assert "canary" not in json.dumps(body) and ledger(client) == {}
    assert (await call("name=a.csv&dry_run=false", GOOD))[0] == 422  # without the digest of a dry run
    assert (await call(f"name=a.csv&dry_run=false&digest={'0' * 64}", GOOD))[0] == 409
    status, done = await call(f"name=a.csv&dry_run=false&digest={body['digest']}", GOOD)
    assert (status, done["carried_out"]) == (200, True)
    assert ledger(client) == {"I-1": "东门", "I-2": "西门"}
    assert (await call("name=a.csv", GOOD, "lead"))[0] == 403


def test_few_files_wait_and_not_for_long() -> None:
    files = WaitingFiles(most=2, wait_s=60)
    empty = Preview("", {}, (), ())

    def put(owner: str, second: int) -> str:
        return files.put(Waiting(owner, Asked("f", b"", "", None), empty, Instant(second * 1_000_000)))  # type: ignore[arg-type]

    first, again = put("a", 0), put("a", 1)
    assert files.get(first, "a", Instant(1)) is None  # a later one of the same person takes its place
    put("b", 2)
    put("c", 3)
    assert files.get(again, "a", Instant(3_000_000)) is None  # the oldest made room
    third = put("d", 4)
    assert files.get(third, "b", Instant(5_000_000)) is None
    assert files.get(third, "d", Instant(64_000_000)) is not None
    assert files.get(third, "d", Instant(65_000_000)) is None


async def test_an_empty_file_is_said_to_be_empty(client: Any) -> None:
    status, text, _ = await upload(client, "", effective_from="2020-08-01", mapping="街道格式")
    assert status == 422 and "文件是空的" in text and "请选择文件" not in text
    assert 'value="2020-08-01"' in text and '<option value="街道格式" selected>' in text


async def test_a_file_with_faults_is_chosen_again_as_it_was_to_be_read(client: Any) -> None:
    _, _, there = await upload(client, BAD, effective_from="2020-08-01")
    _, text = await get(client, there, "ops")
    again = text.split('class="button first" href="')[1].split('"')[0].replace("&amp;", "&")
    assert again.startswith("/points/import?") and "effective_from=2020-08-01" in again
    _, form = await get(client, again, "ops")
    assert 'value="2020-08-01"' in form
    status, form = await get(client, "/points/import?effective_from=nonsense&mapping=%3Cb%3E", "ops")
    assert status == 200 and "<b>" not in form.split("<main")[1]


async def test_what_was_imported_is_said(client: Any) -> None:
    _, _, there = await upload(client, GOOD)
    _, text = await get(client, there, "ops")
    data = {"digest": digest(text), "csrf": CSRF}
    async with client.post(f"{there}/confirm", data=data, headers={WHO: "ops"}) as response:
        assert "台账已导入：新增 2" in await response.text()
