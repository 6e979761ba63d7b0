"""Files and records of the archive that are damaged, missing or somebody else's: named, and never taken for data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.archive import building, parts
from monitor.archive.building import build
from monitor.archive.checking import check
from monitor.archive.history import histories
from monitor.archive.parts import Cut, Part, Taken, done_up_to, part_of, parts_of, sound, write_record
from monitor.archive.shelf import Shelf
from monitor.finding import InputError
from monitor.model import MICROSECONDS, STATE_OF, Instant, Outcome, Reason, Rung, Sample
from monitor.period import ZONE, midnight, parse_period
from monitor.store.batch import columns_of, pack
from monitor.timeline import Policy

DAY = date(2020, 7, 1)
START = midnight(DAY) * MICROSECONDS
JULY = parse_period("2020-07-01..2020-07-01")


def batches():
    ok = Outcome(STATE_OF[Reason.OK], Reason.OK, Rung.DESCRIBE)
    samples = [
        Sample(point, "local", Instant(START + n * 60_000_000 + k), ok, 130, 20_000 + n, "1")
        for n in range(300)
        for k, point in enumerate(("a", "b", "c"))
    ]
    batch = pack("local", samples)
    return [columns_of(batch.body, batch.sha256)]


def made(folder: Path) -> Part:
    taken = {"local": Taken(((1, 1),))}
    return build(folder, DAY, 0, ZONE, batches(), points=["a", "b", "c"], taken=taken, expected=900)


def read(folder: Path) -> int:
    return histories(Shelf(folder), (), JULY, ZONE, Policy()).rows


def test_it_is_sound_to_begin_with(tmp_path: Path) -> None:
    part = made(tmp_path)
    check(tmp_path, part)
    assert parts_of(tmp_path) == [part]
    assert read(tmp_path) == 900


def test_every_damaged_byte_is_found_by_the_digest(tmp_path: Path) -> None:
    part = made(tmp_path)
    path = part.path(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for work in (lambda: sound(tmp_path, part), lambda: check(tmp_path, part), lambda: read(tmp_path)):
            with pytest.raises(InputError, match=r"2020-07-01\.parquet"):
                work()


def test_a_file_without_a_record_is_doubted_and_its_damage_named(tmp_path: Path) -> None:
    part = made(tmp_path)
    (tmp_path / "2020-07-01.json").unlink()
    assert read(tmp_path) == 900
    (doubt,) = Shelf(tmp_path).doubts([DAY])
    assert doubt.level == "warning"
    path = part.path(tmp_path)
    whole = path.read_bytes()
    for damaged in (b"", b"PAR1", whole[:-1], whole[4:], whole[: len(whole) // 2], b"not parquet at all" * 10):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"2020-07-01\.parquet"):
            read(tmp_path)


def test_somebody_elses_parquet_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"point": ["a"], "t": [1]}), tmp_path / "2020-07-01.parquet")
    with pytest.raises(InputError, match="no column"):
        read(tmp_path)


def rewritten(folder: Path, part: Part, table: pa.Table, metadata: dict[str, str] | None = None) -> Part:
    """The part with other rows, and a record that fits the new file: what only `check` can tell."""
    path = part.path(folder)
    said = {
        key.decode(): value.decode() for key, value in pq.read_metadata(path).metadata.items() if key != b"ARROW:schema"
    }
    texts = {
        name: pa.dictionary(pa.int32(), pa.string())
        for name in ("point", "vantage", "camera", "state", "reason", "rung")
    }
    form = pa.schema([pa.field(f.name, texts.get(f.name, f.type), nullable=False) for f in table.schema])
    with pq.ParquetWriter(path, form, store_schema=False) as writer:
        writer.add_key_value_metadata(said if metadata is None else metadata)
        writer.write_table(table.cast(form))
    changed = replace(part, bytes=path.stat().st_size, sha256=parts.digest_of(path))
    write_record(folder, changed)
    return changed


@pytest.mark.parametrize("what", ["order", "row", "day", "metadata", "column"])
def test_a_file_with_a_right_digest_and_wrong_content_is_named(tmp_path: Path, what: str) -> None:
    part = made(tmp_path)
    table = pq.read_table(part.path(tmp_path))
    metadata = None
    if what == "order":
        table = table.take([1, 0, *range(2, 900)])
    elif what == "row":
        table = table.slice(1)
    elif what == "day":
        moved = pa.compute.add(table.column("t_cs"), 8_640_000)
        table = table.set_column(6, "t_cs", moved)
    elif what == "metadata":
        metadata = {"camsla": json.dumps({"day": "2020-07-02"})}
    else:
        table = table.drop_columns(["took_us"])
    changed = rewritten(tmp_path, part, table, metadata)
    with pytest.raises(InputError, match=r"2020-07-01\.parquet"):
        check(tmp_path, changed)


def test_an_untouched_rewrite_is_accepted(tmp_path: Path) -> None:
    part = made(tmp_path)
    check(tmp_path, rewritten(tmp_path, part, pq.read_table(part.path(tmp_path))))


@pytest.mark.parametrize("where", ["spool", "file", "record"])
def test_a_disk_that_fails_leaves_nothing_half_written(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if where == "spool":
        monkeypatch.setattr("monitor.archive.spool.Spool._append", full)
    elif where == "file":
        monkeypatch.setattr(building.os, "fsync", full)
    else:
        monkeypatch.setattr(building, "write_record", full)
    with pytest.raises(OSError, match="No space"):
        made(tmp_path)
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["2020-07-01.parquet"] if where == "record" else [])
    assert parts_of(tmp_path) == []
    monkeypatch.undo()
    assert made(tmp_path) == part_of(tmp_path, DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2020-07-01.json", "2020-07-01.parquet"]


def test_batches_are_done_without_holes_and_for_all_their_days() -> None:
    def part(day: int, whole=(), cut=()) -> Part:
        return Part(date(2020, 7, day), 0, ZONE, 0, 0, 0, "", {"v": Taken(tuple(whole), tuple(cut))})

    over = Cut(11, date(2020, 7, 1), date(2020, 7, 2))
    one, two = part(1, [(1, 10)], [over]), part(2, [(12, 20)], [over])
    assert done_up_to([one, two], {"v": 1}) == {"v": 20}
    assert done_up_to([one], {"v": 1}) == {"v": 10}, "the batch over midnight has results that are not archived"
    assert done_up_to([two], {"v": 1}) == {"v": 0}
    assert done_up_to([two], {"v": 12}) == {"v": 20}
    assert done_up_to([part(1, [(1, 3), (5, 9)])], {"v": 1}) == {"v": 3}
    assert done_up_to([], {"v": 7}) == {"v": 6}
    assert Taken(((1, 3), (5, 9)), (over,)).has(5)
    assert not Taken(((1, 3), (5, 9)), (over,)).has(4)
    assert Taken(((1, 3), (5, 9)), (over,)).has(11)
