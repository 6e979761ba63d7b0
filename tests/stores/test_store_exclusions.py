"""Exclusions: two people, append-only, and only what stands counts."""

from __future__ import annotations

import hashlib
import json

import pytest

from monitor.finding import InputError
from monitor.model import Exclusion
from monitor.scope import EVERYTHING, Scope
from monitor.store.database import reading
from monitor.store.exclusions import approve, claim, exclusions_for, listed, revoke
from monitor.store.imports import Origin
from tests.stores.made import at

ORIGIN = Origin("typhoon.csv", hashlib.sha256(b"typhoon").hexdigest())
DAY = (at(0), at(86_400))


def claimed(writer, *rows, actor="ann", origin=ORIGIN):
    with writer.transaction() as connection:
        return claim(connection, writer.audit, list(rows), actor=actor, at=at(0), origin=origin)


def approved(writer, numbers, actor="bob"):
    with writer.transaction() as connection:
        return approve(connection, writer.audit, numbers, actor=actor, at=at(5))


def revoked(writer, number, actor="ann"):
    with writer.transaction() as connection:
        return revoke(connection, writer.audit, number, actor=actor, at=at(9), reason="not the typhoon")


def counted(store, scope=EVERYTHING, window=DAY):
    with reading(store.engine) as connection:
        return exclusions_for(connection, scope, window)


def status(store):
    with reading(store.engine) as connection:
        return {row.id: row.status for row in listed(connection, EVERYTHING)}


def row(point, start, end, cause="停电"):
    return Exclusion(point, at(start), at(end), cause)


@pytest.fixture
def writer(store):
    store.add_points("a", area="north")
    store.add_points("b", area="south")
    return store.writer()


def test_only_what_a_second_person_approved_counts(store, writer):
    first, second = claimed(writer, row("b", 0, 60), row("a", 30, 90))
    assert counted(store) == []
    for spelling in ("ann", "Ann", " ＡＮＮ", "os:ann"):
        with pytest.raises(InputError, match="claimant cannot approve"):
            approved(writer, [first, second], actor=spelling)
    assert approved(writer, [first]) == 1
    assert counted(store) == [row("b", 0, 60)]
    assert approved(writer, [second], actor="cy") == 1
    assert counted(store) == [row("a", 30, 90), row("b", 0, 60)]
    assert counted(store, Scope(areas=frozenset({"south"}))) == [row("b", 0, 60)]
    assert counted(store, window=(at(60), at(90))) == [row("a", 30, 90)]


def test_approval_is_all_or_nothing_and_names_every_row(store, writer):
    (mine,) = claimed(writer, row("a", 0, 60))
    (yours,) = claimed(writer, row("a", 0, 60), actor="bob", origin=Origin("x", "0" * 64))
    with pytest.raises(InputError) as caught:
        approved(writer, [mine, yours, 999])
    assert [f.column for f in caught.value.findings] == [str(yours), "999"]
    assert counted(store) == []
    approved(writer, [mine])
    with pytest.raises(InputError, match="already"):
        approved(writer, [mine], actor="cy")


def test_the_same_file_again_is_the_same_claim(store, writer):
    numbers = claimed(writer, row("a", 0, 60), row("b", 0, 60))
    assert claimed(writer, row("a", 0, 60), row("b", 0, 60), actor="cy") == numbers
    assert len(status(store)) == 2


def test_bad_rows_are_all_reported_and_none_kept(store, writer):
    with pytest.raises(InputError) as caught:
        claimed(writer, row("a", 0, 60), row("x", 0, 60), row("b", 60, 60))
    assert [(f.line, f.column) for f in caught.value.findings] == [(3, "point"), (4, "end")]
    assert status(store) == {}
    assert store.rows("SELECT * FROM imports") == []


def test_a_pending_claim_is_withdrawn_at_once(store, writer):
    (number,) = claimed(writer, row("a", 0, 60))
    back = revoked(writer, number)
    assert status(store) == {number: "withdrawn", back: "revocation"}
    with pytest.raises(InputError, match="withdrawn"):
        approved(writer, [number])


def test_an_approved_one_is_withdrawn_by_two_people(store, writer):
    (number,) = claimed(writer, row("a", 0, 60))
    approved(writer, [number])
    before = store.rows(f"SELECT * FROM exclusions WHERE id = {number}")
    back = revoked(writer, number, actor="bob")
    assert counted(store) == [row("a", 0, 60)]
    with pytest.raises(InputError, match="claimant cannot approve"):
        approved(writer, [back], actor="bob")
    approved(writer, [back], actor="ann")
    assert counted(store) == []
    assert status(store)[number] == "withdrawn"
    assert store.rows(f"SELECT * FROM exclusions WHERE id = {number}") == before, "the original stays as it was"
    with pytest.raises(InputError, match="is withdrawn by"):
        revoked(writer, number)
    with pytest.raises(InputError, match="no such claim"):
        revoked(writer, back)


def test_every_step_is_audited_and_approvals_are_evidence(store, writer):
    (number,) = claimed(writer, row("a", 0, 60))
    approved(writer, [number])
    back = revoked(writer, number)
    approved(writer, [back])
    assert store.rows("SELECT actor, action FROM audit ORDER BY id") == [
        ("ann", "exclusions.claim"),
        ("bob", "exclusions.approve"),
        ("ann", "exclusions.revoke"),
        ("bob", "exclusions.approve"),
    ]
    records = [json.loads(body) for (body,) in store.rows("SELECT body FROM outbox WHERE kind = 'adj' ORDER BY id")]
    assert [(r["what"], r["claimed_by"], r["approver"], r["cause"]) for r in records] == [
        ("exclude", "ann", "bob", "停电"),
        ("revoke", "ann", "bob", "not the typhoon"),
    ]
    assert {(r["document"], r["point"], r["start"], r["end"], r["to"]) for r in records} == {
        (ORIGIN.sha256, "a", at(0), at(60), "")
    }
    # Typed by hand from the row's content: the digest must not depend on row numbers or on the database.
    content = (
        '{"cause":"停电","claimed_at":1593532800000000,"claimed_by":"ann","document":"' + ORIGIN.sha256 + '",'
        '"end":1593532860000000,"point":"a","start":1593532800000000,"target":"","to":"","what":"exclude"}'
    )
    assert records[0]["id"] == hashlib.sha256(content.encode()).hexdigest()
    assert (records[0]["target"], records[1]["target"]) == ("", records[0]["id"])


def test_what_was_never_approved_never_reaches_the_log(store, writer):
    (number,) = claimed(writer, row("a", 0, 60))
    back = revoked(writer, number)
    approved(writer, [back])
    assert store.rows("SELECT count(*) FROM outbox WHERE kind = 'adj'") == [(0,)]


def test_a_row_that_says_the_same_as_another_is_refused(store, writer):
    with pytest.raises(InputError, match="the same as line 2"):
        claimed(writer, row("a", 0, 60), row("b", 0, 60), row("a", 0, 60))
    assert status(store) == {}


def test_the_database_itself_refuses_one_person(store, writer):
    (number,) = claimed(writer, row("a", 0, 60))
    with pytest.raises(Exception, match="exclusion_second_person"), writer.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE exclusions SET approved_by = 'ann' WHERE id = {number}")
