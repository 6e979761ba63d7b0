"""Contracts, statements, documents and the authority's files leave records in the transaction that makes them so."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from console.documents.handed_in import keep, vouch
from console.quarters.disputing import dispute
from console.quarters.statement_life import Paper
from monitor.finding import InputError
from monitor.model import Instant
from monitor.store import log_batches
from monitor.store.database import connect
from monitor.store.log_ledger import ledger
from settlement.store import authority as files
from settlement.store.tables import contract_versions, documents, statements
from tests.stores.made import at, sample
from tests.stores.quarters import CONTRACT, NOW, action, drafted, issued, ready, upto
from tests.stores.test_store_authority import figure, file

LETTER = "%PDF-1.7 异议函".encode()


def records(store: Any, *kinds: str) -> list[dict[str, Any]]:
    found = [json.loads(body) for (body,) in store.rows("SELECT body FROM outbox WHERE kind = 'att' ORDER BY id")]
    return [record for record in found if record["what"] in kinds]


def test_a_quarter_leaves_its_contract_inputs_statement_and_issue(store):
    writer = ready(store)
    issued(writer, "2020Q2")
    (contract,) = records(store, "contract")
    assert (contract["id"], contract["version"], contract["actor"]) == (CONTRACT, 1, "批准")
    assert contract["of"] == {"added_by": "录入", "effective_from": "2020-07-01"}
    made = records(store, "inputs", "statement", "issued")
    assert [(r["what"], r["id"], r["version"]) for r in made] == [
        (what, f"{CONTRACT}/2020Q2", 0) for what in ("inputs", "statement", "issued")
    ]
    assert made[1]["sha256"] == made[2]["sha256"]
    with connect(store.engine) as connection, connection.begin():
        terms = connection.scalar(select(contract_versions.c.terms))
        stored = connection.execute(select(statements.c.inputs, statements.c.body)).one()
    for record, text in zip([contract, *made[:2]], (terms, *stored), strict=True):
        assert record["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_refused_leaves_no_record(store):
    writer = ready(store)
    drafted(writer, "2020Q2")
    before = store.rows("SELECT count(*) FROM outbox")
    with pytest.raises(InputError):
        upto(writer, "2020Q2", "confirm") and upto(writer, "2020Q2", "reconcile")
    assert store.rows("SELECT count(*) FROM outbox") == before


def test_a_paper_is_recorded_once_with_its_bytes_in_the_store(store):
    writer = ready(store)
    drafted(writer, "2020Q2")
    upto(writer, "2020Q2", "reconcile")
    paper = replace(action("2020Q2", "供应商", "单价"), paper=Paper(LETTER, "异议函.pdf"))
    dispute(writer, paper, 1, "", 700)
    with writer.transaction() as connection:
        assert keep(writer, connection, LETTER, "again.pdf", at=NOW, actor="王五")[1] is False
    (record,) = records(store, "document")
    assert (record["media"], record["of"], record["actor"]) == ("application/pdf", {"name": "异议函.pdf"}, "供应商")
    with connect(store.engine) as connection, connection.begin():
        assert connection.scalar(select(documents.c.body)) == LETTER
    assert record["sha256"] == record["id"] == hashlib.sha256(LETTER).hexdigest()


def test_a_file_of_the_authority_is_vouched_for_step_by_step(store):
    writer = store.writer()
    for step, actor in (("import", "甲"), ("check", "乙"), ("withdraw", "丙")):
        with writer.transaction() as connection:
            if step == "import":
                stored, _ = files.add_file(connection, file("a", figure("P1", 90)), at=Instant(1), actor=actor)
            vouch(writer, connection, stored, step, at=Instant(5), actor=actor)
    found = records(store, "authority")
    assert [(r["of"]["step"], r["actor"]) for r in found] == [("import", "甲"), ("check", "乙"), ("withdraw", "丙")]
    assert {(r["id"], r["version"], r["sha256"]) for r in found} == {(f"c/{stored.sha256}", 0, stored.sha256)}


# -- what the seal asks of the tables


def test_the_ledger_as_the_log_keeps_it(store):
    store.add_points("a", accepted_on="2020-06-01", phase="p", extra='{"unit_price":"628"}', **{"class": "一类"})
    with connect(store.engine, writes=True) as connection, connection.begin():
        for sql in (
            "UPDATE point_facts SET valid_to = 100",
            "INSERT INTO point_facts (point_id, valid_from, valid_to, recorded_at, actor, accepted_on, phase, extra, class,"
            " address) SELECT point_id, 100, 200, 0, 'x', accepted_on, phase, extra, class, '人民路' FROM point_facts",
            "INSERT INTO point_facts (point_id, valid_from, recorded_at, actor, phase) SELECT id, 200, 50, 'x', 'q' FROM points",
            "INSERT INTO cameras (id) VALUES (7)",
            "INSERT INTO occupancies (point_id, camera_id, valid_from, recorded_at, actor) SELECT id, 7, 0, 60, 'x' FROM points",
        ):
            connection.exec_driver_sql(sql)
    with connect(store.engine) as connection, connection.begin():
        early, late = ledger(connection, Instant(49)), ledger(connection, Instant(60))
    first = {
        "accepted_on": "2020-06-01",
        "area": "",
        "billed_from": None,
        "billed_until": None,
        "category": "一类",
        "contract": "",
        "phase": "p",
        "price": "628",
        "retired_on": None,
        "supplier": "",
    }
    assert early == {"a": {"facts": [[0, 200, first]], "pauses": [], "stays": []}}, "another address divides nothing"
    blank = {**first, "accepted_on": None, "category": "", "phase": "q", "price": ""}
    assert late["a"]["facts"] == [[0, 200, first], [200, None, blank]]
    assert late["a"]["stays"] == [["7", 0, None]]


def test_batches_are_covered_in_pieces_and_around_a_hole(store):
    store.add_points("a")
    writer = store.writer()
    writer.resume("local", at(0))
    for seq in range(1, 8):
        writer.commit_batch("local", seq, [sample("a", 60 * seq)])
    digests = [bytes.fromhex(sha) for (sha,) in store.rows("SELECT sha256 FROM batches ORDER BY seq")]
    with writer.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM batches WHERE seq = 5")
        assert log_batches.cover(connection, at(900), most=2)
        assert log_batches.cover(connection, at(900), most=2)
        assert log_batches.cover(connection, at(900), most=2)
        assert not log_batches.cover(connection, at(900), most=3)
        assert not log_batches.cover(connection, at(901))
    bodies = [json.loads(body) for (body,) in store.rows("SELECT body FROM outbox WHERE kind = 'agt' ORDER BY id")]
    assert [(r["first"], r["last"], r["n"]) for r in bodies] == [(1, 2, 2), (3, 4, 2), (6, 7, 2)]
    assert bodies[0]["sha256"] == hashlib.sha256(b"".join(digests[:2])).hexdigest()
    assert bodies[2]["sha256"] == hashlib.sha256(b"".join(digests[5:7])).hexdigest()
    assert {(r["vantage"], r["key"], r["sig"]) for r in bodies} == {("local", "", "")}
