"""Point changes: what two imports did to four points, as the page, the file and the API tell it, within the scope."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from console.app.database import open_writer, password_cipher
from console.web.access import Role
from monitor.model import Instant
from monitor.roster.parse import read_points
from monitor.roster.plan import plan_import
from monitor.scope import Scope
from monitor.store import roster_import
from tests.site_app import WHO, get, person, settings_at, site_client
from tests.stores.quarters import instant

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT = instant("2020-09-30T10:00:00")
PERSONS = {
    "ops": person("ops", Role.OPERATIONS),
    "sup": person("sup", Role.SUPPLIER, scope=Scope(supplier="乙方")),
}
FIRST = """点位编号,设备名称,承建单位,安装地址,设备编码,期次,计费起,终验日期,序列号,RTSP地址,暂停计费
C-1,东门,甲方,东路1号,34020000001320000001,一期,2020-07-01,2020-07-01,SN1,rtsp://10.0.0.1/live,
C-2,西门,甲方,西路1号,34020000001320000002,一期,2020-07-01,2020-07-01,SN2,rtsp://10.0.0.2/live,
C-3,南门,乙方,南路1号,34020000001320000003,一期,2020-07-01,2020-07-01,SN3,rtsp://10.0.0.3/live,
C-4,北门,乙方,北路1号,34020000001320000004,一期,2020-07-01,2020-07-01,SN4,rtsp://10.0.0.4/live,
"""
SECOND = """点位编号,变更日期,安装地址,序列号,RTSP地址,停用日期,暂停计费,审批文号
C-1,2020-08-10,东路9号,SN1,rtsp://10.0.0.1/live,,,新公〔2020〕8号
C-2,2020-08-11,西路1号,SN2B,rtsp://10.0.0.2/live,,,新公〔2020〕9号
C-3,2020-08-12,南路1号,SN3,rtsp://10.0.0.3/live,2020-08-20,,新公〔2020〕10号
C-4,2020-08-13,北路1号,SN4,rtsp://10.0.0.4/live,,2020-08-15..2020-08-25,新公〔2020〕11号
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    folder = tmp_path_factory.mktemp("changes")
    settings = settings_at(folder)
    with open_writer(settings) as writer:
        for n, (text, day) in enumerate(((FIRST, date(2020, 7, 1)), (SECOND, date(2020, 8, 10)))):
            path = Path(folder) / f"{n}.csv"
            path.write_text(text, encoding="utf-8")
            cipher = password_cipher(settings)
            with writer.transaction() as connection:
                plan = plan_import(roster_import.load(connection), read_points(path), day, cipher)
                at = Instant(AT - 2_000_000 + n)
                roster_import.apply(connection, plan, at=at, actor="录入", audit=writer.audit, cipher=cipher)
    async with site_client(settings, PERSONS, at=AT) as found:
        yield found


async def changes(client: Any, query: str, who: str = "ops") -> Any:
    async with client.get(f"/api/v1/changes?{query}", headers={WHO: who}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_every_kind_with_its_paper_and_its_effect_on_billing(client: Any) -> None:
    body = await changes(client, "period=2020-08")
    told = {(row["on"], row["code"]): row for row in body["changes"]}
    assert {key: row["kinds"] for key, row in told.items()} == {
        ("2020-08-26", "C-4"): ["resumed"],
        ("2020-08-20", "C-3"): ["retired"],
        ("2020-08-15", "C-4"): ["paused"],
        ("2020-08-11", "C-2"): ["replaced"],
        ("2020-08-10", "C-1"): ["relocated"],
    }
    moved = told["2020-08-10", "C-1"]
    assert moved["fields"] == [{"field": "安装地址", "old": "东路1号", "new": "东路9号"}]
    assert (moved["document"], moved["billing"], moved["actor"]) == ("新公〔2020〕8号", "", "录入")
    assert told["2020-08-11", "C-2"]["fields"] == [{"field": "序列号", "old": "SN2", "new": "SN2B"}]
    assert told["2020-08-20", "C-3"]["billing"] == "计费止 last billed day 2020-08-19"
    assert told["2020-08-15", "C-4"]["billing"] == "暂停计费 not billed 2020-08-15..2020-08-25"


async def test_new_points_are_billed_from_a_day(client: Any) -> None:
    body = await changes(client, "period=2020-07&limit=3")
    assert [(row["code"], row["kinds"], row["billing"]) for row in body["changes"]] == [
        (f"C-{n}", ["new"], "计费起 billed from 2020-07-01") for n in (1, 2, 3)
    ]
    rest = await changes(client, f"period=2020-07&limit=3&after={body['next']}")
    assert [row["code"] for row in rest["changes"]] == ["C-4"] and rest["next"] is None
    assert body["total"] == 4


async def test_the_page_filters_by_kind_and_exports(client: Any) -> None:
    status, text = await get(client, "/changes?period=2020-08&kind=replaced", "ops")
    assert status == 200
    assert "C-2" in text and "SN2B" in text and "C-1" not in text
    _, text = await get(client, "/changes?format=csv&columns=on,code,kind", "ops")  # the quarter that runs
    assert "2020-08-20,C-3,点位停用" in text and len(text.splitlines()) == 10
    status, text = await get(client, "/changes?period=nonsense", "ops")
    assert status == 422 and "not a period" in text


async def test_a_supplier_sees_changes_of_its_own_points(client: Any) -> None:
    body = await changes(client, "period=2020Q3", "sup")
    assert {row["code"] for row in body["changes"]} == {"C-3", "C-4"}
    _, text = await get(client, "/changes?period=2020Q3", "sup")
    assert "C-1" not in text and "东路" not in text


async def test_a_points_page_tells_its_own_changes_and_devices(client: Any) -> None:
    _, text = await get(client, "/points/C-2", "ops")
    assert "SN2B" in text and "新公〔2020〕9号" in text
    _, text = await get(client, "/points/C-4", "ops")
    assert "2020-08-15" in text and "暂停计费" in text


async def test_the_page_speaks_one_language_and_offers_quarters(client: Any) -> None:
    _, text = await get(client, "/changes?period=2020年第三季度", "ops")
    assert "暂停计费 2020-08-15..2020-08-25" in text and "not billed" not in text
    assert "计费止 2020-08-19" in text and "2020 年第 3 季度" in text and "period=2020Q2" in text
    async with client.get("/changes?period=2020Q3", headers={WHO: "ops", "Cookie": "camsla-language=en"}) as response:
        english = await response.text()
    assert "2020-08-19" in english and "计费止" not in english and "Q3 2020" in english
