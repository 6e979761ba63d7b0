"""Contracts on pages and by programs: in words, as YAML, their versions, what they leave open, what a change would pay."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.contracts import load_contract
from console.settling.clauses import changed_clauses, clauses_of
from console.settling.jobs import read_contract
from console.settling.rule_sentences import SENTENCES
from console.settling.written import contract_text
from settlement.families.registry import FAMILIES
from tests.settle_site import PERSONS, RULES, call, drafted, made
from tests.site_app import get, post, site_client
from tests.stores.quarters import NOW, terms

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path, rules=RULES), PERSONS, at=NOW) as found:
        yield found


def rules_of_the_docs() -> list[str]:
    found = re.findall(r"```yaml\n(.*?)```", (DOCS / "rules.md").read_text("utf-8"), re.S)
    return [text if text.startswith("- ") else "- " + text.replace("\n", "\n  ") for text in found]


def with_rule(rule: str) -> str:
    reading = "none" if "pro-rata" in rule or "substituted" in rule else "A"
    head = f"contract: z\ntax_rate: 0.06\ntarget: 90%\nprepay_share: 90%\ngrain: month\nreading: {reading}\nrules:\n"
    phase = '\nphases:\n  - {id: p, unit_price: "628.00", in_service_from: 2020-01-01, months: 60}\n'
    return head + "\n".join(f"  {line}" for line in rule.rstrip().splitlines()) + phase


@pytest.mark.parametrize("rule", rules_of_the_docs(), ids=lambda text: text.split("kind: ")[1].split("\n")[0][:24])
def test_every_rule_of_the_documentation_is_written_back_and_said_in_words(rule: str) -> None:
    found = read_contract("z.yaml", with_rule(rule)).required()
    assert read_contract("again.yaml", contract_text(found)).required() == found
    said = [clause.text for clause in clauses_of(found, str) if clause.key]
    assert len(said) == len(found.rules)
    assert all("{" not in text and "None" not in text for text in said)


def test_every_family_has_a_sentence_and_the_reference_contract_is_written_back() -> None:
    assert SENTENCES.keys() == FAMILIES.keys()
    found = load_contract(Path("xinjian"))
    assert read_contract("x.yaml", contract_text(found)).required() == found
    text = (DOCS / "contract.md").read_text("utf-8")
    whole = re.search(r"```yaml\n(contract: example-2021.*?)```", text, re.S)
    assert whole is not None
    full = read_contract("full.yaml", whole[1]).required()
    assert read_contract("again.yaml", contract_text(full)).required() == full


def test_versions_are_compared_clause_by_clause() -> None:
    changed = changed_clauses(terms(), terms(target="0.95", rules=RULES), str)
    assert [row.about.split("　")[0] for row in changed] == ["考核线", "规则 剔点"]
    assert changed[0].before == "在线率不低于 90 %。"
    assert changed[1].before == ""
    assert changed[1].after.endswith("（第九条）")


async def test_a_contract_is_shown_in_words_with_its_clause(client: Any) -> None:
    _, text = await get(client, "/contracts/small", "l")
    assert "单点故障合计超过 168 小时" in text
    assert "第九条" in text
    assert "线路费 60.00" in text
    assert "生效中" in text
    assert (await get(client, "/contracts/small", "t"))[0] == 404
    assert "small" not in (await get(client, "/contracts", "t"))[1].split("<main", 1)[1]
    _, data = await call(client, "GET", "/contracts/small/versions/1", "l")
    assert data["terms"]["contract"] == "small"
    assert read_contract("y", data["yaml"]).required() == terms(rules=RULES)


async def test_readings_tell_the_spread_and_the_cliffs(client: Any) -> None:
    _, text = await get(client, "/contracts/small/readings?rate=0.8362", "l")
    assert "口径差异" in text
    assert "临界跳变" in text
    assert "1,003.44" in text  # the ledger's 4 points × 100.00 × 3 × 83.62 %
    assert "p 4 点" in text
    status, found = await call(client, "GET", "/contracts/small/readings?rate=0.8362", "l")
    assert status == 200
    paid = {row["reading"]: row["payable"] for row in found["rates"][0]["readings"]}
    assert (paid["A"], paid["C"]) == ("1003.44", "1123.44")
    assert found["rules_left_out"] == ["剔点"]
    assert "不是" in (await get(client, "/contracts/small/readings?rate=abc", "l"))[1]


async def test_a_version_is_refused_with_every_line_then_added_and_approved_by_another(client: Any) -> None:
    good = contract_text(terms(target="0.95"))
    bad = good.replace("target: 95%", "tarbet: 95%").replace("100.00", "x")
    status, text, _ = await post(client, "/contracts/small/new", "h", {"text": bad, "effective_from": "2021-07-01"})
    assert status == 422
    assert text.count("<li><strong>第") >= 3
    assert "tarbet: 95%" in text  # what was typed is kept
    status, text, _ = await post(client, "/contracts/small/new", "h", {"text": good})
    assert status == 422
    assert "补充协议须写明生效日" in text
    status, _, place = await post(client, "/contracts/small/new", "h", {"text": good, "effective_from": "2021-07-01"})
    assert (status, place) == (303, "/contracts/small?version=2")
    assert (await post(client, "/contracts/small/versions/2/approve", "h", {}))[0] == 403
    assert (await post(client, "/contracts/small/versions/2/approve", "a", {}))[0] == 303
    status, text, _ = await post(client, "/contracts/small/versions/2/approve", "a2", {})
    assert status == 409
    assert "审批" in text
    _, page = await get(client, "/contracts/small/compare?one=1&other=2", "l")
    assert "在线率不低于 95 %" in page
    assert "+target: 95%" in page


async def test_whoever_added_a_version_cannot_approve_it(client: Any, monkeypatch: Any) -> None:
    from console.web.access import Role
    from tests.site_app import person

    monkeypatch.setitem(PERSONS, "a", person("审批", Role.HANDLER, Role.APPROVER))
    body = {"yaml": contract_text(terms(target="0.8")), "effective_from": "2021-07-01"}
    status, found = await call(client, "POST", "/contracts", "a", body)
    assert (status, found["version"], found["status"]) == (201, 2, "待批准")
    status, problem = await call(client, "POST", "/contracts/small/versions/2/approve", "a")
    assert status == 422
    assert "不能由同一人批准" in problem["detail"]
    assert (await call(client, "POST", "/contracts/small/versions/2/approve", "a2"))[0] == 200


async def test_what_if_shows_each_quarters_difference_and_its_progress(client: Any) -> None:
    changed = contract_text(terms(reading="C"))
    status, text, _ = await post(client, "/contracts/small/what-if", "h", {"text": changed})
    assert status == 422
    assert "还没有可试算的季度" in text
    await drafted(client)
    status, _, place = await post(client, "/contracts/small/what-if", "h", {"text": changed})
    assert status == 303
    for _ in range(100):
        _, page = await get(client, place, "h")
        if "every 1s" not in page:
            break
        await asyncio.sleep(0.05)
    assert "1 / 1 个季度" in page
    assert (await get(client, place, "a"))[0] == 404  # a trial is its owner's alone
    status, found = await call(client, "POST", "/contracts/small/what-if", "h", {"yaml": changed})
    assert status == 200
    assert found["quarters"][0]["quarter"] == "2020Q3"
    before, after = (found["quarters"][0][name] for name in ("payable_before", "payable_after"))
    assert before in page.replace(",", "")
    assert float(after) > float(before)
    _, problem = await call(client, "POST", "/contracts/lint", "h", {"yaml": "contract: x\nbad: 1\n"})
    assert {error["line"] for error in problem["errors"]} >= {1, 2}
