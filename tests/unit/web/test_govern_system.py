"""The system's pages and endpoints: how it stands, the audit log, backups made, fetched and deleted."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console import audit_reading, health
from console.audit_reading import Entry, difference
from console.audit_words import ACTION_ZH
from console.backups import noting
from console.backups.backing_up import Backups
from console.store.audit import canonical
from console.web.access import Role
from monitor.model import Instant
from monitor.store.database import open_database, reading
from settlement.life import Step
from tests import two_suppliers as city
from tests.site_app import CSRF, WHO, get, post, settings_at

ADMIN = Role.ADMINISTRATOR.value


@pytest.fixture
def seeded(tmp_path: Any) -> Any:
    settings = settings_at(tmp_path)
    city.seed(settings)
    return settings


@pytest.fixture
async def client(seeded: Any) -> AsyncIterator[Any]:
    async with city.serving(seeded) as found:
        yield found


async def api(client: Any, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
    headers = {WHO: ADMIN, "X-CSRF-Token": CSRF, **more.pop("headers", {})}
    async with client.request(method, f"/api/v1{path}", headers=headers, **more) as response:
        raw = await response.read()
        found = json.loads(raw) if "json" in response.headers.get("Content-Type", "") else raw
        return response.status, found, response.headers


async def test_how_the_system_stands(client: Any) -> None:
    status, text = await get(client, "/system", ADMIN)
    assert status == 200
    for shown in (
        "没有封存密钥",
        "/system/audit",
        "/system/backup",
        "/system/accounts",
        "下次 2020-10-10 00:10",
        "每 5 分",
    ):
        assert shown in text, shown
    status, found, _ = await api(client, "GET", "/system")
    assert status == 200 and found["database"] == "sqlite" and found["database_bytes"] > 100_000
    assert [one["name"] for one in found["vantages"]] == ["import"]
    assert found["log"]["waiting"] > 0 and not found["log"]["key"] and found["log"]["sealed_day"] == ""


async def test_the_audit_log_is_filtered_in_the_database_and_paged(client: Any) -> None:
    _, whole, _ = await api(client, "GET", "/system/audit?limit=1000")
    seen: list[int] = []
    after = ""
    while True:
        _, part, _ = await api(client, "GET", f"/system/audit?limit=7{after}")
        seen += [one["id"] for one in part["items"]]
        if part["next"] is None:
            break
        after = f"&after={part['next']}"
    assert seen == [one["id"] for one in whole["items"]] and len(seen) > 20
    _, approver, _ = await api(client, "GET", "/system/audit?actor=approver")
    assert {one["actor"] for one in approver["items"]} == {"approver"}
    _, none, _ = await api(client, "GET", "/system/audit?until=2019-01-01T00:00:00Z")
    assert none == {"items": [], "next": None}
    status, text = await get(client, "/system/audit?actor=approver&action=contract&size=1", ADMIN)
    assert status == 200 and "contract.approve" in text and "account.add" not in text.partition("<tbody>")[2]
    status, text = await get(client, "/system/audit?q=%25", ADMIN)
    assert "没有符合条件的记录" in text  # a wild card is a character like others


async def test_one_change_is_shown_field_by_field_and_all_are_exported(client: Any) -> None:
    _, found, _ = await api(client, "GET", "/system/audit?limit=1000&action=contract.add")
    number = found["items"][0]["id"]
    status, text = await get(client, f"/system/audit/{number}", ADMIN)
    assert status == 200 and "改动后" in text and "handler" in text
    _, same, _ = await api(client, "GET", f"/system/audit/{number}")
    assert same == found["items"][0]
    assert (await get(client, "/system/audit/999999", ADMIN))[0] == 404
    async with client.get("/system/audit?format=csv&actor=approver", headers={WHO: ADMIN}) as response:
        lines = (await response.text()).splitlines()
    _, approver, _ = await api(client, "GET", "/system/audit?actor=approver&limit=1000")
    assert len(lines) == len(approver["items"]) + 1


def test_a_difference_names_what_changed_and_nothing_else() -> None:
    before = {"roles": "a", "scope": {"areas": ["x"], "supplier": None}, "same": 1, "lines": [{"n": 1}]}
    after = {"roles": "b", "scope": {"areas": ["x", "y"], "supplier": "s"}, "same": 1, "lines": [{"n": 2}]}
    entry = Entry(1, Instant(0), "a", "cli", "x", "o", canonical(before), canonical(after))
    assert [tuple(d) for d in difference(entry)] == [
        ("lines[0].n", "1", "2"),
        ("roles", "a", "b"),
        ("scope.areas", '["x"]', '["x", "y"]'),
        ("scope.supplier", None, "s"),
    ]
    assert difference(Entry(1, Instant(0), "a", "cli", "x", "o", "null", '"text"')) == [("", None, "text")]


async def test_a_backup_is_made_listed_fetched_and_deleted(client: Any, seeded: Any) -> None:
    status, _, location = await post(client, "/system/backup", ADMIN, {})
    assert (status, location) == (303, "/system/backup")
    assert (await api(client, "POST", "/system/backups"))[0] == 409
    site = next(value for value in client.server.app.values() if hasattr(value, "more"))
    await asyncio.wait_for(site.part(Backups).ended(), 60)
    _, listed, _ = await api(client, "GET", "/system/backups")
    (one,) = listed["items"]
    assert listed["progress"]["failed"] == "" and listed["progress"]["done"] == listed["progress"]["total"] > 0
    status, text = await get(client, "/system/backup", ADMIN)
    assert status == 200 and one["name"] in text and "camsla restore" in text and "secret.key" in text
    status, raw, _ = await api(client, "GET", f"/system/backups/{one['name']}/file")
    assert status == 200 and len(raw) == one["bytes"]
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(raw)).namelist()
    assert (await get(client, f"/system/backup/{one['name']}", Role.LEADER.value))[0] == 403
    assert (await get(client, "/system/backup/..%2Fcamsla.db", ADMIN))[0] == 404
    status, _, headers = await api(client, "GET", f"/system/backups/{one['name']}")
    for tag, wanted in (('"other"', 412), (headers["ETag"], 204), (headers["ETag"], 404)):
        status, _, _ = await api(client, "DELETE", f"/system/backups/{one['name']}", headers={"If-Match": tag})
        assert status == wanted
    engine = open_database(seeded.url)
    with reading(engine) as connection:
        rows = audit_reading.after(connection, audit_reading.Wanted(action="system."), before_id=None, limit=10)
    engine.dispose()
    assert [row.action for row in rows] == ["system.backup-deleted", "system.backup-fetched", "system.backup"]
    assert {row.actor for row in rows} == {ADMIN}


async def test_there_are_not_more_backups_than_the_disk_should_hold(client: Any, seeded: Any) -> None:
    folder = health.backup_folder(seeded)
    folder.mkdir()
    for n in range(health.MOST_BACKUPS_KEPT):
        (folder / f"camsla-20200101T0000{n:02}Z.zip").touch()
    (folder / "other.zip").touch()
    assert (await api(client, "POST", "/system/backups"))[0] == 409
    _, _, location = await post(client, "/system/backup", ADMIN, {})
    assert location == "/system/backup" and len(health.backups(seeded)) == health.MOST_BACKUPS_KEPT
    assert (await get(client, "/system/backup/other.zip", ADMIN))[0] == 404


async def test_the_audit_log_speaks_in_words(client: Any) -> None:
    form = {"name": "我管的", "query": "state=offline"}
    assert (await post(client, "/points/views", Role.OPERATIONS.value, form))[0] == 303
    status, text = await get(client, "/system/audit?action=view.save", ADMIN)
    assert status == 200
    table = text.split("<tbody>")[1]
    assert "保存筛选" in table and "控制台" in table and "view.save" not in table and "筛选条件：state=offline" in table
    assert '<option value="view.save" selected>保存筛选</option>' in text
    number = text.split("/system/audit/")[1].split('"')[0]
    _, one = await get(client, f"/system/audit/{number}", ADMIN)
    assert "保存筛选" in one and "view.save" in one  # and the log's own word, to search for
    _, rows = await get(client, "/system/audit?action=view.save&format=json", ADMIN)
    assert '"view.save"' in rows


def test_every_action_that_the_product_writes_has_its_word() -> None:
    root = Path(__file__).resolve().parents[3]
    written = {
        word
        for room in ("console", "monitor", "settlement")
        for path in (root / room).rglob("*.py")
        for word in re.findall(r'action="([a-z]+\.[a-z-]+)"', path.read_text("utf-8"))
    }
    assert len(written) > 40
    assert written - set(ACTION_ZH) == set()
    assert {f"statement.{step.value}" for step in Step if step not in {Step.LINK, Step.LAST}} - set(ACTION_ZH) == set()


async def test_a_backup_of_the_command_line_is_in_the_log_once(client: Any, seeded: Any) -> None:
    at = Instant(1_600_000_000_000_000)
    left = noting.leave(seeded.data_dir, file="/mnt/disk/a.zip", with_keys=True, at=at, actor="os:root")
    again = left.read_bytes()
    (left.parent / "broken.json").write_text("{", "utf-8")
    _, text = await get(client, "/system/audit?action=system.backup", ADMIN)
    row = text.split("<tbody>")[1]
    assert "os:root" in row and "a.zip" in row and "命令行" in row and "含密钥：是" in row
    assert not left.exists() and (left.parent / "broken.json").exists()
    left.write_bytes(again)  # as if the process had ended before it was removed
    _, text = await get(client, "/system/audit?action=system.backup", ADMIN)
    assert "共 1 条" in text and not left.exists()


async def test_deleting_a_backup_is_asked_about(client: Any, seeded: Any) -> None:
    folder = health.backup_folder(seeded)
    folder.mkdir(parents=True)
    (folder / health.backup_name(Instant(1_600_000_000_000_000))).write_bytes(b"PK")
    _, text = await get(client, "/system/backup", ADMIN)
    assert 'data-confirm="删除备份' in text and "hx-confirm" not in text
