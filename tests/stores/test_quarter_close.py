"""The quarter's close on both databases: what it stores, what it refuses, and that it does neither twice."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from sqlalchemy import text

from console.quarters import quarter as closing
from console.quarters import statement_life
from console.quarters.carried import Opening
from console.quarters.disputing import Ruling, decide, dispute
from console.quarters.statement_life import dues, issue, link, reconcile, take
from monitor.finding import InputError
from monitor.store.database import connect
from settlement.canonical import canonical
from settlement.inputs import from_document, settle_inputs
from settlement.life import State
from settlement.quarter import life
from settlement.store import contracts, statements
from tests.stores.quarters import (
    CONTRACT,
    NOW,
    POINTS,
    action,
    actions,
    contract,
    drafted,
    excluded,
    instant,
    issued,
    observe,
    ready,
    terms,
    upto,
    year,
)

TABLES = ("statements", "statement_steps", "statement_lines", "line_components", "granted_lines", "disputes", "journal")


def counts(store) -> dict[str, int]:
    return {name: store.rows(f"SELECT count(*) FROM {name}")[0][0] for name in (*TABLES, "audit")}


def gross(document, kind: str) -> str:
    (row,) = [line for line in statements.document_lines(document) if line["kind"] == kind]
    return row["gross"]


def test_a_quarter_prepaid_then_settled_from_what_was_issued(store):
    writer = ready(store)
    opening = issued(writer, "2020Q2").stored.document
    assert [line["kind"] for line in statements.document_lines(opening)] == ["next_prepayment"]
    assert gross(opening, "next_prepayment") == "1080.00"
    found = drafted(writer, "2020Q3")
    document = found.stored.document
    # 25.5 days of A-1 and 2 of A-2, of 4 × 92 point-days
    assert document["phases"][0]["rate"]["good"] == (4 * 92 * 2 - 51 - 4) * 43_200
    assert document["phases"][0]["rate"]["counted"] == 4 * 92 * 86_400
    assert gross(document, "prepayment") == "1080.00"
    assert gross(document, "payable") == "1110.33"
    assert gross(document, "deduction") == "89.67"
    assert gross(document, "true_up") == "30.33"
    assert document["totals"]["total"] == "1110.33"
    with connect(store.engine) as connection, connection.begin():
        lines = statements.lines(connection, found.stored.id)
        assert [(line["kind"], line["gross"]) for line in lines] == [
            (line["kind"], round(float(line["gross"]) * 100)) for line in statements.document_lines(document)
        ]
        for line in lines:
            assert line["gross"] == line["net"] + line["tax"]
            assert sum(part["gross"] for part in line["components"].values()) == line["gross"]


def test_the_same_inputs_are_the_same_bytes_and_add_nothing(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    first = drafted(writer, "2020Q3")
    before = counts(store)
    for at, today in ((NOW, date(2021, 7, 5)), (instant("2022-01-01T00:00:00"), date(2022, 1, 1))):
        again = drafted(writer, "2020Q3", at=at, today=today)
        assert (again.added, again.stored) == (False, first.stored)
    assert counts(store) == before
    upto(writer, "2020Q3", "issue")
    before = counts(store)
    again = drafted(writer, "2020Q3")
    assert (again.added, again.stored) == (False, first.stored)
    assert counts(store) == before


def test_anybody_recomputes_it_from_what_it_froze(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    stored = drafted(writer, "2020Q3").stored
    inputs = from_document(json.loads(stored.inputs))
    assert inputs.digest() == stored.inputs_sha
    assert canonical(settle_inputs(inputs)[1]) == stored.body
    frozen = json.loads(stored.inputs)
    assert frozen["contract_version"] == 1
    assert [row[0] for row in frozen["facts"]["p"]["roster"]] == ["A-1", "A-2", "A-3", "A-4"]
    assert frozen["software"].startswith("camsla ")
    assert frozen["evidence"]["exclusions"] == []


def test_other_inputs_are_an_error_that_names_them_and_a_draft_may_be_drafted_anew(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    first = drafted(writer, "2020Q3").stored
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-05T00:00:00")
    before = counts(store)
    with pytest.raises(InputError, match="made from other inputs") as caught:
        drafted(writer, "2020Q3")
    assert "[剔除] evidence.exclusions[0]" in str(caught.value)
    assert "[监测数据] facts.p." in str(caught.value)
    assert "--redraft" in str(caught.value)
    assert str(caught.value).count("[监测数据]") == 1, "each kind is named once"
    assert re.search(r"另有 \d+ 处 \d+ more", str(caught.value)), "with its first changes, and how many there are"
    assert counts(store) == before
    second = drafted(writer, "2020Q3", redraft=True)
    assert (second.added, second.stored.revision) == (True, 1)
    with connect(store.engine) as connection, connection.begin():
        assert statements.find(connection, CONTRACT, "2020Q3", 0) == first, "the first revision stays"
    upto(writer, "2020Q3", "reconcile")
    excluded(writer, "A-2", "2020-09-10T00:00:00", "2020-09-11T00:00:00")
    with pytest.raises(InputError, match="return it first"):
        drafted(writer, "2020Q3", redraft=True)
    take(writer, action("2020Q3", "复核", "少一条剔除"), "return")
    assert drafted(writer, "2020Q3", redraft=True).stored.revision == 2


def test_what_is_out_of_order_is_refused(store):
    writer = ready(store)
    with pytest.raises(InputError, match=r"--prepaid p=1080\.00") as caught:
        drafted(writer, "2020Q3")
    assert "2020Q2" in str(caught.value)
    drafted(writer, "2020Q2")
    with pytest.raises(InputError, match="2020Q2 尚未出具"):
        drafted(writer, "2020Q3")
    upto(writer, "2020Q2", "issue")
    drafted(writer, "2020Q3")
    with pytest.raises(InputError, match="2020Q3 尚未出具"):
        drafted(writer, "2020Q4")
    upto(writer, "2020Q3", "issue")
    with pytest.raises(InputError, match="the prepayment is what the quarter before issued"):
        drafted(writer, "2020Q4", opening=Opening(computed=True))
    with pytest.raises(InputError, match="the quarter is not over"):
        drafted(writer, "2020Q4", today=date(2020, 12, 31))
    assert drafted(writer, "2020Q4", today=date(2021, 1, 1)).added
    assert counts(store)["statements"] == 3


@pytest.mark.parametrize(
    ("opening", "prepaid", "note"),
    [
        (Opening({"p": 100_000}), "1000.00", ""),
        (Opening(computed=True), "1080.00", "no statement issued it"),
        (Opening({"p": 0}), "0.00", ""),
    ],
)
def test_a_store_that_begins_in_the_middle_is_told_what_was_prepaid(store, opening, prepaid, note):
    writer = ready(store)
    document = drafted(writer, "2020Q4", opening=opening).stored.document
    assert gross(document, "prepayment") == prepaid
    assert any(note in row["message"] for row in document["notices"]) or not note
    with pytest.raises(InputError, match="unknown phase: q"):
        drafted(writer, "2020Q4", opening=Opening({"q": 1}))
    with pytest.raises(InputError, match="2020Q4 尚未出具"):
        drafted(writer, "2021Q1", opening=opening)


# -- doubts


def straddling(store):
    """Two weeks of A-4 that nobody saw, with A-1 down: the target lies between worst and best."""
    writer = ready(store, terms(target="0.92"))
    with writer.transaction() as connection:
        connection.execute(
            text("UPDATE runs SET last_at = :at WHERE last_at > :at"), {"at": instant("2020-09-16T00:00:00")}
        )
    observe(writer, ("A-1", "2020-09-16T00:01:00", "2021-01-01T00:10:00", "ok"), name="more")
    observe(writer, ("A-2", "2020-09-16T00:01:00", "2021-01-01T00:10:00", "ok"), name="more")
    observe(writer, ("A-3", "2020-09-16T00:01:00", "2021-01-01T00:10:00", "ok"), name="more")
    issued(writer, "2020Q2")
    return writer


def test_bounds_on_both_sides_of_a_threshold_stop_the_close_unless_overridden(store):
    writer = straddling(store)
    before = counts(store)
    with pytest.raises(InputError) as caught:
        drafted(writer, "2020Q3")
    (finding,) = caught.value.findings
    assert finding.column == "p 2020Q3"
    assert "92 %" in finding.message
    assert "A-4" in finding.message
    assert "A-1" not in finding.message
    assert counts(store) == before
    done = drafted(writer, "2020Q3", override="供应商书面确认在线")
    assert any("供应商书面确认在线" in row["message"] for row in done.stored.document["notices"])
    ((reason,),) = store.rows("SELECT reason FROM statement_steps WHERE statement_id = 2 AND n = 0")
    assert reason == "供应商书面确认在线"
    ((after,),) = store.rows("SELECT after FROM audit WHERE action = 'statement.draft' ORDER BY id DESC LIMIT 1")
    assert json.loads(after)["reason"] == "供应商书面确认在线"
    with pytest.raises(InputError, match="made from other inputs"):
        drafted(writer, "2020Q3", override="别的理由")


def test_too_little_known_stops_the_close(store):
    policy = terms().document()["policy"] | {"minimum_coverage": "0.97"}
    writer = ready(store, terms(policy=policy))
    issued(writer, "2020Q2")
    with writer.transaction() as connection:
        connection.execute(text("DELETE FROM runs WHERE point_id = (SELECT id FROM points WHERE code = 'A-3')"))
    with pytest.raises(InputError, match="coverage is below what the contract asks for") as caught:
        drafted(writer, "2020Q3")
    assert "A-3" in str(caught.value)


def test_an_override_of_nothing_is_refused(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    with pytest.raises(InputError, match="there is nothing to override"):
        drafted(writer, "2020Q3", override="以防万一")


def test_a_phase_that_cannot_be_settled_gets_its_next_prepayment_alone_and_is_settled_later(store):
    writer = ready(store)
    with writer.transaction() as connection:
        connection.execute(text("DELETE FROM runs"))
    issued(writer, "2020Q2")
    with pytest.raises(InputError, match="not assessable"):
        drafted(writer, "2020Q3")
    done = issued(writer, "2020Q3", override="全季无数据").stored.document
    assert [(row["kind"], row["gross"]) for row in statements.document_lines(done)] == [("next_prepayment", "1080.00")]
    assert [row["phase"] for row in done["not_settled"]] == ["p"]
    for point in ("A-1", "A-2", "A-3", "A-4"):
        observe(writer, (point, "2020-07-01T00:00:00", "2021-01-01T00:10:00", "ok"), name=point)
    document = drafted(writer, "2020Q4").stored.document
    (adjustment,) = document["adjustments"]
    assert (adjustment["parent"], adjustment["gross"]) == ("2020Q3/0/0/p", "120.00")


def test_what_was_prepaid_for_a_quarter_in_which_nothing_is_billed_is_paid_back(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    issued(writer, "2020Q3")
    with writer.transaction() as connection:
        connection.execute(text("UPDATE point_facts SET billed_until = '2020-10-01'"))
    document = issued(writer, "2020Q4").stored.document
    assert [(line["kind"], line["gross"]) for line in statements.document_lines(document)] == [
        ("prepayment", "1080.00"),
        ("payable", "0.00"),
        ("deduction", "0.00"),
        ("true_up", "-1080.00"),
        ("next_prepayment", "0.00"),
    ]
    assert document["not_settled"] == []


def test_what_was_prepaid_for_points_that_left_the_contract_is_paid_back(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    with writer.transaction() as connection:
        connection.execute(text("UPDATE point_facts SET contract = 'another'"))
    document = drafted(writer, "2020Q3").stored.document
    assert gross(document, "true_up") == "-1080.00"
    assert drafted(writer, "2020Q3").added is False


# -- versions of the contract


def test_a_version_never_reaches_back(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    first = issued(writer, "2020Q3").stored
    dearer = terms(
        phases=[
            {
                "id": "p",
                "unit_price": "100.00",
                "in_service_from": "2020-07-01",
                "months": 12,
                "prices": [{"from": "2020-10-01", "unit_price": "200.00"}],
            }
        ]
    )
    with pytest.raises(InputError, match="a quarter that has been issued") as caught:
        contract(writer, dearer, date(2020, 7, 1))
    assert "2020-10-01" in str(caught.value)
    with pytest.raises(InputError, match="first day of a quarter"):
        contract(writer, dearer, date(2020, 11, 1))
    with pytest.raises(InputError, match="names the day"):
        contract(writer, dearer)
    other = [{"id": "q", "unit_price": "100.00", "in_service_from": "2020-07-01", "months": 12}]
    with pytest.raises(InputError, match="missing from the new version"):
        contract(writer, terms(phases=other), date(2020, 10, 1))
    assert store.rows("SELECT count(*) FROM contract_versions") == [(1,)]
    assert contract(writer, dearer, date(2020, 10, 1)) == 2
    with connect(store.engine) as connection, connection.begin():
        assert closing.difference_today(connection, first, date(2021, 7, 5)) == ([], []), (
            "earlier seconds are as they were"
        )
        assert contracts.in_force(connection, CONTRACT, date(2020, 9, 30)).version == 1
        assert contracts.in_force(connection, CONTRACT, date(2020, 10, 1)).version == 2
    fourth = drafted(writer, "2020Q4").stored
    assert fourth.version == 2
    assert fourth.document["phases"][0]["full_fee"]["gross"] == "2400.00"
    assert gross(fourth.document, "prepayment") == gross(first.document, "next_prepayment"), (
        "as issued, at the old price"
    )


def test_two_persons_put_a_version_in_force(store):
    writer = ready(store)
    other = terms(title="补充协议")
    with writer.transaction() as connection:
        found, added = contracts.add(connection, writer.audit, other, date(2021, 1, 1), (), at=NOW, actor="a")
        assert (found.version, added) == (2, True)
        assert contracts.add(connection, writer.audit, other, date(2021, 1, 1), (), at=NOW, actor="b") == (found, False)
    for actor, number, message in (
        ("a", 2, "whoever added"),
        ("Ａ", 2, "whoever added"),
        ("os:A", 2, "whoever added"),
        ("b", 3, "no such version"),
        ("b", 1, "approved already"),
    ):
        with pytest.raises(InputError, match=message), writer.transaction() as connection:
            contracts.approve(connection, writer.audit, CONTRACT, number, (), at=NOW, actor=actor)
    with connect(store.engine) as connection, connection.begin():
        assert contracts.in_force(connection, CONTRACT, date(2021, 1, 1)).version == 1
    with pytest.raises(InputError, match="2021Q1"), writer.transaction() as connection:
        contracts.approve(connection, writer.audit, CONTRACT, 2, ("2021Q1",), at=NOW, actor="b")
    with writer.transaction() as connection:
        assert contracts.approve(connection, writer.audit, CONTRACT, 2, (), at=NOW, actor="b").approved_by == "b"
    with connect(store.engine) as connection, connection.begin():
        assert contracts.in_force(connection, CONTRACT, date(2021, 1, 1)).version == 2
        before = instant("2021-07-05T08:59:59")
        assert contracts.in_force(connection, CONTRACT, date(2021, 1, 1), before) is None
    assert store.rows("SELECT action FROM audit WHERE object = 'small v2' ORDER BY id") == [
        ("contract.add",),
        ("contract.approve",),
    ]


def test_a_version_does_not_displace_one_of_a_later_day(store):
    writer = ready(store)
    contract(writer, terms(title="二"), date(2021, 4, 1))
    contract(writer, terms(title="三"), date(2020, 10, 1))
    contract(writer, terms(title="四"), date(2021, 4, 1))
    with connect(store.engine) as connection, connection.begin():
        days = (date(2020, 9, 30), date(2020, 10, 1), date(2021, 3, 31), date(2021, 4, 1))
        found = [contracts.in_force(connection, CONTRACT, day).version for day in days]
    assert found == [1, 3, 3, 4]


def test_a_statement_of_a_version_that_is_no_longer_in_force_is_not_issued(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    upto(writer, "2020Q3", "approve")
    contract(writer, terms(title="补充协议"), date(2020, 10, 1))
    contract(writer, terms(title="补充协议二"), date(2020, 7, 1))
    with pytest.raises(InputError, match="another version of the contract is in force"):
        issue(writer, action("2020Q3", "经办"))


# -- life


def test_every_step_is_audited_with_who_and_why(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    take(writer, action("2020Q2", "财务", "单据齐"), "request-payment")
    assert actions(store) == [
        ("statement.draft", "经办"),
        ("statement.reconcile", "经办"),
        ("statement.confirm", "供应商"),
        ("statement.check", "复核"),
        ("statement.approve", "审批"),
        ("statement.issue", "经办"),
        ("statement.request-payment", "财务"),
    ]
    ((after,),) = store.rows("SELECT after FROM audit WHERE action = 'statement.request-payment'")
    assert json.loads(after)["state"] == "payment-requested"
    assert json.loads(after)["reason"] == "单据齐"
    assert len(json.loads(after)["body_sha"]) == 64


def test_two_approvals_by_one_person_leave_nothing_behind(store):
    writer = ready(store)
    drafted(writer, "2020Q2")
    upto(writer, "2020Q2", "check")
    before = counts(store)
    for actor in ("复核", "经办", "供应商"):
        with pytest.raises(InputError, match=r"different persons|acted for the other side"):
            link(writer, action("2020Q2", actor), ("approve",))
    assert counts(store) == before


def test_an_issue_that_cannot_be_posted_does_not_happen(store, monkeypatch):
    writer = ready(store)
    drafted(writer, "2020Q2")
    upto(writer, "2020Q2", "approve")
    before = counts(store)

    def broken(*_args, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr(statement_life, "post_issue", broken)
    with pytest.raises(ZeroDivisionError):
        issue(writer, action("2020Q2", "经办"))
    assert counts(store) == before
    monkeypatch.undo()
    done = issue(writer, action("2020Q2", "经办"))
    assert done.life.state is State.ISSUED
    assert store.rows("SELECT sum(fen), count(*) FROM postings") == [(0, 2)]


def test_a_statement_whose_bytes_were_changed_is_not_issued(store):
    writer = ready(store)
    stored = drafted(writer, "2020Q2").stored
    upto(writer, "2020Q2", "approve")
    with writer.transaction() as connection:
        changed = stored.body.replace('"1080.00"', '"9080.00"')
        connection.execute(text("UPDATE statements SET body = :body"), {"body": changed})
    with pytest.raises(InputError, match="the document is not that of the digest") as caught:
        issue(writer, action("2020Q2", "经办"))
    assert "9080.00" in str(caught.value)


# -- disputes and corrections


def test_what_is_contested_is_decided_by_another_and_the_rest_goes_on(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    reconcile(writer, action("2020Q3", "经办"))
    number, _ = dispute(writer, action("2020Q3", "供应商", "八月停电"), 3, "", 5_000)
    other, outcome = dispute(writer, action("2020Q3", "供应商", "九月施工"), 3, "A-2", None)
    assert outcome.life.state is State.DISPUTED
    with pytest.raises(InputError, match="is contested already"):
        dispute(writer, action("2020Q3", "供应商", "又一次"), 3, "A-2", None)
    with connect(store.engine) as connection, connection.begin():
        assert dues(connection, outcome.stored)[0] == dues(connection, outcome.stored).undisputed_fen == 111_033
        assert dues(connection, outcome.stored).contested_fen > 5_000
    upto_issue = [
        lambda: link(writer, action("2020Q3", "复核"), ("check",)),
        lambda: link(writer, action("2020Q3", "审批"), ("approve",)),
        lambda: issue(writer, action("2020Q3", "经办")),
    ]
    for step in upto_issue:
        step()
    for actor, message in (
        ("供应商", "raised the dispute"),
        ("os:供 应商", "raised the dispute"),
        ("经办", "maker and checker"),
        ("经　办", "maker and checker"),
    ):
        with pytest.raises(InputError, match=message):
            decide(writer, action("2020Q3", actor, "意见"), Ruling(number, "upheld"))
    decide(writer, action("2020Q3", "复核", "证据部分成立"), Ruling(number, "partly", 3_000))
    with pytest.raises(InputError, match="is decided already"):
        decide(writer, action("2020Q3", "复核", "改主意"), Ruling(number, "upheld"))
    decide(writer, action("2020Q3", "复核", "补判后重算"), Ruling(other, "accepted", None, "data"))
    document = issued(writer, "2020Q4").stored.document
    (line,) = document["adjustments"]
    assert (line["gross"], line["parent"]) == ("30.00", "2020Q3/0/3"), "the other grant comes through data, not twice"
    assert gross(drafted(writer, "2021Q1").stored.document, "payable")
    assert drafted(writer, "2021Q1").stored.document["adjustments"] == [], "delivered once"
    assert store.rows("SELECT count(*) FROM granted_lines") == [(1,)]


def test_a_grant_is_an_advance_on_what_a_recomputation_brings(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    reconcile(writer, action("2020Q3", "经办"))
    number, _ = dispute(writer, action("2020Q3", "供应商", "单价"), 2, "", 700)
    decide(writer, action("2020Q3", "复核", "同意"), Ruling(number, "accepted"))
    link(writer, action("2020Q3", "复核"), ("check",))
    link(writer, action("2020Q3", "审批"), ("approve",))
    first = issue(writer, action("2020Q3", "经办")).stored
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00")
    fourth = issued(writer, "2020Q4").stored
    # 15.5 + 2 days down of 4 × 92 − 10 point-days: 1,200 × (1 − 17.5/358) = 1,141.34
    assert [(row["parent"], row["gross"]) for row in fourth.document["adjustments"]] == [
        ("2020Q3/0/2", "24.01"),
        ("2020Q3/0/2", "7.00"),
    ]
    excluded(writer, "A-1", "2020-08-13T00:00:00", "2020-08-28T12:00:00")
    fifth = drafted(writer, "2021Q1").stored
    # 2 days down of 4 × 92 − 25.5: 1,200 × (1 − 2/342.5) = 1,192.99; 1,192.99 − 1,110.33 − 7 − 24.01
    assert [(row["parent"], row["gross"]) for row in fifth.document["adjustments"]] == [("2020Q3/0/2", "51.65")]
    with connect(store.engine) as connection, connection.begin():
        assert statements.find(connection, CONTRACT, "2020Q3") == first
        assert life(connection, first).final


def test_claims_and_grants_together_stay_within_the_deduction(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    first = drafted(writer, "2020Q3").stored.document
    reconcile(writer, action("2020Q3", "经办"))
    number, _ = dispute(writer, action("2020Q3", "供应商", "x"), 3, "", None)
    for line, point, claim in ((3, "A-1", None), (2, "A-1", None), (2, "", 1), (4, "", 1)):
        with pytest.raises(InputError, match="contested or granted already"):
            dispute(writer, action("2020Q3", "供应商", "x"), line, point, claim)
    decide(writer, action("2020Q3", "决定", "同意"), Ruling(number, "accepted"))
    with pytest.raises(InputError, match="contested or granted already"):
        dispute(writer, action("2020Q3", "供应商", "x"), 2, "", 1)
    link(writer, action("2020Q3", "复核"), ("check",))
    link(writer, action("2020Q3", "审批"), ("approve",))
    issue(writer, action("2020Q3", "经办"))
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-28T12:00:00")
    rows = drafted(writer, "2020Q4").stored.document["adjustments"]
    assert [row["gross"] for row in rows] == [gross(first, "deduction")], "the recomputation is within the grant"


def test_a_redraft_supersedes_disputes_and_says_so(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    reconcile(writer, action("2020Q3", "经办"))
    numbers = [dispute(writer, action("2020Q3", "供应商", "x"), line, "", 1_000)[0] for line in (2, 3)]
    decide(writer, action("2020Q3", "决定", "同意"), Ruling(numbers[0], "accepted"))
    take(writer, action("2020Q3", "复核", "重来"), "return")
    excluded(writer, "A-2", "2020-09-10T00:00:00", "2020-09-12T00:00:00")
    again = drafted(writer, "2020Q3", redraft=True)
    assert [f.column for f in again.findings if "superseded" in f.message] == [f"dispute {n}" for n in numbers]
    upto(writer, "2020Q3", "reconcile")
    with pytest.raises(InputError, match="drafted anew"):
        decide(writer, action("2020Q3", "决定", "同意"), Ruling(numbers[1], "accepted"))
    most = gross(again.stored.document, "deduction")
    whole, _ = dispute(writer, action("2020Q3", "供应商", "x"), 3, "", None)
    decide(writer, action("2020Q3", "决定", "同意"), Ruling(whole, "accepted"))
    link(writer, action("2020Q3", "复核"), ("check",))
    link(writer, action("2020Q3", "审批"), ("approve",))
    issue(writer, action("2020Q3", "经办"))
    rows = drafted(writer, "2020Q4").stored.document["adjustments"]
    assert [(row["parent"], row["gross"]) for row in rows] == [("2020Q3/1/3", most)]


def test_months_are_settled_and_corrected_month_by_month(store):
    writer = ready(store, terms(grain="month"))
    issued(writer, "2020Q2")
    first = issued(writer, "2020Q3").stored.document
    payables = [line for line in statements.document_lines(first) if line["kind"] == "payable"]
    # 400; 400 × 98.5 / 124; 400 × 118 / 120
    assert [(line["n"], line["window"], line["gross"]) for line in payables] == [
        (2, "2020-07", "400.00"),
        (3, "2020-08", "317.74"),
        (4, "2020-09", "393.33"),
    ]
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00")
    document = drafted(writer, "2020Q4").stored.document
    # 400 × 98.5 / 114 = 345.61
    assert [(row["parent"], row["gross"]) for row in document["adjustments"]] == [("2020Q3/0/3", "27.87")]


def test_a_rule_that_looks_at_points_is_closed_and_corrected_like_the_rest(store):
    week = {"kind": "point-elimination", "id": "一周", "hours": 168, "over": ">"}
    writer = ready(store, terms(rules=[week]))
    issued(writer, "2020Q2")
    first = issued(writer, "2020Q3").stored.document
    (rule,) = [rule for rule in first["phases"][0]["rules"] if rule["rule"] == "一周" and rule["items"]]
    assert [(item["point"], item["amount"]) for item in rule["items"]] == [("A-1", "100.00")]
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-25T00:00:00")
    (row,) = drafted(writer, "2020Q4").stored.document["adjustments"]
    assert row["parent"] == "2020Q3/0/2"
    with connect(store.engine) as connection, connection.begin():
        then = closing.as_known(connection, CONTRACT, closing.Quarter(2020, 3), NOW)
    # 84 hours of August are left: under the limit, and A-1 is back in the pool
    assert float(row["gross"]) == round(float(gross(then.document, "payable")) - float(gross(first, "payable")), 2)
    assert float(row["gross"]) > 0


def test_a_quarter_as_it_was_known_then(store):
    early, late = instant("2021-07-06T00:00:00"), instant("2021-07-07T00:00:00")
    writer = ready(store)
    issued(writer, "2020Q2")
    original = issued(writer, "2020Q3").stored.document
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00", at=late)
    observe(writer, ("A-3", "2020-06-01T00:00:00", "2020-06-02T00:00:00", "ok"), name="late", at=late)
    fourth = issued(writer, "2020Q4", at=instant("2021-07-07T01:00:00"))
    assert fourth.stored.document["adjustments"]

    def known(at):
        with connect(store.engine) as connection, connection.begin():
            return closing.as_known(connection, CONTRACT, closing.Quarter(2020, 3), at)

    then, now = known(early), known(instant("2021-07-08T00:00:00"))
    assert gross(then.document, "payable") == gross(original, "payable")
    assert then.document["phases"] == original["phases"], "line by line"
    assert gross(now.document, "payable") == "1141.34"
    assert (then.adjusted, len(now.adjusted)) == ((), 1)
    assert then.issued is not None
    with pytest.raises(InputError, match="no version") as caught:
        known(instant("2021-07-01T00:00:00"))
    assert "2021-07-05T09:00:00+08:00" in str(caught.value), "says when the version was recorded"
    assert "contract add" not in str(caught.value)


def test_what_was_known_is_judged_on_its_own_day(store):
    facts = {"contract": CONTRACT, "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    store.add_points(*POINTS, **facts)
    writer, early = store.writer(), instant("2020-10-01T09:00:00")
    observe(writer, *((p, "2020-07-01T00:00:00", "2020-10-01T00:10:00", "ok") for p in POINTS), at=early)
    clause = {"pays": "authority", "by_day": 30, "if_missing": "provisional-own"}
    contract(writer, terms(authority=clause), at=early)
    with connect(store.engine) as connection, connection.begin():
        quarter = closing.Quarter(2020, 3)
        due = closing.as_known(connection, CONTRACT, quarter, instant("2020-10-30T23:59:59"))
        over = closing.as_known(connection, CONTRACT, quarter, instant("2020-10-31T00:00:00"))
    assert due.document["phases"] == [], "the authority's figure could still come"
    assert gross(over.document, "payable"), "our own, provisionally"


def test_a_quarter_before_the_version_is_settled_under_none(store):
    facts = {"contract": CONTRACT, "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    store.add_points(*POINTS, **facts)
    writer = store.writer()
    year(writer)
    contract(writer, terms(), date(2020, 10, 1))
    before = counts(store)
    for quarter in ("2020Q2", "2020Q3"):
        with pytest.raises(InputError, match="no version") as caught:
            drafted(writer, quarter, opening=Opening(computed=True))
        assert "v1 2020-10-01" in str(caught.value)
    assert counts(store) == before
    assert drafted(writer, "2020Q4", opening=Opening(computed=True)).stored.version == 1
    contract(writer, terms(), date(2020, 7, 1))
    with connect(store.engine) as connection, connection.begin():
        found = closing.version_for(connection, CONTRACT, closing.Quarter(2020, 2))
        assert found.version == 2, "the first prepayment"
        with pytest.raises(InputError, match="no version"):
            closing.version_for(connection, CONTRACT, closing.Quarter(2020, 1))


def test_runs_that_were_imported_later_are_not_known_before(store):
    first, late = NOW, instant("2021-08-01T00:00:00")
    writer = ready(store)
    with writer.transaction() as connection:
        connection.execute(text("DELETE FROM runs WHERE point_id = (SELECT id FROM points WHERE code = 'A-4')"))
    observe(writer, ("A-4", "2020-07-01T00:00:00", "2021-07-01T00:10:00", "timeout"), name="late", at=late)

    def rate(at):
        with connect(store.engine) as connection, connection.begin():
            found = closing.as_known(connection, CONTRACT, closing.Quarter(2020, 3), at)
        return found.document["phases"][0]["rate"]["counted"] // 86_400

    assert (rate(first), rate(late)) == (3 * 92, 4 * 92)


def test_somebody_else_was_faster(store):
    writer = ready(store)
    order = closing.Order(CONTRACT, closing.Quarter(2020, 2))
    with connect(store.engine) as connection, connection.begin():
        slow = closing.prepare(connection, order, date(2021, 7, 5))
    drafted(writer, "2020Q2")
    with pytest.raises(InputError, match="somebody else drafted"), writer.transaction() as connection:
        closing.store(connection, writer.audit, slow, reason="", at=NOW, actor="慢")
    assert counts(store)["statements"] == 1
