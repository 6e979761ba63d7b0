"""Runs of others: whole files, once, and never over what is there."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy.exc import DatabaseError

from console.store.audit import Audit
from monitor.finding import InputError
from monitor.model import Gap
from monitor.store import attested
from monitor.store.imports import CHUNK_ROWS, ImportResult, Origin, import_runs
from tests.stores.made import at, run, sample

ORIGIN = Origin("runs.csv", hashlib.sha256(b"runs").hexdigest(), (2, 3, 5, 8, 13))
GAPS = Origin("gaps.csv", hashlib.sha256(b"gaps").hexdigest(), (2, 3))
OTHER = Origin("more.csv", hashlib.sha256(b"more").hexdigest())


def bring(writer, runs, gaps=(), *, origin=ORIGIN, **options):
    with writer.transaction() as connection:
        return import_runs(
            connection, writer.audit, runs, gaps, actor="ann", at=at(0), origin=origin, gap_origin=GAPS, **options
        )


def everything(store):
    tables = ("vantages", "runs", "gaps", "imports", "outbox", "audit")
    return {table: store.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}


def test_a_file_is_stored_and_noted(store):
    store.add_points("a", "b")
    writer = store.writer()
    gaps = [Gap("import", at(70), at(80), "maintenance"), Gap("import", at(90), None, "broken", "b")]
    assert bring(writer, [run("b", 0, 60), run("a", 60, 120, "timeout")], gaps) == ImportResult(2, 2, False)
    found = store.rows(
        "SELECT p.code, v.name, v.kind, r.first_at, r.last_at, r.n, o.state, o.reason, o.rung, r.valid_s"
        " FROM runs r JOIN points p ON p.id = r.point_id JOIN vantages v ON v.id = r.vantage_id"
        " JOIN outcomes o ON o.id = r.outcome_id ORDER BY p.code"
    )
    assert found == [
        ("a", "import", "import", at(60), at(120), 2, "offline", "timeout", "describe", 130),
        ("b", "import", "import", at(0), at(60), 2, "online", "ok", "describe", 130),
    ]
    assert store.rows("SELECT start_at, end_at, cause FROM gaps ORDER BY 1") == [
        (at(70), at(80), "maintenance"),
        (at(90), None, "broken"),
    ]
    assert store.rows("SELECT sha256, kind, rows FROM imports ORDER BY 2") == [
        (GAPS.sha256, "import-gaps", 2),
        (ORIGIN.sha256, "import-runs", 2),
    ]
    records = [json.loads(body) for (body,) in store.rows("SELECT body FROM outbox ORDER BY id")]
    assert [(r["what"], r["id"], r["of"]) for r in records] == [
        ("runs", ORIGIN.sha256, {"kind": "import", "rows": 2, "source": ORIGIN.sha256}),
        ("gaps", GAPS.sha256, {"kind": "import", "rows": 2, "source": GAPS.sha256}),
    ]
    # Typed by hand: the canonical files of lines that an evaluator recomputes seconds from.
    lines = (
        '["a","import",1593532860000000,1593532920000000,2,"offline","timeout","describe",130]\n'
        '["b","import",1593532800000000,1593532860000000,2,"online","ok","describe",130]\n',
        '["import",null,1593532870000000,1593532880000000,"maintenance"]\n["import","b",1593532890000000,null,"broken"]\n',
    )
    for record, text in zip(records, lines, strict=True):
        assert record["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        with writer.transaction() as connection:  # and made again from the rows
            again = attested.import_text(connection, record["what"], record["of"]["kind"], at(0))
            assert "".join(again) == text
    assert store.rows("SELECT actor, action, origin FROM audit ORDER BY id") == [
        ("ann", "runs.import", "test"),
        ("ann", "gaps.import", "test"),
    ]


def test_no_two_imports_are_recorded_at_one_instant(store):
    """Their canonical files are made again from what was recorded then."""
    store.add_points("a", "b")
    writer = store.writer()
    bring(writer, [run("a", 0, 60)], [Gap("import", at(70), at(80), "maintenance")])
    bring(writer, [run("b", 0, 60)], origin=OTHER)
    assert store.rows("SELECT recorded_at FROM runs ORDER BY point_id") == [(at(0),), (at(0) + 1,)]
    assert store.rows("SELECT DISTINCT at FROM imports ORDER BY 1") == [(at(0),), (at(0) + 1,)]
    found = [(when, json.loads(body)) for when, body in store.rows("SELECT at, body FROM outbox ORDER BY id")]
    for when, record in found:
        with writer.transaction() as connection:
            text = "".join(attested.import_text(connection, record["what"], record["of"]["kind"], when))
        assert hashlib.sha256(text.encode()).hexdigest() == record["sha256"]


def test_the_same_files_again_change_nothing(store):
    store.add_points("a")
    writer = store.writer()
    rows, gaps = [run("a", 0, 60)], [Gap("import", at(70), at(80), "maintenance")]
    bring(writer, rows)
    assert bring(writer, rows, gaps) == ImportResult(0, 1, False), "the runs are known, the gaps are new"
    before = everything(store)
    assert bring(writer, rows, gaps) == ImportResult(0, 0, True)
    assert everything(store) == before


def test_unknown_points_are_all_reported_at_their_first_row(store):
    store.add_points("a")
    writer = store.writer()
    before = everything(store)
    rows = [run("a", 0, 60), run("x", 0, 60), run("y", 0, 60), run("x", 100, 160)]
    with pytest.raises(InputError) as caught:
        bring(writer, rows, [Gap("import", at(0), at(1), "c", "z")])
    found = [(f.file, f.line, f.column) for f in caught.value.findings]
    assert found == [("gaps.csv", 2, "point"), ("runs.csv", 3, "point"), ("runs.csv", 5, "point")]
    assert "'x'" in str(caught.value)
    assert "2 行" in str(caught.value)
    assert everything(store) == before


def test_an_empty_ledger_says_so(store):
    with pytest.raises(InputError, match="the ledger is empty"):
        bring(store.writer(), [run("a", 0, 60)])


def test_a_hopeless_file_has_a_bounded_report(store):
    with pytest.raises(InputError) as caught:
        bring(store.writer(), [run(f"p{i}", 0, 60) for i in range(5_000)], origin=OTHER)
    assert len(caught.value.findings) == 1_001


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([(0, 100), (100, 200)], {3}),
        ([(100, 200), (0, 100)], {2}),
        ([(0, 1000), (200, 300), (400, 500)], {3, 5}),
        ([(0, 0), (0, 0)], {2, 3}),
    ],
)
def test_overlaps_within_a_file(store, rows, lines):
    store.add_points("a", "b")
    writer = store.writer()
    before = everything(store)
    with pytest.raises(InputError) as caught:
        bring(writer, [run("a", *span) for span in rows])
    assert {f.line for f in caught.value.findings} == lines
    assert everything(store) == before
    bring(writer, [run("a", 0, 100), run("b", 0, 100), run("a", 0, 100, vantage="other"), run("a", 101, 200)])


@pytest.mark.parametrize(
    ("span", "clash"),
    [
        ((0, 99), False),
        ((0, 100), True),
        ((150, 160), True),
        ((200, 300), True),
        ((201, 299), False),
        ((201, 300), True),
        ((0, 1000), True),
        ((401, 500), False),
    ],
)
def test_overlaps_with_stored_runs(store, span, clash):
    store.add_points("a", "b", "c")
    writer = store.writer()
    bring(writer, [run("b", 100, 200), run("b", 300, 400), run("a", 0, 500), run("c", 0, 500)])
    before = everything(store)
    more = [run("b", *span), run("a", 600, 700), run("c", 501, 502)]
    if not clash:
        assert bring(writer, more, origin=OTHER).runs == 3
        return
    with pytest.raises(InputError, match="overlaps a stored run") as caught:
        bring(writer, more, origin=OTHER)
    assert [f.line for f in caught.value.findings] == [2]
    assert everything(store) == before


def test_an_import_never_mixes_with_what_we_watch(store):
    store.add_points("a")
    writer = store.writer()
    writer.resume("local", at(0))
    writer.commit_batch("local", 1, [sample("a", 0)])
    with pytest.raises(InputError, match="registered as local"):
        bring(writer, [run("a", 100, 160, vantage="local")])


def test_platform_runs_are_of_their_own_kind(store):
    store.add_points("a")
    writer = store.writer()
    bring(writer, [run("a", 0, 60, vantage="platform")], kind="platform")
    assert store.rows("SELECT name, kind FROM vantages") == [("platform", "platform")]
    with pytest.raises(InputError, match="registered as platform"):
        bring(writer, [run("a", 100, 160, vantage="platform")], origin=OTHER)


def test_progress_is_told_and_all_rows_arrive(store):
    store.add_points("a", "b")
    told: list[tuple[int, int]] = []
    count = CHUNK_ROWS + 3
    rows = [run("a", 10 * i, 10 * i + 5, count=1) for i in range(count)]
    bring(store.writer(), rows, progress=lambda done, total: told.append((done, total)))
    assert told == [(CHUNK_ROWS, count), (count, count)]
    assert store.rows("SELECT count(*), sum(last_at - first_at) FROM runs") == [(count, 5_000_000 * count)]


@pytest.mark.parametrize("table", ["vantages", "outcomes", "runs", "imports", "outbox"])
def test_a_failure_at_any_statement_leaves_nothing(store, table):
    """The table cannot be written; whatever was written before it must be gone."""
    store.add_points("a")
    writer = store.writer()
    before = everything(store)
    with writer.transaction() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO hidden")
    with pytest.raises(DatabaseError, match=table):
        bring(writer, [run("a", 0, 60)])
    with writer.transaction() as connection:
        connection.exec_driver_sql(f"ALTER TABLE hidden RENAME TO {table}")
    assert everything(store) == before


def test_a_failing_audit_takes_the_import_back(store):
    store.add_points("a")

    def failing(connection, **row):
        Audit("test")(connection, **row)
        raise ZeroDivisionError

    writer = store.writer(failing)
    before = everything(store)
    with pytest.raises(ZeroDivisionError):
        bring(writer, [run("a", 0, 60)])
    assert everything(store) == before
