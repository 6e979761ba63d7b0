"""The evidence log, samples, challenges and corrections, as pages and over the API, over a small contract."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import io
import json
import re
import shutil
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import FormData

from config.evidence import Evidence, Witness
from console.app.database import open_writer
from console.log.checkpoints import newest_note
from console.log.rotating import rotate
from console.log.sealing import Sealer, log_of
from console.log.state import log_state
from console.log.witnessing import add
from console.web.access import Role
from monitor.evidence.keys import WITNESS, write_key
from monitor.evidence.note import Note, cosign
from monitor.model import MICROSECONDS, Instant
from monitor.scope import Scope
from tests.sealed_packs import COLLECTOR, ORIGIN, WITNESSES
from tests.settle_site import call, made
from tests.site_app import CSRF, WHO, get, person, post, site_client
from tests.stores.quarters import instant

AT = instant("2021-07-06T10:00:00")
LATER = Instant(AT + 86_400 * MICROSECONDS)
PERSONS = {
    "e": person("评价", Role.EVALUATOR),
    "e-other": person("别的评价", Role.EVALUATOR, scope=Scope(contracts=frozenset({"other"}))),
    "d": person("值班", Role.OPERATIONS),
    "c": person("复核", Role.CHECKER),
    "s": person("供应商", Role.SUPPLIER, scope=Scope(frozenset({"small"}), None, "甲公司")),
    "l": person("领导", Role.LEADER),
}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A contract's year, its log sealed, with both witnesses named; each test works on a copy."""
    bare = made(tmp_path_factory.mktemp("sealed") / "site")
    witnesses = tuple(Witness(role=role, key=key.public(WITNESS).text()) for role, key in WITNESSES.items())
    settings = bare.model_copy(update={"evidence": Evidence(origin=ORIGIN, witnesses=witnesses)})
    write_key(settings.evidence_key_path, COLLECTOR, None)
    with open_writer(settings) as writer:
        Sealer(log_of(settings), writer, delay_minutes=1, apart=False).round(AT, checkpoint=True)
    return settings


@pytest.fixture
def settings(sealed: Any, tmp_path: Path) -> Any:
    """A copy of the sealed site."""
    shutil.copytree(sealed.data_dir, tmp_path / "site")
    return sealed.model_copy(update={"data_dir": tmp_path / "site"})


@pytest_asyncio.fixture
async def client(settings: Any) -> AsyncIterator[Any]:
    async with site_client(settings, PERSONS, at=AT) as found:
        yield found


async def send(client: Any, path: str, who: str, files: dict[str, tuple[str, bytes]], **fields: str) -> tuple[int, str]:
    """Post a form with files; returns its status and where it leads, or what it says."""
    form = FormData()
    for name, value in {**fields, "csrf": CSRF}.items():
        form.add_field(name, value)
    for name, (file, body) in files.items():
        form.add_field(name, body, filename=file)
    async with client.post(path, data=form, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", "") or await response.text()


async def test_the_log_says_how_it_stands_and_takes_a_witness_in(client: Any) -> None:
    status, found = await call(client, "GET", "/evidence", "e")
    assert status == 200 and found["key"] == COLLECTOR.public().text() and found["leaves"] > 0
    status, page = await get(client, "/evidence", "e")
    assert status == 200 and "不能证明的" in page and "style=" not in page
    status, text = await get(client, "/evidence/checkpoint.svg?newest=1", "l")
    assert status == 200 and "<svg" in text
    _, found = await call(client, "GET", "/evidence/checkpoint?newest=true", "e")
    note = Note.parse(found["note"].encode())
    signed = note.with_signature(cosign(note.text, WITNESSES["supplier"], AT // MICROSECONDS)).encode().decode()
    assert (await call(client, "POST", "/evidence/signatures", "l", {"note": signed}))[0] == 403
    status, found = await call(client, "POST", "/evidence/signatures", "s", {"note": signed})
    assert status == 200 and [(one["role"], one["new"]) for one in found["items"]] == [("supplier", True)]
    signed = note.with_signature(cosign(note.text, WITNESSES["evaluator"], AT // MICROSECONDS)).encode().decode()
    assert (await post(client, "/evidence/signatures", "e", {"note": signed}))[0] == 303, "a witness hands in their own"
    _, page = await get(client, "/evidence", "e")
    assert "见证：供应商" in page and "见证：评价方" in page and "<dt>supplier</dt>" not in page
    broken = signed.replace(signed.strip()[-12:], "AAAAAAAAAAA=")
    status, text, _ = await post(client, "/evidence/signatures", "s", {"note": broken})
    assert status == 422 and "errors" in text


async def test_a_later_checkpoint_covers_the_days_before(settings: Any) -> None:
    """Witnesses sign the newest day alone; the days before it are no longer told as unwitnessed."""
    with open_writer(settings) as writer:
        where = log_of(settings)
        Sealer(where, writer, delay_minutes=1, apart=False).round(LATER, checkpoint=False)
        with writer.transaction() as connection:
            note = newest_note(connection, hours=False)
        assert len(where.folder.days()) == 2
        for key in WITNESSES.values():
            note = note.with_signature(cosign(note.text, key, LATER // MICROSECONDS))
        add(writer, where, note.encode(), settings.evidence.witnesses, at=LATER, actor="供应商")
        with writer.transaction() as connection:
            first, second = log_state(connection, settings).days
    assert (first.signed, first.lacking) == ((), ()) and second.signed == ("evaluator", "supplier")


async def test_a_change_of_the_key_is_told_before_it_takes_hold(settings: Any) -> None:
    with open_writer(settings) as writer:
        new = rotate(writer, log_of(settings), at=AT, actor="管理")
    async with site_client(settings, PERSONS, at=AT) as client:
        _, found = await call(client, "GET", "/evidence", "e")
        assert (found["key"], found["key_announced"]) == (COLLECTOR.public().text(), new.text())
        assert new.text() in html.unescape((await get(client, "/evidence", "e"))[1])
    with open_writer(settings) as writer:
        Sealer(log_of(settings), writer, delay_minutes=1, apart=False).round(LATER, checkpoint=False)
    async with site_client(settings, PERSONS, at=LATER) as client:
        _, found = await call(client, "GET", "/evidence", "e")
        assert (found["key"], found["key_announced"]) == (new.text(), None)


async def test_a_sample_of_a_period_that_one_does_not_see_is_neither_offered_nor_packed(settings: Any) -> None:
    quarter = {**PERSONS, "q": replace(PERSONS["e"], name="按季", period="2020Q3")}
    async with site_client(settings, quarter, at=AT) as client:
        for period in ("2020Q3", "2020Q4"):
            wish = {"contract": "small", "period": period, "seed": "当场", "n": 2}
            assert (await call(client, "POST", "/evidence/samples", "e", wish))[0] == 201
        _, page = await get(client, "/evidence/packs?contract=small&year=2020", "q")
        assert "small/2020Q3/2/-/当场" in page and "2020Q4" not in page
        order = {"contract": "small", "period": "2020Q3", "which": "sample", "sample": "small/2020Q4/2/-/当场"}
        status, text, _ = await post(client, "/evidence/packs", "q", order)
        assert status == 422 and "no such sample" in text


async def test_a_refused_form_looked_at_again_leads_back_to_where_it_stood(client: Any) -> None:
    for path, where in (
        ("/evidence/signatures", "/evidence"),
        ("/evidence/challenges/reveal", "/evidence/challenges#reveal"),
    ):
        async with client.get(path, headers={WHO: "e"}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, where)


async def test_verifiers_are_saved_and_never_shown(client: Any) -> None:
    for kind in ("py", "html"):
        async with client.get(f"/evidence/verifier.{kind}", headers={WHO: "e"}) as response:
            assert response.status == 200
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert response.content_type == "application/octet-stream"
    async with client.get("/evidence/trust.json", headers={WHO: "e"}) as response:
        trust = json.loads(await response.read())
    assert trust["require"] == ["supplier", "evaluator"] and trust["origin"] == ORIGIN


async def test_a_sample_is_drawn_by_the_evaluators_seed_alone(client: Any) -> None:
    wish = {"contract": "small", "period": "2020-08", "seed": "当场", "n": "2"}
    assert (await post(client, "/evidence/samples", "d", wish))[0] == 403
    status, _, place = await post(client, "/evidence/samples", "e", wish)
    assert status == 303
    status, page = await get(client, place, "e")
    ranks = sorted(f"A-{n}" for n in (1, 2, 3, 4))
    ranks.sort(key=lambda code: hashlib.sha256(f"当场\n{code}".encode()).hexdigest())
    assert status == 200 and all(f"/points/{code}" in page for code in ranks[:2])
    assert all(f"/points/{code}" not in page for code in ranks[2:])
    assert (await get(client, place, "e-other"))[0] == 404
    async with client.get(f"{place}/sheet.csv", headers={WHO: "e"}) as response:
        assert ranks[0] in (await response.read()).decode("utf-8-sig")
    status, found = await call(client, "GET", "/evidence/samples", "e-other")
    assert status == 200 and found["items"] == []
    status, text, _ = await post(client, "/evidence/samples", "e", {**wish, "period": "never"})
    assert status == 422 and 'value="当场"' in text
    assert (await call(client, "POST", "/evidence/samples", "e-other", {**wish, "n": 2}))[0] == 404


async def test_a_challenge_is_committed_and_revealed(settings: Any) -> None:
    salt = "ab" * 32
    listed = b"point,at\nA-1,2021-07-06T18:30:00+08:00\nA-2,2021-07-06T18:31:00+08:00\n"
    known = hashlib.sha256(f"{salt}\n".encode() + listed).hexdigest()
    async with site_client(settings, PERSONS, at=AT) as client:
        status, _, place = await post(client, "/evidence/challenges", "e", {"sha256": known})
        assert status == 303 and place.endswith(known)
        assert "尚未揭示" in (await get(client, place, "l"))[1]
        status, text, _ = await post(client, "/evidence/challenges", "e", {"sha256": "short"})
        assert status == 422 and "short" in text
    seen = "point,at,seen,note\nA-1,2021-07-06T18:30:00+08:00,online,杆下\nA-2,2021-07-06T18:31:00+08:00,offline,\n"
    body = {"listed": base64.b64encode(listed).decode(), "salt": salt, "seen": seen, "contract": "small"}
    async with site_client(settings, PERSONS, at=LATER) as client:
        status, _ = await call(client, "POST", "/evidence/challenges/reveal", "e", {**body, "salt": "cd" * 32})
        assert status == 422
        files = {"listed": ("l.csv", listed), "salt": ("s", f"{salt}\n".encode()), "seen": ("o.csv", seen.encode())}
        status, where = await send(client, "/evidence/challenges/reveal", "e", files, contract="small")
        assert status == 303 and where == place
        status, found = await call(client, "GET", f"/evidence/challenges/{known}", "e")
        by = found["challenge"]["by_policy"]
        assert by["compared"] + by["unknown"] == 2 == len(found["moments"])
        assert {one["point"] for one in found["moments"]} == {"A-1", "A-2"}
        status, found = await call(client, "GET", f"/evidence/challenges/{known}", "e-other")
        assert status == 200 and found["moments"] == [] and found["challenge"]["by_policy"] is None


CLAIM = {"to": "exclude", "point": "A-1", "start": "2020-08-05T00:00", "end": "2020-08-05T04:00", "reason": "停电"}


async def test_a_correction_is_claimed_by_one_and_decided_by_another(client: Any) -> None:
    status, text, _ = await post(client, "/evidence/corrections", "d", {**CLAIM, "point": "A-9"})
    assert status == 422 and 'value="A-9"' in text and "no such point" in text
    assert (await post(client, "/evidence/corrections", "c", CLAIM))[0] == 403
    status, place = await send(client, "/evidence/corrections", "d", {"document": ("报备.pdf", b"%PDF-1 x")}, **CLAIM)
    assert status == 303, place
    status, found = await call(client, "GET", place, "l")
    effect = found["effects"][0]
    assert effect["quarter"] == "2020Q3"
    assert effect["after"]["excluded"] - effect["before"]["excluded"] == 4 * 3_600
    assert sum(effect["after"].values()) == sum(effect["before"].values())
    assert found["record"] is None
    assert (await post(client, place, "d", {"step": "approve"}))[0] == 403
    status, _, _ = await post(client, place, "c", {"step": "approve"})
    assert status == 303
    status, after = await call(client, "GET", place, "l")
    assert after["claim"]["approved_by"] == "复核" and after["effects"] == []
    assert json.loads(after["record"]["line"])["id"] == after["record"]["id"]
    async with client.get(f"{place}/document", headers={WHO: "l"}) as response:
        assert await response.read() == b"%PDF-1 x"
    async with client.get(f"{place}/document?what=rows", headers={WHO: "l"}) as response:
        assert "A-1,2020-08-05T00:00:00+08:00" in (await response.read()).decode()


async def test_a_refused_claim_changes_nothing_and_a_foreign_one_is_not_there(client: Any) -> None:
    status, found = await call(
        client,
        "POST",
        "/evidence/corrections",
        "d",
        {**CLAIM, "point": "A-4", "start": "2020-08-05T00:00:00+08:00", "end": "2020-08-05T01:00:00+08:00"},
    )
    assert status == 201
    place = f"/evidence/corrections/{found['items'][0]}"
    assert (await get(client, place, "s"))[0] == 404, "A-4 is another supplier's"
    assert (await call(client, "GET", place, "s"))[0] == 404
    status, text, _ = await post(client, place, "c", {"step": "refuse"})
    assert status == 422 and re.search("理由须为", text)
    assert (await post(client, place, "c", {"step": "refuse", "reason": "无依据"}))[0] == 303
    status, found = await call(client, "GET", place, "c")
    assert found["claim"]["status"] == "withdrawn" and found["effects"] == []


async def test_a_reclassification_needs_its_report_and_unknown_time(client: Any) -> None:
    wish = {**CLAIM, "to": "online"}
    assert "故障报告" in (await post(client, "/evidence/corrections", "d", wish))[1]
    rows = b"point,start,end,to,reason\nA-1,2020-08-05T00:00:00+08:00,2020-08-05T01:00:00+08:00,online,x\n"
    files = {"document": ("r.pdf", b"%PDF-1 y"), "rows": ("rows.csv", rows)}
    status, text = await send(client, "/evidence/corrections", "d", files, to="online")
    assert status == 422 and "rows.csv:2" in text and "nothing of the span is unknown" in text


async def test_a_pack_is_made_in_the_background_and_taken_by_whoever_sees_the_contract(
    client: Any, settings: Any
) -> None:
    fields = {"contract": "small", "period": "2020-08", "which": "all", "title_1": "立项批复"}
    status, where = await send(client, "/evidence/packs", "e", {"file_1": ("批复.pdf", b"%PDF-1.4 z")}, **fields)
    assert status == 303, where
    name = where.rpartition("/")[2]
    assert (await get(client, where, "e-other"))[0] == 404
    deadline = time.monotonic() + 60
    while (found := (await call(client, "GET", f"/evidence/packs/jobs/{name}", "e"))[1])["state"] in {
        "waiting",
        "making",
    }:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    assert found["state"] == "done", found
    status, body = await call(client, "GET", f"/evidence/packs/{name}/file", "l")
    assert status == 200 and hashlib.sha256(body).hexdigest() == found["pack"]["sha256"]
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        assert {"manifest.sig", "verifier.py", "verifier.html", "index.pdf"} <= set(pack.namelist())
        assert f"blobs/{hashlib.sha256(b'%PDF-1.4 z').hexdigest()}" in pack.namelist()
    page = (await get(client, f"/evidence/packs/{name}", "e"))[1]
    assert "最后的检查点还缺见证签名：供应商、评价方" in page and "四点位" in page
    for who, wanted in (("e", 200), ("l", 200), ("e-other", 404), ("s", 403)):
        assert (await get(client, f"/evidence/packs/{name}", who))[0] == wanted, who
    assert (await call(client, "GET", "/evidence/packs", "e-other"))[1]["items"] == []
    assert (settings.data_dir / "packs" / f"{name}.zip").stat().st_size == found["pack"]["bytes"]


async def test_what_can_be_packed_is_offered_and_a_sample_is_chosen_by_its_link(client: Any) -> None:
    _, page = await get(client, "/evidence/packs?contract=small&year=2020", "e")
    assert '<option value="2020Q2"' in page and '<option value="2020Q1"' not in page, (
        "the contract is in force from July"
    )
    assert "没有可打包的期间" in (await get(client, "/evidence/packs?contract=small&year=2019", "e"))[1]
    wish = {"contract": "small", "period": "2020-08", "seed": "当场", "n": "2"}
    _, _, place = await post(client, "/evidence/samples", "e", wish)
    link = re.search(r'href="(/evidence/packs\?[^"]*sample=[^"]*)"', (await get(client, place, "e"))[1])
    assert link is not None
    _, page = await get(client, html.unescape(link[1]).partition("#")[0], "e")
    assert re.search(r'value="sample"\s+checked', page) and re.search(r'value="2020-08"\s+selected', page)


async def test_an_order_that_cannot_be_made_says_why(client: Any) -> None:
    order = {"contract": "small", "period": "2020-08", "points": ["X-1"]}
    assert (await call(client, "POST", "/evidence/packs", "e", {**order, "period": "never"}))[0] == 422
    assert (await call(client, "POST", "/evidence/packs", "e-other", order))[0] == 404
    status, found = await call(client, "POST", "/evidence/packs", "e", order)
    assert status == 202
    deadline = time.monotonic() + 60
    while found["state"] in {"waiting", "making"}:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
        found = (await call(client, "GET", f"/evidence/packs/jobs/{found['id']}", "e"))[1]
    assert found["state"] == "failed" and "not a point of the contract" in found["findings"][0]["message"]
    assert "改后再打" in (await get(client, f"/evidence/packs/jobs/{found['id']}", "e"))[1]


async def test_a_running_period_is_measured_up_to_the_last_day_that_is_over(settings: Any) -> None:
    """What is still to come is no missing observation; months say themselves that they run."""
    async with site_client(settings, PERSONS, at=instant("2021-05-16T10:00:00")) as client:
        status, found = await call(client, "GET", "/scorecards/lease/card?contract=small&period=2021Q2", "e")
        assert status == 200
        assert [(one["month"], one["until"]) for one in found["months"]] == [("2021-04", ""), ("2021-05", "2021-05-15")]
        assert [one["unknown"] for one in found["months"]] == [0, 0], "nobody can have missed what is to come"
        online = next(one for one in found["measured"] if one["measure"] == "online-rate")
        assert online["den"] == 45 * 86_400 * 4 and "2021-05-15" in online["source"]
        _, page = await get(client, "/scorecards/lease?contract=small&period=2021Q2", "e")
        assert "进行中，至 2021-05-15" in page
        wish = {"contract": "small", "period": "2021Q2", "seed": "x", "n": 2}
        status, drawn = await call(client, "POST", "/evidence/samples", "e", wish)
        assert status == 201, drawn
        _, page = await get(client, f"/evidence/samples/{drawn['sha256']}", "e")
        assert "2021-05-15" in page and "0 秒" in page


async def test_a_year_is_a_period_and_what_fell_due_is_that_periods(client: Any) -> None:
    status, found = await call(client, "GET", "/scorecards/lease/card?contract=small&period=2020", "e")
    assert status == 200 and found["months"][0]["month"] == "2020-07"
    status, page = await get(client, "/scorecards/lease?contract=small&period=2020", "e")
    assert status == 200 and "取数评分" in page and "not a period" not in page
    status, page = await get(client, "/scorecards/lease?contract=small&period=20200", "e")
    assert status == 200 and "not a period" in page


async def test_a_measured_value_without_a_band_leaves_its_indicator_open_and_the_rest_scored(client: Any) -> None:
    """The Fengze rubric's tiers say nothing of 75 %..85 % and 90 %..95 %: no fault of whoever fills the card."""
    status, found = await call(client, "GET", "/scorecards/fengze/card?contract=small&period=2020-11", "e")
    assert status == 200, found
    rows = {row["id"]: row for group in found["card"]["groups"] for row in group["indicators"]}
    assert rows["integrity"]["measured"] and not found["card"]["complete"]
    inputs = "rubric: fengze\nperiod: 2020-11\nsource: x\nvalues:\n  access: {values: {value: '92%'}}\n"
    body = {"contract": "small", "period": "2020-11", "inputs": inputs}
    status, told = await call(client, "POST", "/scorecards/fengze/card", "e", body)
    assert status == 422, "what somebody gave and has no band is for them to mend"
    assert all("/tmp" not in one["file"] for one in told["errors"])


async def test_a_report_without_indicators_says_so(client: Any) -> None:
    assert "没有印出任何指标" in (await get(client, "/scorecards/yiyang", "e"))[1]


async def test_a_card_is_filled_from_the_record_and_from_a_file(client: Any) -> None:
    query = "contract=small&period=2020Q3"
    status, found = await call(client, "GET", f"/scorecards/lease/card?{query}", "e")
    assert status == 200 and not found["card"]["complete"]
    online = next(one for one in found["measured"] if one["measure"] == "online-rate")
    assert 0 < online["num"] < online["den"]
    assert [one["month"] for one in found["months"]] == ["2020-07", "2020-08", "2020-09"]
    assert [one["below"] for one in found["months"]] == [False, True, False]
    status, page = await get(client, f"/scorecards/lease?{query}", "e")
    assert status == 200 and "自动取数" in page and "/points?contract=small" in page
    assert (await get(client, f"/scorecards/lease?{query}", "e-other"))[0] == 404
    assert (await get(client, "/scorecards/nothing", "e"))[0] == 404
    inputs = "rubric: lease\nperiod: 2020Q3\nsource: 现场\nvalues:\n  use: {score: 7, reason: 调阅, evidence: [附 3]}\n"
    file = {"inputs": ("in.yaml", inputs.encode())}
    status, where = await send(client, "/scorecards/lease", "e", file, contract="small", period="2020Q3")
    assert status == 303, where
    status, page = await get(client, where, "e")
    assert status == 200 and "附 3" in page
    async with client.get(where.replace("?", "/sheet.xlsx?"), headers={WHO: "e"}) as response:
        assert response.status == 200 and (await response.read())[:2] == b"PK"
    async with client.get(where.replace("?", "/sheet.pdf?"), headers={WHO: "e"}) as response:
        assert response.status == 200 and (await response.read())[:5] == b"%PDF-"
    status, page = await get(client, where, "l")
    assert "is gone" in page, "a file is its owner's alone"
