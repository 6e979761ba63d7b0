"""Dues, payments, invoices and the account statement in the console: lateness, errors kept, reversal, whose they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.clock import wall_now
from console.web.access import Role
from monitor.scope import Scope
from tests.money_site import PNG, issued
from tests.site_app import WHO, get, person, post, settings_at, site_client
from tests.unit.web.test_settle_authority import api, send

PERSONS = {
    "经办": person("经办", Role.HANDLER),
    "复核": person("复核", Role.CHECKER),
    "领导": person("领导", Role.LEADER),
    "数据员": person("数据员", Role.CLERK),
    "供应商": person("供应商", Role.SUPPLIER, scope=Scope(frozenset({"lease"}), None, "乙方")),
    "别家": person("别家", Role.SUPPLIER, scope=Scope(supplier="丙方")),
    "外地": person("外地", Role.HANDLER, scope=Scope(contracts=frozenset({"other"}))),
}
NEXT, TRUE_UP = "2020Q3/0/5", "2020Q3/0/4"
NOW = wall_now()
TODAY = datetime.fromtimestamp(NOW / 1e6, ZoneInfo("Asia/Shanghai")).date()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with site_client(settings_at(issued(tmp_path)), PERSONS, at=wall_now()) as found:
        yield found


async def dues(client: Any, who: str = "经办") -> dict[str, dict[str, Any]]:
    _, found = await api(client, "GET", "/payments/dues", who)
    return {row["due"]: row for row in found["items"]}


async def test_the_tracker_says_what_is_late_and_what_that_costs(client: Any) -> None:
    row = (await dues(client))[NEXT]
    late = (TODAY - date(2020, 10, 30)).days
    interest = (678_240 * late * 5 + 5_000) // 10_000  # fen, half up: 6,782.40 yuan at 0.05 % a day
    assert (row["open"], row["due_on"], row["days_late"]) == ("6782.40", "2020-10-30", [late, late])
    assert row["interest"] == [f"{interest / 100:.2f}"] * 2
    _, page = await get(client, "/payments", "领导")
    assert "合同总金额" in page and "120,576.00" in page and f"{late:,}" in page and "已出具，未申请支付" in page
    assert "申请支付</button>" not in page  # who only reads gets no buttons
    _, detail = await get(client, f"/payments/dues/lease/{NEXT}", "领导")
    assert "6,782.40 × " in detail and 'href="/settlement/lease/2020Q3"' in detail
    _, then = await get(client, "/payments?on=2020-11-01&format=json", "经办")
    assert then == "[]"  # the statement was not issued yet on that day


async def test_a_payment_from_request_to_reversal(client: Any) -> None:
    form = {"contract": "lease", "due": NEXT, "amount": "6,782.40", "paid_first": "2020-12-15", "voucher": "V-1"}
    status, page, _ = await post(client, "/payments/new", "经办", form)
    assert status == 422 and "尚未申请支付" in page and 'value="6,782.40"' in page
    assert (await post(client, "/payments/requests", "复核", {"contract": "lease", "quarter": "2020Q3"}))[0] == 403
    assert (await post(client, "/payments/requests", "经办", {"contract": "lease", "quarter": "2020Q3"}))[0] == 303
    for change, said in (
        ({"amount": "9999"}, "超出"),
        ({"amount": "x"}, "不是金额"),
        ({"paid_first": "2999-01-01"}, "付款日在今天之后"),
        ({"voucher": ""}, "请填写"),
        ({"project": "没有"}, "没有这个预算项目"),
    ):
        status, page, _ = await post(client, "/payments/new", "经办", {**form, **change})
        assert status == 422 and said in page
    status, _, where = await send(client, "/payments/new", "经办", form, receipt=("回单.png", PNG))
    assert status == 303
    async with client.get(f"{where}/receipt", headers={WHO: "领导"}) as response:
        assert await response.read() == PNG
    assert (await post(client, "/payments/new", "经办", form))[2] == where  # the same voucher again adds nothing
    row = (await dues(client))[NEXT]
    assert (row["open"], row["days_late"], row["status"]) == ("0.00", [46, 46], "settled")
    status, page, _ = await post(client, f"{where}/reverse", "经办", {"reason": ""})
    assert status == 422
    assert (await post(client, f"{where}/reverse", "领导", {"reason": "误"}))[0] == 403
    status, _, back = await post(client, f"{where}/reverse", "经办", {"reason": "付错"})
    assert status == 303 and back != where
    assert (await dues(client))[NEXT]["open"] == "6782.40"
    _, balances = await get(client, "/payments/account?contract=lease", "领导")
    assert "科目余额（合计 0.00）" in balances


async def test_a_quarter_is_paid_in_one_and_counts_against_the_total(client: Any) -> None:
    await post(client, "/payments/requests", "经办", {"contract": "lease", "quarter": "2020Q3"})
    whole = sum(round(float(row["open"]) * 100) for row in (await dues(client)).values())
    body = {"contract": "lease", "due": "2020Q3", "amount": f"{whole / 100:.2f}", "paid_first": "2020-12-10",
            "paid_last": "2020-12-15", "voucher": "V-2"}  # fmt: skip
    status, done = await api(client, "POST", "/payments", "经办", json=body)
    assert (status, len(done["payments"]), done["added"]) == (201, 2, True)
    assert (await dues(client))[NEXT]["days_late"] == [41, 46]
    _, found = await api(client, "GET", "/payments/contracts", "领导")
    paid = 678_240 + whole  # the prepayment made before these books counts
    assert (found["items"][0]["paid"], found["items"][0]["open"]) == (f"{paid / 100:.2f}", "0.00")
    status, problem = await api(client, "POST", "/payments", "经办", json={**body, "voucher": "V-3"})
    assert status == 422 and problem["errors"][0]["field"] == "amount"
    status, _ = await api(client, "POST", f"/payments/{done['payments'][0]}/reversal", "经办", json={"reason": "误"})
    assert status == 201
    _, first = await api(client, "GET", "/payments?limit=2", "经办")
    _, rest = await api(client, "GET", f"/payments?after={first['next']}", "经办")
    assert len({row["payment"] for row in first["items"] + rest["items"]}) == 4


async def test_invoices_by_component_and_the_credit_invoice(client: Any) -> None:
    form = {"number": "N-1", "contract": "lease", "issued_on": "2020-12-01", "due": NEXT}
    status, _, _ = await post(client, "/payments/invoices/new", "经办", form)
    assert status == 303
    _, found = await api(client, "GET", "/payments/invoices", "领导")
    one = found["items"][0]
    assert (one["gross"], one["net"], one["tax"]) == ("6782.40", "6398.50", "383.90")
    assert [(x["component"], x["gross"]) for x in one["lines"]] == [
        ("integration", "3877.20"), ("line", "1317.60"), ("platform", "1587.60")]  # fmt: skip
    status, page, _ = await post(client, "/payments/invoices/new", "经办", {**form, "number": "N-2", "amount": "1"})
    assert status == 422 and "可开票余额 0.00" in page
    credit = {"number": "R-1", "contract": "lease", "issued_on": "2020-11-01", "reverses": "N-1", "amount": "782.40"}
    status, page, _ = await post(client, "/payments/invoices/new", "经办", credit)
    assert status == 422 and "早于原发票" in page
    assert (await post(client, "/payments/invoices/new", "经办", {**credit, "issued_on": "2020-12-20"}))[0] == 303
    _, page = await get(client, "/payments/invoices/one?number=N-1", "领导")
    assert "6,000.00" in page and "R-1" in page
    _, csv = await get(client, "/payments/invoices?kind=credit&format=csv", "领导")
    assert "R-1" in csv and "-782.4" in csv and "红字发票" in csv


async def test_the_journal_leaves_as_beancount(client: Any) -> None:
    status, text = await get(client, "/payments/account/beancount?contract=lease", "领导")
    assert status == 200 and "Liabilities:Payable:C-lease:P-phase-2" in text and "balance" in text
    _, rows = await api(client, "GET", "/payments/account?contract=lease&limit=1000", "领导")
    assert round(sum(float(row["amount"]) for row in rows["items"]), 2) == 0


async def test_whose_money_it_is(client: Any) -> None:
    assert set(await dues(client, "供应商")) == set(await dues(client)) and await dues(client, "别家") == {}
    for path in (f"/payments/dues/lease/{NEXT}", "/payments/made/1"):
        assert (await get(client, path, "供应商"))[0] == 200
        assert (await get(client, path, "别家"))[0] == 404
        assert (await get(client, path, "外地"))[0] == 404
    assert (await get(client, "/payments/account?contract=lease", "外地"))[0] == 404
    assert (await get(client, "/payments/account", "供应商"))[0] == 403  # the books are the purchaser's
    _, csv = await get(client, "/payments/made?format=csv", "供应商")
    assert "预算" not in csv and "lease" in csv
    assert (await get(client, "/payments", "数据员"))[0] == 403
    form = {"contract": "lease", "due": NEXT, "amount": "1", "paid_first": "2020-12-15", "voucher": "V"}
    assert (await post(client, "/payments/new", "外地", form))[0] == 404
    assert (await post(client, "/payments/new", "复核", form))[0] == 403
    assert (await api(client, "POST", "/payments", "外地", json=form))[0] == 404


async def test_a_whole_quarter_paid_at_once_shows_the_others_of_its_voucher(client: Any) -> None:
    await post(client, "/payments/requests", "经办", {"contract": "lease", "quarter": "2020Q3"})
    owed = {name: row for name, row in (await dues(client)).items() if name.startswith("2020Q3/") and row["open"]}
    total = sum(float(row["open"]) for row in owed.values() if float(row["open"]) > 0)
    form = {
        "contract": "lease",
        "due": "2020Q3",
        "amount": f"{total:,.2f}",
        "paid_first": "2021-01-05",
        "voucher": "拨-9",
    }
    status, _, place = await post(client, "/payments/new", "经办", form)
    assert status == 303
    parts = [row for row in owed.values() if float(row["open"]) > 0]
    _, page = await get(client, place, "经办")
    assert len(parts) > 1
    assert f"同一凭证共 {len(parts)} 笔" in page
    assert f"合计 {total:,.2f} 元" in page
    assert "监控点位租赁" in page  # the contract by its title
    number = place.rpartition("/")[2]
    await post(client, f"/payments/made/{number}/reverse", "经办", {"reason": "凭证号写错"})
    _, page = await get(client, place, "经办")
    assert "同一凭证共" not in page  # it no longer stands
    _, account = await get(client, "/payments/account?contract=lease&size=200", "经办")
    assert "冲回：凭证号写错" in account


async def test_an_amount_with_a_stray_comma_is_not_taken_for_another(client: Any) -> None:
    await post(client, "/payments/requests", "经办", {"contract": "lease", "quarter": "2020Q3"})
    form = {"contract": "lease", "due": NEXT, "paid_first": "2021-01-05", "voucher": "V-1"}
    status, page, _ = await post(client, "/payments/new", "经办", {**form, "amount": "1,00"})
    assert status == 422 and "千分位不对" in page and 'value="1,00"' in page
    status, _, _ = await post(client, "/payments/new", "经办", {**form, "amount": "６，７８２．４０"})
    assert status == 303
    assert (await dues(client))[NEXT]["open"] == "0.00"
