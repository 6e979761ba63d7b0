"""What stands behind a point's line: probes from batches or archive, numbers of sealed records; sums after reclassification."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from console import views
from console.archives.archiving import Place, build_owed
from console.log.keys import KeyFiles
from console.log.sealing import Sealer
from console.log.steps import Log
from console.points.records import Places
from console.points.strip import point_line
from monitor.canonical import parse_line
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import PrivateKey, write_key
from monitor.evidence.replay import State, empty
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import leaf_hash
from monitor.finding import InputError
from monitor.model import Exclusion, Reclassification
from monitor.model import State as Seen
from monitor.origin import Origin
from monitor.period import parse_period
from monitor.store import evaluations, exclusions, gaps, reclassifications
from monitor.store.claims import approve
from monitor.store.database import connect, reading
from monitor.timeline import Policy
from tests.stores.made import at, sample

ORIGIN = "camsla.local/test"
ZONE = "Asia/Shanghai"
DAY_S = 86_400
REPORT = hashlib.sha256(b"report").hexdigest()
JULY = views.Question(parse_period("2020-07-01..2020-07-02"), ZONE, Policy(confirm_samples=2))


def places(store: Any) -> Places:
    return Places(LogFolder(store.folder / "evidence", ORIGIN), store.folder / "archive", ZONE)


def sealed(store: Any, writer: Any, now: float) -> None:
    if not (store.folder / "evidence.key").exists():
        write_key(store.folder / "evidence.key", PrivateKey.generate(ORIGIN), None)
    key = KeyFiles(store.folder / "evidence.key")
    where = Log(store.url, store.folder / "evidence", ORIGIN, ZONE, key, "camsla test")
    Sealer(where, writer, delay_minutes=10, apart=False).round(at(now), checkpoint=False)


def replayed(store: Any) -> State:
    """Read the sealed days as a reader would, and hold every sum against the records."""
    folder = places(store).log
    state = empty(ORIGIN, ZONE, KeyFiles(store.folder / "evidence.key").current().public().text())
    for day in folder.days():
        for line in folder.read_day(day).lines:
            state.feed(parse_line(line), leaf_hash(line), folder.imported)
        assert wrong_sums(state) == []
    return state


def line(store: Any, code: str = "a", question: views.Question = JULY) -> Any:
    with reading(store.engine) as connection:
        return point_line(connection, code, question, at(10 * DAY_S), places(store))


@pytest.fixture
def writer(store):
    """Two points for two days, a result in 600 s each: `b` is down from 06:00 to 08:00; the vantage is blind at noon for 20 min."""
    store.add_points("a", "b", accepted_on="2020-06-01", contract="c", phase="p")
    writer = store.writer()
    writer.resume("local", at(0))
    seen = [600 * place for place in range(288) if not 43_200 <= 600 * place < 44_400]
    for seq, second in enumerate(seen, 1):
        down = 21_600 <= second < 28_800
        results = [sample(code, second, "timeout" if down and code == "b" else "ok", valid_s=700) for code in "ab"]
        writer.commit_batch("local", seq, results, flush=True)
    with writer.transaction() as connection:
        vantage = connection.exec_driver_sql("SELECT id FROM vantages").scalar_one()
        gaps.add(connection, (vantage, "local"), at(43_200), at(44_400), "stalled", at=at(44_400))
    return writer


def reclassify(writer: Any, when: float) -> None:
    with writer.transaction() as connection:
        rows = [Reclassification("a", at(43_200), at(44_400), Seen.OFFLINE, "环网")]
        numbers = reclassifications.claim(
            connection, writer.audit, rows, document=REPORT, actor="ann", at=at(when), origin=Origin()
        )
    with writer.transaction() as connection:
        approve(connection, writer.audit, numbers, actor="bob", at=at(when), what="reclassify")


def test_an_outage_shows_its_first_failing_probes_and_its_records_number(store, writer):
    found = line(store, "b")
    (down,) = found.outages
    assert (down.offline_s, down.reasons, down.leaf) == (7_200, (("timeout", "describe", 12),), None)
    assert [(probe.at, probe.took_us, probe.batch) for probe in down.probes] == [
        (at(21_600), 20_000, 37),
        (at(22_200), 20_000, 38),
        (at(22_800), 20_000, 39),
    ]
    assert [(gap.cause, leaf) for gap, leaf in found.gaps] == [("stalled", None)]
    sealed(store, writer, DAY_S + 700)
    found = line(store, "b")
    folder = places(store).log
    lines = [parse_line(raw) for raw in folder.read_day("2020-07-01").lines]
    (down,), (_, gap) = found.outages, found.gaps[0]
    assert (lines[down.leaf]["k"], lines[down.leaf]["point"], lines[down.leaf]["t"]) == ("tr", "b", at(21_600))
    assert (lines[gap]["k"], lines[gap]["start"]) == ("gap", at(43_200))
    with writer.transaction() as connection:  # what the folder holds may go from the outbox
        connection.exec_driver_sql("DELETE FROM outbox WHERE leaf IS NOT NULL")
    assert line(store, "b") == found


def test_probes_come_from_the_archive_once_the_batches_are_gone(store, writer):
    before = line(store, "b").outages[0].probes
    parts = build_owed(Place(store.url, store.folder / "archive", ZONE), at(2 * DAY_S + 3_600))
    assert [str(part.day) for part in parts] == ["2020-07-01", "2020-07-02"]
    with connect(store.engine, writes=True) as connection, connection.begin():
        connection.exec_driver_sql("DELETE FROM batches")
    after = line(store, "b").outages[0].probes
    assert [(probe.at, probe.outcome, probe.batch) for probe in after] == [(p.at, p.outcome, None) for p in before]
    assert all(abs(probe.took_us - 20_000) <= 20_000 // 16 for probe in after)
    for part in parts:
        part.path(store.folder / "archive").unlink()
    assert line(store, "b").outages[0].probes == ()


def test_a_reclassification_of_a_sealed_day_is_a_further_sum_of_it(store, writer):
    sealed(store, writer, DAY_S + 700)
    reclassify(writer, DAY_S + 50_000)
    sealed(store, writer, 2 * DAY_S + 700)
    state = replayed(store)
    assert state.seconds("a", "2020-07-01") == (85_200, 1_200, 0, 0)
    assert state.seconds("b", "2020-07-01") == (78_000, 7_200, 1_200, 0)
    second = [parse_line(raw) for raw in places(store).log.read_day("2020-07-02").lines]
    revised = [(r["point"], r["rev"], r["off"]) for r in second if r["k"] == "sum" and r["day"] == "2020-07-01"]
    assert revised == [("a", 1, 1_200)]
    ((claim, leaf),) = line(store).claims
    first = len(places(store).log.read_day("2020-07-01").lines)
    assert (claim.to, second[leaf - first]["k"], second[leaf - first]["what"]) == ("offline", "adj", "reclassify")
    assert line(store).days[0].seconds == (85_200, 1_200, 0, 0)
    assert [(down.offline_s, down.reasons) for down in line(store).outages] == [(1_200, ())]


def test_exclusions_lie_over_the_states(store, writer):
    with writer.transaction() as connection:
        rows = [Exclusion("b", at(25_200), at(28_800), "停电")]
        numbers = exclusions.claim(connection, writer.audit, rows, actor="ann", at=at(0), origin=Origin("e", "5" * 64))
    with writer.transaction() as connection:
        approve(connection, writer.audit, numbers, actor="bob", at=at(0))
    found = line(store, "b")
    assert found.days[0].strip == "█" * 12 + "░" * 2 + "▒" * 2 + "█" * 8 + "·" + "█" * 23
    assert found.days[0].seconds == (78_000, 3_600, 1_200, 3_600)
    assert found.seconds.total() == 2 * DAY_S


def test_a_day_that_is_not_over_and_a_point_out_of_service(store, writer):
    store.add_points("late", accepted_on="2020-07-02")
    with reading(store.engine) as connection:
        today = point_line(connection, "a", JULY, at(DAY_S + 3_600), places(store))
        late = point_line(connection, "late", JULY, at(10 * DAY_S), places(store))
        with pytest.raises(InputError, match="no such point"):
            point_line(connection, "nobody", JULY, at(0), places(store))
    assert today.days[1].strip == "██" + " " * 46
    assert [day.strip for day in late.days] == [" " * 48, "·" * 48]
    assert late.seconds == (0, 0, DAY_S, 0)


def test_evaluations_are_versions_each_with_its_record_and_bytes(store, writer):
    def add(what, name, document, when):
        with writer.transaction() as connection:
            return evaluations.add(
                connection, writer.audit, what, name, document, of={"n": 1}, at=at(when), actor="eve"
            )

    committed, new = add("challenge", "ab" * 32, None, 0)
    assert (committed.version, committed.sha256, committed.body, new) == (1, "", "", True)
    assert add("challenge", "ab" * 32, None, 5) == (committed, False)
    first, _ = add("sample", "c/2020Q3/x", {"b": 1, "a": "点"}, 1)
    assert first.sha256 == hashlib.sha256('{"a":"点","b":1}'.encode()).hexdigest()
    assert add("sample", "c/2020Q3/x", {"a": "点", "b": 1}, 2) == (first, False)
    second, new = add("sample", "c/2020Q3/x", {"a": "点", "b": 2}, 3)
    assert (second.version, new, second.document) == (2, True, {"a": "点", "b": 2})
    with reading(store.engine) as connection:
        assert evaluations.listed(connection, "sample") == [first, second]
        assert evaluations.newest(connection, "sample", "c/2020Q3/x") == second
        assert evaluations.newest(connection, "sample", "none") is None
    sealed(store, writer, DAY_S + 700)
    folder = places(store).log
    told = [r for r in map(parse_line, folder.read_day("2020-07-01").lines) if r["k"] == "att"]
    assert [(r["what"], r["version"], r["sha256"], r["actor"]) for r in told] == [
        ("challenge", 1, "", "eve"),
        ("sample", 1, first.sha256, "eve"),
        ("sample", 2, second.sha256, "eve"),
    ]
    assert folder.blob(second.sha256) == second.body.encode()
    replayed(store)
