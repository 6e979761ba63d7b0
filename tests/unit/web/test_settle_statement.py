"""The quarter in the browser: who sees which button, how a statement lives, why its amounts are what they are."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.settle_site import AT, PERSONS, RULES, Q, call, drafted, made, step, upto
from tests.site_app import WHO, get, post, site_client
from tests.stores.quarters import NOW

LIFE = (("h", "reconcile"), ("s", "confirm"), ("c", "check"), ("a", "approve"), ("h", "issue"))


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path, rules=RULES), PERSONS, at=NOW) as found:
        yield found


async def test_the_prepayment_comes_first_and_the_next_quarter_takes_it(client: Any) -> None:
    _, board = await get(client, "/settlement?waiting=true", "h")
    assert "/settlement/small/2020Q2" in board  # the quarter before the service
    _, page = await get(client, f"{AT}/2020Q2/draft", "h")
    assert "首个季度的预付" in page
    assert "prepaid-p" not in page
    assert (await post(client, f"{AT}/2020Q2/draft", "h", {}))[0] == 303
    _, shown = await get(client, f"{AT}/2020Q2", "h")
    assert "1,080.00" in shown  # 4 × 100.00 × 3 × 90 %
    for who, word in LIFE:
        fields = {"word": word, "seen_revision": "0", "seen_steps": str(LIFE.index((who, word)) + 1)}
        assert (await post(client, f"{AT}/2020Q2/steps", who, fields))[0] == 303
    assert (await post(client, f"{Q}/draft", "h", {}))[0] == 303  # the prepayment is as issued
    _, why = await get(client, f"{Q}/why/1", "h")
    assert "已出具的预付" in why
    assert f'href="{AT}/2020Q2?revision=0#phase-p"' in why


async def test_a_first_quarter_wants_to_know_what_was_prepaid(client: Any) -> None:
    status, text, _ = await post(client, f"{Q}/draft", "h", {})
    assert status == 422
    assert "没有更早的结算单" in text
    status, text, _ = await post(client, f"{Q}/draft", "h", {"prepaid": "given", "prepaid-p": "十元"})
    assert status == 422
    assert 'value="十元"' in text
    status, _, place = await post(client, f"{Q}/draft", "h", {"prepaid": "given", "prepaid-p": "1,000.00"})
    assert (status, place) == (303, Q)
    assert "1,000.00" in (await get(client, f"{Q}/why/prepaid", "h"))[1]


async def test_buttons_stand_where_the_life_allows_them_and_say_why_not(client: Any) -> None:
    await drafted(client)
    _, handler = await get(client, Q, "h")
    assert "核对完毕，送供应商确认</button>" in handler
    _, leader = await get(client, Q, "l")
    assert "<button disabled>核对完毕" in leader
    assert "由财务经办办理" in leader
    await step(client, "h", "reconcile")
    _, supplier = await get(client, Q, "s")
    assert 'value="confirm"' in supplier
    assert 'value="return"' not in supplier
    assert (await step(client, "s", "confirm"))[0] == 303
    assert (await post(client, f"{Q}/steps", "s", {"word": "check", "seen_revision": "0", "seen_steps": "3"}))[0] == 403
    status, text, _ = await step(client, "h", "return")  # a person of the chain, though without a reason
    assert status == 303, text
    _, draft = await get(client, Q, "h")
    assert 'aria-current="step">草稿' in draft


async def test_maker_and_checker_are_different_persons(client: Any, monkeypatch: Any) -> None:
    from console.web.access import FINANCE
    from tests.site_app import person

    monkeypatch.setitem(PERSONS, "h", person("经办", *FINANCE))
    await upto(client, ("h", "reconcile"), ("s", "confirm"))
    _, text = await get(client, Q, "h")
    assert "<button disabled>复核通过" in text
    assert "不能再由同一人办理" in text
    status, text, _ = await post(client, f"{Q}/steps", "h", {"word": "check", "seen_revision": "0", "seen_steps": "3"})
    assert status == 422
    assert "不能再由同一人办理" in text


async def test_of_two_who_approve_at_once_the_second_is_told_who_did(client: Any) -> None:
    await upto(client, ("h", "reconcile"), ("s", "confirm"), ("c", "check"))
    same = {"word": "approve", "seen_revision": "0", "seen_steps": "4"}
    assert (await post(client, f"{Q}/steps", "a", same))[0] == 303
    status, text, _ = await post(client, f"{Q}/steps", "a2", same)
    assert status == 409
    assert "审批 已于" in text
    body = {"step": "approve", "seen": {"revision": 0, "steps": 4}}
    status, problem = await call(client, "POST", "/statements/small/2020Q3/steps", "a2", body)
    assert (status, "审批 已于" in problem["detail"]) == (409, True)


async def test_every_amount_leads_to_its_reason_and_to_the_points_under_it(client: Any) -> None:
    await drafted(client)
    _, page = await get(client, Q, "h")
    links = set(re.findall(rf'href="({Q}/why/[^"]+)"', page))
    assert {f"{Q}/why/{n}" for n in ("1", "2", "3", "4", "5", "total", "payable", "full-fee")} <= links
    for link in links:
        assert (await get(client, link, "h"))[0] == 200, link
    _, why = await get(client, f"{Q}/why/2", "h")
    assert "第九条" in why
    assert "单点故障合计超过 168 小时" in why
    number = re.search(rf'href="{Q}/rules/(\d+)"', why)
    assert number is not None
    _, rule = await get(client, f"{Q}/rules/{number[1]}", "h")
    assert f"{Q}/points/A-1" in rule
    _, point = await get(client, f"{Q}/points/A-1", "h")
    assert 'href="/points/A-1"' in point
    outage = re.search(r'href="(/points/A-1/outages/\d+)"', point)
    assert outage is not None
    assert (await get(client, outage[1], "h"))[0] == 200
    assert "612 h" in point  # from 3 August 00:00 until 28 August 12:00
    assert "没有单点规则扣到该点位" in (await get(client, f"{Q}/points/A-3", "h"))[1]
    assert (await get(client, f"{Q}/why/99", "h"))[0] == 404
    assert (await get(client, f"{Q}/why/x", "h"))[0] == 404


async def test_points_lines_add_up_are_found_sorted_and_exported(client: Any) -> None:
    await drafted(client)
    _, rows = await call(client, "GET", "/statements/small/2020Q3/points", "h")
    _, whole = await call(client, "GET", "/statements/small/2020Q3", "h")
    fen = [int(row["payable"].replace(".", "")) for row in rows["items"]]
    assert sum(fen) == int(whole["totals"]["payable"].replace(".", ""))
    assert [row["code"] for row in rows["items"]] == ["A-1", "A-2", "A-3", "A-4"]
    _, found = await get(client, f"{Q}/points?q=a-2", "h")
    assert "A-2" in found
    assert "A-3" not in found
    _, touched = await get(client, f"{Q}/points?touched=true&sort=-code&size=1", "h")
    assert "A-1" in touched
    assert "A-4" not in touched
    _, text = await get(client, f"{Q}/points?format=json&sort=deduction", "h")
    assert {row["code"] for row in json.loads(text)} == {"A-1", "A-2", "A-3", "A-4"}


async def test_a_reader_sees_his_contracts_and_his_points_only(client: Any) -> None:
    await drafted(client)
    assert (await get(client, Q, "t"))[0] == 404
    assert (await get(client, "/settlement", "o"))[0] == 403
    _, board = await get(client, "/settlement", "t")
    assert "2020Q3" not in board
    _, lines = await get(client, f"{Q}/points", "s")
    assert "A-1" in lines
    assert "A-4" not in lines
    assert (await get(client, f"{Q}/points/A-4", "s"))[0] == 404
    _, rows = await call(client, "GET", "/statements/small/2020Q3/points", "s")
    assert [row["code"] for row in rows["items"]] == ["A-1", "A-2", "A-3"]
    assert (await call(client, "GET", "/statements/small/2020Q3", "t"))[0] == 404


async def test_a_further_revision_is_compared_with_the_one_before(client: Any) -> None:
    await drafted(client)
    status, text, _ = await post(client, f"{Q}/draft", "h", {"prepaid": "given", "prepaid-p": "5"})
    assert status == 422
    assert "按其他输入做成" in text
    assert (await post(client, f"{Q}/draft", "h", {"prepaid": "given", "prepaid-p": "5", "redraft": "true"}))[0] == 303
    _, page = await get(client, f"{Q}/history?one=0&other=1&check=true", "h")
    assert "before.prepaid" in page
    assert "逐字节一致" in page
    assert "起草结算单" in page
    _, old = await get(client, f"{Q}?revision=0", "h")
    assert "旧版" in old
    assert 'name="word"' not in old


async def test_the_money_page_shows_dues_and_entries_once_issued(client: Any) -> None:
    await upto(client, *LIFE[:-1])
    assert "出具后才产生应付款" in (await get(client, f"{Q}/money", "h"))[1]
    assert (await step(client, "h", "issue"))[0] == 303
    _, money = await get(client, f"{Q}/money", "h")
    assert "2020Q3/0/5" in money
    assert "预付" in money
    status, text = await get(client, f"{Q}/journal.beancount", "h")
    assert status == 200
    assert "balance Liabilities:Payable" in text
    _, needed = await get(client, f"{Q}/history?today=true&on=2021-07-05", "h")
    assert "不需要调整" in needed
    assert "当时已出具" in needed
    _, board = await get(client, "/settlement?state=issued", "h")
    assert "申请支付" in board
    assert "待办" in board


async def test_papers_are_made_once_and_kept(client: Any, tmp_path: Any) -> None:
    await drafted(client)
    for _ in range(2):
        async with client.get(f"{Q}/paper.xlsx", headers={WHO: "l"}) as response:
            assert response.status == 200
            assert (await response.read())[:2] == b"PK"
    assert [path.suffix for path in (tmp_path / "papers").iterdir()] == [".xlsx"]
    status, found = await call(client, "GET", "/statements/small/2020Q3/papers/svg", "l")
    assert status == 200
    assert b"<svg" in found


async def test_english_has_every_word_of_the_statement(client: Any) -> None:
    await drafted(client)
    async with client.get(Q, headers={WHO: "h", "Cookie": "camsla-language=en"}) as response:
        text = await response.text()
    assert "Net due now" in text
    assert "From full fee to net due" in text


def test_points_are_found_as_if_each_were_looked_at() -> None:
    from types import SimpleNamespace

    from console.settling.point_table import found_points
    from console.settling.view import PointLine

    lines = [PointLine("p", f"XJ{n:05d}", n, n, 0, 0, 0, "剔点" if n % 7 == 0 else "") for n in range(2_000)]
    view: Any = SimpleNamespace(points=lines)
    for words in ("0042", "xj", "剔 1", "00000", "zz", "1 7"):
        for sort in ("", "-full", "rules"):
            got = found_points(view, "sha", sort, words, phase="p", touched=False, seen=None)
            naive = [n for n in lines if all(word in f"{n.code}\n{n.rules}".casefold() for word in words.split())]
            assert sorted(got) == sorted(naive), words
            assert sort != "-full" or [n.full_fen for n in got] == sorted((n.full_fen for n in naive), reverse=True)


async def test_a_prepayment_line_names_the_quarter_that_it_pays(client: Any) -> None:
    await drafted(client)
    _, page = await get(client, Q, "h")
    row = re.search(r"<td>下季预付</td><td>([^<]+)</td>", page)
    assert row is not None
    assert row[1] == "2020Q4"
    row = re.search(r"<td>应付金额</td><td>([^<]+)</td>", page)
    assert row is not None
    assert row[1] == "2020Q3"
