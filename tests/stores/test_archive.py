"""The raw archive on both databases: every result once, the same bytes, late results beside, rates as from the runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from console.archives.archiving import LATE_S, build_owed, figures_of, owed
from monitor.archive.parts import parts_of, read_record
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.store.database import reading
from monitor.timeline import Policy
from tests.stores.archived import DAY, Watched, after, both, build, commit, place, watched
from tests.stores.made import T0, at, sample

POINTS = tuple(f"P{n:02d}" for n in range(8))
DAY_S = 86_400


def rows(part, folder):
    """The file's rows as plain values."""
    return pq.read_table(part.path(folder)).to_pylist()


def expected(samples, day):
    start, end = (midnight(d) * MICROSECONDS for d in (day, day + timedelta(days=1)))
    mine = [s for s in samples if start <= s.at < end]
    return sorted((s.point, s.vantage, s.at // 10_000, s.outcome.reason.value, s.valid_s, s.camera) for s in mine)


def test_every_result_once_by_point_and_time(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    samples = watched(sample, POINTS, 0, 2 * DAY_S, seed=1)
    commit(store, samples)
    parts = build(store, DAY)
    assert [part.stem for part in parts] == ["2020-07-01"]
    found = rows(parts[0], place(store).folder)
    told = [(r["point"], r["vantage"], r["t_cs"], r["reason"], r["valid_s"], r["camera"]) for r in found]
    assert [row[:3] for row in told] == sorted(row[:3] for row in told)
    assert sorted(told) == expected(samples, DAY)
    assert parts[0].rows == len(found)
    assert parts[0].points == len(POINTS)
    assert {r["state"] for r in found} <= {"online", "offline", "unknown"}
    assert figures_of(place(store).folder, "2020-07-01") == {
        "bytes": parts[0].path(place(store).folder).stat().st_size,
        "rows": len(found),
        "sha256": parts[0].sha256,
    }
    assert figures_of(place(store).folder, "2020-07-02") is None


def test_the_same_results_give_the_same_bytes_however_they_came(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    samples = watched(sample, POINTS, 0, DAY_S, seed=2)
    writer = commit(store, samples, size=17)
    first = build(store, DAY)[0]
    again = build(store, DAY, store.folder / "again")[0]
    # another point in the ledger, other batches
    store.add_points("A-first", "Z-last")
    with writer.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM batches")
        connection.exec_driver_sql("DELETE FROM projections")
        connection.exec_driver_sql("DELETE FROM runs")
    writer.close()
    commit(store, samples, size=400)
    other = build(store, DAY, store.folder / "other")[0]
    assert first.sha256 == again.sha256 == other.sha256


def test_a_day_is_archived_once_it_is_over_and_never_twice(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, 2 * DAY_S, seed=3))
    where = place(store)
    with reading(store.engine) as connection:
        assert owed(connection, where, Instant(after(DAY) - 1)) == []
        assert [part.day for part in owed(connection, where, after(DAY))] == [DAY]
        assert [part.day for part in owed(connection, where, after(DAY + timedelta(days=1)))] == [
            DAY,
            DAY + timedelta(days=1),
        ]
    build(store, DAY)
    before = parts_of(where.folder)
    build(store, DAY)
    assert parts_of(where.folder) == before
    build(store, DAY + timedelta(days=1))
    assert [part.stem for part in parts_of(where.folder)] == ["2020-07-01", "2020-07-02"]
    with reading(store.engine) as connection:
        assert owed(connection, where, after(DAY + timedelta(days=5))) == []
    assert LATE_S > 60, "an attempt may take a minute"


def test_a_batch_over_midnight_is_in_both_days_each_with_its_own_results(store):
    store.add_points("a", "b")
    writer = store.writer()
    writer.resume("local", at(DAY_S - 10))
    over = [sample("a", DAY_S - 0.001), sample("b", DAY_S), sample("a", DAY_S + 0.5)]
    writer.commit_batch("local", 1, over)
    parts = build(store, DAY + timedelta(days=1))
    assert [(part.stem, part.rows) for part in parts] == [("2020-07-01", 1), ("2020-07-02", 2)]
    with reading(store.engine) as connection:
        assert owed(connection, place(store), after(DAY + timedelta(days=2))) == []


def test_a_day_built_out_of_turn_leaves_the_earlier_ones_owed(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, 3 * DAY_S, seed=4))
    third = DAY + timedelta(days=2)
    assert [p.stem for p in build(store, third, only=third)] == ["2020-07-03"]
    assert [p.stem for p in build(store, third)] == ["2020-07-01", "2020-07-02", "2020-07-03"]


def test_late_results_are_a_further_part_and_no_file_is_rewritten(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    early = watched(sample, POINTS[:4], 0, DAY_S, seed=5)
    late = [replace(s, vantage="agent") for s in watched(sample, POINTS[4:], 0, DAY_S, seed=6)]
    writer = commit(store, early)
    first = build(store, DAY)[0]
    content = first.path(place(store).folder).read_bytes()
    commit(store, late, vantage="agent", writer=writer)
    parts = build(store, DAY + timedelta(days=3))
    assert [part.stem for part in parts] == ["2020-07-01", "2020-07-01.1"]
    assert parts[0].path(place(store).folder).read_bytes() == content
    assert parts[1].rows == len(late)
    runs, archive = both(store, "2020-07-01..2020-07-01")
    assert all(account.seconds.online for account in runs)
    assert runs == archive


def test_two_vantages_with_results_of_one_point(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    one = watched(sample, POINTS, 0, 2 * DAY_S, seed=7)
    two = [replace(s, vantage="north") for s in watched(sample, POINTS, 0, 2 * DAY_S, seed=8)]
    writer = commit(store, one)
    commit(store, two, vantage="north", writer=writer)
    build(store, DAY + timedelta(days=2))
    for policy in (Policy(), Policy(vantages="quorum", quorum=2), Policy(auth_rejected="offline", confirm_samples=2)):
        runs, archive = both(store, policy=policy)
        assert all(account.seconds.online for account in runs)
        assert runs == archive


@pytest.mark.parametrize("seed", range(5))
def test_rates_from_the_archive_are_those_from_the_runs(store, seed):
    store.add_points(*POINTS, accepted_on="2020-01-01", phase="one")
    how = Watched(interval_s=300, change=(0.02, 0.1, 0.3, 0.6, 0.9)[seed])
    commit(store, watched(sample, POINTS, -DAY_S, 4 * DAY_S, seed=seed, how=how))
    build(store, DAY + timedelta(days=4))
    policies = (
        Policy(),
        Policy(confirm_samples=1, minimum_outage_s=900),
        Policy(recovery_samples=3, minimum_recovery_s=600, confirm_samples=2),
    )
    for policy in policies:
        runs, archive = both(store, policy=policy)
        assert any(account.seconds.offline for account in runs)
        assert runs == archive


def test_blindness_is_read_the_same_way(store):
    """Restarts, a stall, a point's own gap: results beside a gap are on the same side of it as in the runs."""
    store.add_points(*POINTS, accepted_on="2020-01-01")
    writer = None
    for life in range(6):
        begin = life * 30_000.0
        samples = watched(sample, POINTS, begin, begin + 29_000, seed=20 + life)
        writer = writer or store.writer()
        writer.resume("local", Instant(samples[0].at - 5_000_000))
        commit(store, samples, writer=writer, resume=False)
    last = max(s.at for s in samples)
    writer.add_gap("local", Instant(last), Instant(last + 900 * MICROSECONDS), "stalled", at=Instant(last))
    writer.add_gap("local", Instant(last), Instant(last + 5_000 * MICROSECONDS), "own", "P03", at=Instant(last))
    more = [s for s in watched(sample, POINTS, 181_000, 200_000, seed=40) if s.at > last]
    commit(store, more, writer=writer, resume=False)
    build(store, DAY + timedelta(days=3))
    runs, archive = both(store)
    assert sum(account.seconds.unknown for account in runs) > 10_000
    assert runs == archive


def test_an_outage_that_began_long_before_the_period_is_reached(store):
    store.add_points("a", "b", accepted_on="2020-01-01")
    policy = Policy(confirm_samples=50, minimum_outage_s=0)
    silent = [sample("a", n * 7_200, "timeout", valid_s=15_000) for n in range(12 * 8)]
    alive = [sample("b", n * 7_200, valid_s=15_000) for n in range(12 * 8)]
    silent[0] = sample("a", 0, valid_s=15_000)
    commit(store, silent + alive)
    build(store, DAY + timedelta(days=8))
    runs, archive = both(store, "2020-07-07..2020-07-07", policy)
    assert runs[0].seconds.offline == DAY_S
    assert runs == archive


def test_a_worker_does_it_and_says_how_far(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, DAY_S, seed=9))
    told = []
    made = build_owed(place(store), after(DAY), moved=lambda done, total: told.append((done, total)))
    assert [part.stem for part in made] == ["2020-07-01"]
    assert told
    assert build_owed(place(store), after(DAY)) == []


def test_a_damaged_batch_is_named_and_nothing_is_left(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    writer = commit(store, watched(sample, POINTS, 0, DAY_S, seed=10))
    with writer.transaction() as connection:
        connection.exec_driver_sql("UPDATE batches SET sha256 = '00' WHERE seq = 3")
    with pytest.raises(InputError, match="batch 3 of local"):
        build(store, DAY)
    assert [p.name for p in place(store).folder.iterdir()] == ["archive.lock"]


def test_files_of_another_zone_are_not_mixed(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, DAY_S, seed=11))
    build(store, DAY)
    with reading(store.engine) as connection, pytest.raises(InputError, match="Asia/Tokyo"):
        owed(connection, replace(place(store), zone="Asia/Tokyo"), after(DAY))


def test_what_a_crash_between_file_and_record_leaves_is_taken_over(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, DAY_S, seed=12))
    part = build(store, DAY)[0]
    folder = place(store).folder
    (folder / "2020-07-01.json").unlink()
    (folder / ".2020-07-01.parquet.part").write_bytes(b"half")
    (folder / ".2020-07-01.rows").mkdir()
    assert build(store, DAY) == [part]
    assert sorted(p.name for p in folder.iterdir()) == ["2020-07-01.json", "2020-07-01.parquet", "archive.lock"]
    # but a file that is another is left alone
    (folder / "2020-07-01.json").unlink()
    part.path(folder).write_bytes(b"somebody's")
    with pytest.raises(InputError, match="without its record"):
        build(store, DAY)
    assert part.path(folder).read_bytes() == b"somebody's"


def test_a_damaged_record_is_named(store):
    store.add_points(*POINTS, accepted_on="2020-01-01")
    commit(store, watched(sample, POINTS, 0, DAY_S, seed=13))
    build(store, DAY)
    path = place(store).folder / "2020-07-01.json"
    for damage in (b"", b"{}", path.read_bytes()[:-3], path.read_bytes().replace(b'"rows":', b'"rows": ')):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=r"2020-07-01\.json"):
            read_record(path, date(2020, 7, 1), 0)


assert midnight(DAY) * MICROSECONDS == T0
