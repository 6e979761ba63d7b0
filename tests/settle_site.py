"""A site over a small settled contract: four points of two suppliers, a year of observations, persons of every side."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from console.app.database import open_writer
from console.web.access import Role
from monitor.scope import Scope
from monitor.store.tables import point_facts, points
from tests.site_app import WHO, get, person, post, settings_at
from tests.stores.quarters import contract, terms, year

MINE = Scope(contracts=frozenset({"small"}), supplier="甲公司")
PERSONS = {
    "h": person("经办", Role.HANDLER),
    "c": person("复核", Role.CHECKER),
    "a": person("审批", Role.APPROVER),
    "a2": person("审批二", Role.APPROVER),
    "s": person("供应商", Role.SUPPLIER, scope=MINE),
    "t": person("别家", Role.SUPPLIER, scope=Scope(contracts=frozenset({"other"}))),
    "l": person("领导", Role.LEADER),
    "o": person("值班", Role.OPERATIONS),
}
AT = "/settlement/small"
Q = f"{AT}/2020Q3"
RULES = [{"kind": "point-elimination", "id": "剔点", "hours": 168, "over": ">", "grain": "quarter", "clause": "第九条"}]


def made(folder: Path, **changes: Any) -> Any:
    """A store of four points with a year of observations under a contract in force; made once, then copied."""
    kept = folder.parent / f"settled-{hashlib.sha256(repr(changes).encode()).hexdigest()[:12]}"
    if not kept.exists():
        part = folder.parent / f"{kept.name}.part"
        _make(part, changes)
        part.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return settings_at(folder)


def _make(folder: Path, changes: dict[str, Any]) -> None:
    folder.mkdir()
    settings = settings_at(folder)
    writer = open_writer(settings, "cli")
    facts = {"contract": "small", "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    try:
        with writer.transaction() as connection:
            for code in ("A-1", "A-2", "A-3", "A-4"):
                number = connection.execute(insert(points).values(code=code).returning(points.c.id)).scalar_one()
                supplier = "乙公司" if code == "A-4" else "甲公司"
                held = {"point_id": number, "valid_from": 0, "recorded_at": 0, "actor": "test", "supplier": supplier}
                connection.execute(insert(point_facts).values(held | facts))
        year(writer)
        contract(writer, terms(**changes))
    finally:
        writer.close()


async def seen(client: Any, who: str, path: str = Q) -> dict[str, str]:
    """What a page's forms carry of how the statement stands."""
    _, text = await get(client, path, who)
    return {
        name: found[1]
        for name in ("seen_revision", "seen_steps")
        if (found := re.search(rf'{name}" value="(\d+)"', text))
    }


async def step(client: Any, who: str, word: str, **more: str) -> tuple[int, str, str]:
    return await post(client, f"{Q}/steps", who, {"word": word, **(await seen(client, who)), **more})


async def drafted(client: Any, quarter: str = "2020Q3", **more: str) -> tuple[int, str, str]:
    return await post(client, f"{AT}/{quarter}/draft", "h", {"prepaid": "computed", **more})


async def upto(client: Any, *steps: tuple[str, str]) -> None:
    """Draft, and take steps that all succeed."""
    assert (await drafted(client))[0] == 303
    for who, word in steps:
        status, text, _ = await step(client, who, word)
        assert status == 303, text


async def call(client: Any, method: str, path: str, who: str, body: Any = None) -> tuple[int, Any]:
    """Ask the API."""
    headers = {WHO: who, "X-CSRF-Token": "the-token-of-the-test"}
    async with client.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
        found = await response.json() if "json" in response.content_type else await response.read()
        return response.status, found
