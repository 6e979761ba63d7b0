"""The authority's figures in the console: preview and mapping, two persons, both sides of a quarter, who may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from console.clock import wall_now
from console.web.access import Role
from monitor.scope import Scope
from tests.authority_sheet import authority_workbook
from tests.money_site import PNG, before
from tests.site_app import CSRF, WHO, get, person, post, settings_at, site_client

PERSONS = {
    "录入": person("录入", Role.CLERK),
    "核对": person("核对", Role.CLERK),
    "评价": person("评价", Role.EVALUATOR),
    "值班": person("值班", Role.OPERATIONS),
    "外人": person("外人", Role.CLERK, scope=Scope(contracts=frozenset({"other"}))),
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with site_client(settings_at(before(tmp_path)), PERSONS, at=wall_now()) as found:
        yield found


async def send(
    client: Any, path: str, who: str, fields: dict[str, str], **files: tuple[str, bytes]
) -> tuple[int, str, str]:
    form = FormData({**fields, "csrf": CSRF})
    for name, (filename, body) in files.items():
        form.add_field(name, body, filename=filename, content_type="application/octet-stream")
    async with client.post(path, data=form, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


async def api(client: Any, method: str, path: str, who: str, **named: Any) -> tuple[int, Any]:
    headers = {WHO: who, "X-CSRF-Token": CSRF}
    async with client.request(method, f"/api/v1{path}", headers=headers, **named) as response:
        return response.status, await response.json()


async def brought_in(client: Any, folder: Path) -> str:
    body = authority_workbook(folder / "q3.xlsx", formulas=False, signed=False)
    status, _, where = await send(client, "/authority/import", "录入", {"contract": "lease"}, file=("q3.xlsx", body))
    assert status == 303
    status, page = await get(client, where, "录入")
    assert status == 200
    assert "新公视〔2020〕18号" in page and "✓ 在线率 8月" in page
    status, _, where = await send(
        client, where.partition("?")[0], "录入", {"contract": "lease", "action": "import", "edited": "yes"},
        scan=("盖章.png", PNG),
    )  # fmt: skip
    assert (status, where) == (303, "/authority/files/1")
    return where


async def test_a_file_is_shown_before_it_is_brought_in_and_counts_once_another_checked_it(
    client: Any, tmp_path: Path
) -> None:
    where = await brought_in(client, tmp_path)
    _, page = await get(client, where, "录入")
    assert "须由另一人核对" in page
    status, _, _ = await post(client, f"{where}/check", "录入", {"confirmed": "true"})
    assert status == 422  # nobody checks what they brought in themselves
    _, quarter = await get(client, "/authority/lease/2020Q3", "评价")
    assert "等待公安数据" in quarter and "未经另一人核对" in quarter

    assert (await post(client, f"{where}/check", "核对", {}))[0] == 422  # without having compared it
    assert (await post(client, f"{where}/check", "核对", {"confirmed": "true"}))[0] == 303
    _, quarter = await get(client, "/authority/lease/2020Q3", "评价")
    assert "未经另一人核对" not in quarter and "两者取低" in quarter and 'href="/points/P2"' in quarter
    _, found = await api(client, "GET", "/authority/quarters/lease/2020Q3", "评价")
    phase = found["phases"][0]
    assert (phase["own"]["rate"], phase["chosen"], phase["authority_points"]) == ("0.918478", "authority", 4)
    _, items = await api(client, "GET", "/authority/quarters/lease/2020Q3/items", "评价")
    kinds = {item["kind"]: item for item in items["items"]}
    assert kinds["stranger"]["their_code"].endswith("777") and kinds["missing"]["point"] == "P4"
    assert kinds["missing"]["own"]["counted"] == 92 * 86_400 and kinds["recoded"]["point"] == "P3"

    status, _, _ = await post(client, f"{where}/withdraw", "核对", {"reason": " "})
    assert status == 422
    assert (await post(client, f"{where}/withdraw", "核对", {"reason": "数字有误"}))[0] == 303
    assert "等待公安数据" in (await get(client, "/authority/lease/2020Q3", "评价"))[1]


async def test_tables_are_exported_and_hold_no_formula(client: Any, tmp_path: Path) -> None:
    where = await brought_in(client, tmp_path)
    _, text = await get(client, f"{where}?format=csv&columns=name,device", "录入")
    assert "'=HYPERLINK" in text
    async with client.get("/authority/lease/2020Q3/workbook.xlsx?pending=true", headers={WHO: "评价"}) as response:
        assert response.status == 200 and (await response.read()).startswith(b"PK")
    _, rows = await get(client, "/authority/lease/2020Q3?pending=true&show=items&kind=stranger&format=csv", "评价")
    assert rows.count("36010012001320000777") == 1 and "36010012001320000903" not in rows
    async with client.get(f"{where}/scan", headers={WHO: "评价"}) as response:
        assert (response.content_type, await response.read()) == ("image/png", PNG)


async def test_a_mapping_is_set_right_in_the_form_and_saved_by_name(client: Any) -> None:
    body = "表\n期别名,本月均值\n甲批,81.36%\n".encode("gbk")
    _, _, where = await send(client, "/authority/import", "录入", {"contract": "lease"}, file=("m.csv", body))
    _, page = await get(client, where, "录入")
    assert "找不到表头" in page and "本月均值" in page  # the rows are shown although nothing was understood
    key = where.partition("?")[0]
    edited = {
        "contract": "lease", "edited": "yes", "period": "2020Q3", "phases": "甲批 = phase-2", "heading_row": "2",
        "heading-1": "期别名", "field-1": "phase", "was-1": "ignore", "heading-2": "本月均值", "field-2": "rate",
        "was-2": "ignore",
    }  # fmt: skip
    status, page, _ = await send(client, key, "录入", {**edited, "action": "import"})
    assert status == 422 and "映射有改动" in page
    status, page, _ = await send(
        client, key, "录入", {**edited, "action": "import", "mapping_name": "x", "phases": "甲批 = 三期"}
    )
    assert status == 422 and "映射中的期次不是合同的期次" in page
    status, _, where = await send(client, key, "录入", {**edited, "action": "import", "mapping_name": "视频科"})
    assert (status, where) == (303, "/authority/files/1")
    _, found = await api(client, "GET", "/authority/files/1/figures", "核对")
    assert [(f["phase"], f["num"], f["den"]) for f in found["items"]] == [("phase-2", 8136, 10000)]
    _, saved = await api(client, "GET", "/authority/mappings", "核对")
    assert saved["items"][0]["name"] == "视频科"
    assert saved["items"][0]["mapping"]["columns"] == {"期别名": "phase", "本月均值": "rate"}


async def test_a_file_read_anew_does_not_quietly_stay_as_it_was_read_before(client: Any) -> None:
    body = "2020年三季度\n期次,2020年7月在线率,2020年8月在线率\n二期,0.9636,96.36%\n".encode()

    async def brought(**more: str) -> tuple[int, str, str]:
        _, _, where = await send(client, "/authority/import", "录入", {"contract": "lease"}, file=("m.csv", body))
        fields = {"contract": "lease", "edited": "yes", "action": "import", **more}
        return await send(client, where.partition("?")[0], "录入", fields)

    assert (await brought())[2] == "/authority/files/1"
    assert (await brought())[2] == "/authority/files/1"  # the same again adds nothing
    other = {"rates": "percent", "mapping_name": "百分数"}
    status, page, _ = await brought(**other)
    assert status == 422 and "按另一种读法导入，待核对" in page and "先撤回那一份" in page
    _, files = await api(client, "GET", "/authority/files", "核对")
    assert len(files["items"]) == 1
    assert (await post(client, "/authority/files/1/withdraw", "录入", {"reason": "读法有误"}))[0] == 303
    assert (await brought(**other))[2] == "/authority/files/2"
    _, found = await api(client, "GET", "/authority/files/2/figures", "核对")
    assert [(f["num"], f["den"]) for f in found["items"]] == [(9636, 1_000_000), (9636, 10_000)]


async def test_typed_figures_are_typed_again_by_another(client: Any) -> None:
    row = {
        "contract": "lease",
        "received": "2020-10-09",
        "phase-0": "phase-2",
        "period-0": "2020Q3",
        "rate-0": "83.62%",
    }
    status, page, _ = await send(client, "/authority/typed", "录入", row)
    assert status == 422 and "须附盖章扫描件" in page and 'value="83.62%"' in page
    wrong = {**row, "period-2": "2020", "phase-2": "phase-2", "rate-2": "99%"}
    status, page, _ = await send(client, "/authority/typed", "录入", wrong, scan=("s.png", PNG))
    assert status == 422 and "不是带年份的月份或季度" in page
    status, page, _ = await send(client, "/authority/typed", "录入", row, scan=("s.exe", b"MZ"))
    assert status == 422 and "PDF、JPEG 或 PNG" in page
    status, _, where = await send(client, "/authority/typed", "录入", row, scan=("s.png", PNG))
    assert status == 303
    for answers, said in (({}, "未核对"), ({"figure-0": "83.26%"}, "与录入的 83.62% 不同")):
        status, page, _ = await post(client, f"{where}/check", "核对", answers)
        assert status == 422 and said in page
    assert (await post(client, f"{where}/check", "核对", {"figure-0": "0.8362"}))[0] == 303
    _, found = await api(client, "GET", "/authority/quarters/lease/2020Q3", "评价")
    assert (found["phases"][0]["chosen"], found["phases"][0]["chosen_rate"]) == ("authority", "0.836200")


async def test_who_may_and_whose(client: Any, tmp_path: Path) -> None:
    where = await brought_in(client, tmp_path)
    assert (await get(client, "/authority", "值班"))[0] == 403
    assert (await post(client, f"{where}/check", "评价", {"confirmed": "true"}))[0] == 403
    assert (await get(client, "/authority/import", "评价"))[0] == 403
    for path in (where, f"{where}/original", f"{where}/scan", "/authority/lease/2020Q3"):
        assert (await get(client, path, "外人"))[0] == 404
    assert (await api(client, "GET", "/authority/files", "外人"))[1]["items"] == []
    assert (await api(client, "GET", "/authority/quarters/lease/2020Q3", "外人"))[0] == 404
    assert (await get(client, "/authority/lease/2020-08", "评价"))[0] == 303  # a month leads to its quarter
    assert (await get(client, "/authority/lease/nonsense", "评价"))[0] == 404


async def test_a_preview_is_its_uploaders_alone(client: Any) -> None:
    _, _, where = await send(client, "/authority/import", "录入", {"contract": "lease"}, file=("a.csv", b"a,b\n1,2\n"))
    assert re.search(r"/authority/import/[0-9a-f]{32}", where)
    assert (await get(client, where, "核对"))[0] == 404


async def test_the_api_brings_in_checks_and_withdraws(client: Any, tmp_path: Path) -> None:
    body = authority_workbook(tmp_path / "q3.xlsx", formulas=False, signed=False)
    status, scan = await api(client, "POST", "/payments/papers?name=s.png", "录入", data=PNG)
    assert status == 201
    address = f"/authority/files?contract=lease&name=q3.xlsx&scan={scan['sha256']}"
    status, made = await api(client, "POST", address, "录入", data=body)
    assert (status, made["figures"], made["status"], made["reference"]) == (201, 12, "pending", "新公视〔2020〕18号")
    assert (await api(client, "POST", address, "录入", data=body))[1]["number"] == made["number"]
    status, problem = await api(
        client, "POST", "/authority/files?contract=lease&name=a.csv", "录入", data=b"x,y\n1,2\n"
    )
    assert status == 422 and problem["errors"][0]["message"].startswith("找不到表头")
    _, first = await api(client, "GET", f"/authority/files/{made['number']}/figures?limit=5", "核对")
    _, rest = await api(client, "GET", f"/authority/files/{made['number']}/figures?after={first['next']}", "核对")
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (5, 7, None)
    status, problem = await api(
        client, "POST", f"/authority/files/{made['number']}/check", "录入", json={"confirmed": True}
    )
    assert status == 422
    status, done = await api(
        client, "POST", f"/authority/files/{made['number']}/check", "核对", json={"confirmed": True}
    )
    assert (status, done["status"], done["checked_by"]) == (200, "checked", "核对")
    status, done = await api(
        client, "POST", f"/authority/files/{made['number']}/withdraw", "核对", json={"reason": "误"}
    )
    assert done["status"] == "withdrawn"
    typed = {
        "contract": "lease",
        "scan": scan["sha256"],
        "figures": [{"phase": "二期", "period": "2020-07", "rate": "90%"}],
    }
    status, made = await api(client, "POST", "/authority/typed", "录入", json=typed)
    assert (status, made["typed"]) == (201, True)
