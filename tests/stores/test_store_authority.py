"""The authority's files and documents, on SQLite and PostgreSQL: two persons, what stands, what was known when."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from console.authority.reconciling import ledger_points
from monitor.finding import InputError
from monitor.model import Instant
from settlement.authority import Figure
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter
from settlement.store import authority as files
from settlement.store import documents
from settlement.store.tables import authority_figures, authority_files
from settlement.store.tables import documents as documents_table


@pytest.fixture
def store_writer(store):
    return store.writer()


def figure(point, rate, period="2020-07", **given):
    values = {"phase": "p", "device": "", "name": "", "unit": "share", "points": None, "line": 3} | given
    return Figure(point=point, period=period, num=rate, den=100, text=f"{rate}%", **values)


def file(name, *figures, **given):
    values = {
        "contract": "c",
        "reference": "文〔2020〕1号",
        "mapping": "m@1",
        "typed": False,
        "replaces": False,
    } | given
    sha = hashlib.sha256(name.encode()).hexdigest()
    return files.Imported(
        sha, name=name, received_on="2020-10-09", scan_sha=None, notes=((9, "合计行"),), figures=figures, **values
    )


def bring(connection, imported, at, checked=None, actor="甲", checker="乙"):
    stored, _ = files.add_file(connection, imported, at=Instant(at), actor=actor)
    if checked is not None:
        files.check_file(connection, stored, at=Instant(checked), actor=checker)
    return stored


def rates(connection, known_at=None, **given):
    stood = files.standing_figures(
        connection, "c", ["2020-07"], None if known_at is None else Instant(known_at), **given
    )
    return {f.point: f.num for f in stood.figures}


def test_figures_count_once_checked_by_another(store_writer):
    with store_writer.transaction() as connection:
        stored = bring(connection, file("a", figure("P1", 98, line=7, points=5, name="路口", device="G")), 10)
        assert rates(connection) == {}
        assert rates(connection, pending=True) == {"P1": 98}
        assert [f.id for f in files.pending_files(connection, "c", ["2020-07"])] == [stored.id]
        assert files.pending_files(connection, "c", ["2020-08"]) == []
        for spelling in ("甲", " 甲", "os:甲"):
            with pytest.raises(InputError, match="另一人"):
                files.check_file(connection, stored, at=Instant(11), actor=spelling)
        files.check_file(connection, stored, at=Instant(12), actor="乙")
        (read,) = files.figures_of(connection, stored)
        assert read == figure("P1", 98, line=7, points=5, name="路口", device="G", file=stored.sha256)
        again = files.find_file(connection, stored.sha256[:8])
        assert (again.status, again.checked_by, again.notes, again.figures) == ("checked", "乙", ((9, "合计行"),), 1)
        assert files.pending_files(connection, "c", ["2020-07"]) == []


def test_the_database_itself_refuses_one_person(store_writer):
    with store_writer.transaction() as connection:
        stored = bring(connection, file("a", figure("P1", 98)), 10)
    with pytest.raises(IntegrityError), store_writer.transaction() as connection:
        connection.execute(update(authority_files).where(authority_files.c.id == stored.id).values(checked_by="甲"))


def test_what_stands_follows_the_checks_and_withdrawals(store_writer):
    with store_writer.transaction() as connection:
        bring(connection, file("a", figure("P1", 90), figure("P2", 91)), 10, 20)
        second = bring(connection, file("b", figure("p1", 80)), 30, 40)
        assert rates(connection) == {"p1": 80, "P2": 91}
        third = bring(connection, file("c", figure("P3", 70), replaces=True), 50, 60)
        assert rates(connection) == {"P3": 70}
        assert [rates(connection, at) for at in (19, 20, 39, 40, 60)] == [
            {},
            {"P1": 90, "P2": 91},
            {"P1": 90, "P2": 91},
            {"p1": 80, "P2": 91},
            {"P3": 70},
        ]
        files.withdraw_file(connection, third, "错", at=Instant(70), actor="丙")
        assert rates(connection) == {"p1": 80, "P2": 91}
        assert rates(connection, 69) == {"P3": 70}
        files.withdraw_file(connection, second, "错", at=Instant(80), actor="丙")
        stood = files.standing_figures(connection, "c", ["2020-07"])
        assert ({f.point: f.num for f in stood.figures}, [f.name for f in stood.files], stood.left) == (
            {"P1": 90, "P2": 91},
            ["a"],
            0,
        )


def test_the_same_bytes_are_kept_once_until_they_are_withdrawn(store_writer):
    with store_writer.transaction() as connection:
        first, added = files.add_file(connection, file("a", figure("P1", 90)), at=Instant(1), actor="甲")
        again, twice = files.add_file(connection, file("a", figure("P1", 50)), at=Instant(2), actor="乙")
        other, elsewhere = files.add_file(connection, file("a", contract="d"), at=Instant(2), actor="乙")
        assert (added, twice, elsewhere) == (True, False, True)
        assert again.id == first.id != other.id
        with pytest.raises(InputError, match="--contract"):
            files.find_file(connection, first.sha256[:8])
        files.withdraw_file(connection, first, "映射错", at=Instant(3), actor="甲")
        with pytest.raises(InputError, match="已撤回"):
            files.check_file(connection, files.find_file(connection, first.sha256, "c"), at=Instant(4), actor="乙")
        fresh, added = files.add_file(connection, file("a", figure("P1", 50)), at=Instant(5), actor="甲")
        assert (added, fresh.revision) == (True, 1)
        assert [f.status for f in files.list_files(connection, "c")] == ["withdrawn", "pending"]


def test_mappings_have_versions(store_writer):
    with store_writer.transaction() as connection:
        assert files.save_mapping(connection, "通报", "{}", at=Instant(1), actor="甲") == (1, True)
        assert files.save_mapping(connection, "通报", "{}", at=Instant(2), actor="甲") == (1, False)
        assert files.save_mapping(connection, "通报", '{"rates":"share"}', at=Instant(3), actor="甲") == (2, True)
        assert files.save_mapping(connection, "别的", "{}", at=Instant(3), actor="甲") == (1, True)
        assert [(m.name, m.version) for m in files.list_mappings(connection)] == [("别的", 1), ("通报", 2)]
        assert files.find_mapping(connection, "没有") is None


def test_documents_are_known_by_their_bytes(store_writer):
    bodies = {
        "scan.pdf": (b"%PDF-1.7 x", "application/pdf"),
        "photo.jpg": (b"\xff\xd8\xff\xe0", "image/jpeg"),
        "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "application/vnd.ms-excel"),
        "a.csv": ("期次\n".encode(), "text/csv"),
        "odd.csv": (b"a\0b", "application/octet-stream"),
    }
    with store_writer.transaction() as connection:
        for name, (body, _) in bodies.items():
            sha, added = documents.add(connection, body, name, at=Instant(5), actor="甲")
            assert (sha, added) == (hashlib.sha256(body).hexdigest(), True)
            assert documents.add(connection, body, "other", at=Instant(6), actor="乙") == (sha, False)
            assert documents.find(connection, sha[:6].upper()) == sha
            assert documents.body_of(connection, sha) == (name, body)
        assert {row.name: (row.media, row.size) for row in documents.listed(connection)} == {
            name: (media, len(body)) for name, (body, media) in bodies.items()
        }
        for bad, said in ((b"", "空"), (bytes(10_000_001), "10,000,000")):
            with pytest.raises(InputError, match=said):
                documents.add(connection, bad, "x", at=Instant(5), actor="甲")
        for prefix, said in (("abc", "太短"), ("zzzzzzzz", "没有"), ("%%%%%%", "没有")):
            with pytest.raises(InputError, match=said):
                documents.find(connection, prefix)
        sha = hashlib.sha256(b"a\0b").hexdigest()
        connection.execute(update(documents_table).where(documents_table.c.sha256 == sha).values(body=b"forged"))
        with pytest.raises(InputError, match="不符"):
            documents.body_of(connection, sha)
        connection.execute(delete(documents_table).where(documents_table.c.sha256 == sha))
        with pytest.raises(InputError, match="没有这个文件"):
            documents.body_of(connection, sha)


def test_the_ledgers_points_with_all_codes_they_ever_had(store, store_writer):
    terms = Terms(
        contract="c",
        tax_rate="0.06",
        target="0.9",
        prepay_share="0.9",
        phases=(Phase(id="p", unit_price="628", in_service_from=date(2020, 1, 1), months=12),),
    )
    store.add_points("P1", phase="p", gb_code="NEW", former_gb_code="OLD", accepted_on="2020-08-30", contract="c")
    store.add_points("P2", phase="p", gb_code="G2", accepted_on="2020-01-01", retired_on="2020-07-02")
    store.add_points("P3", phase="p", contract="another")
    with store_writer.transaction() as connection:
        points = {p.code: p for p in ledger_points(connection, terms, Quarter(2020, 3))}
    assert (points["P1"].device, points["P1"].former, points["P1"].days) == ("NEW", ("OLD",), (0, 2, 30))
    assert (points["P2"].days, points["P2"].assessed) == ((1, 0, 0), True)
    assert (points["P3"].ours, points["P3"].assessed) == (False, False)


def test_nothing_is_stored_by_halves(store, store_writer):
    with pytest.raises(ZeroDivisionError), store_writer.transaction() as connection:
        bring(connection, file("a", figure("P1", 98)), 10, 20)
        raise ZeroDivisionError
    assert store.rows(f"SELECT count(*) FROM {authority_figures.name}") == [(0,)]
    assert store.rows(f"SELECT count(*) FROM {authority_files.name}") == [(0,)]
