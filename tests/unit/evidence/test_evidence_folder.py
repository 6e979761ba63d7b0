"""The folder on disk: whole days or nothing, damaged files named, what a crash leaves removed."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from monitor.canonical import canonical
from monitor.evidence import durable
from monitor.evidence.folder import CHECKPOINT, FRONTIER, RECORDS, LogFolder
from monitor.evidence.keys import PrivateKey
from monitor.evidence.note import Checkpoint, Note, cosign, sign
from monitor.evidence.tree import EMPTY, Frontier
from monitor.finding import InputError
from tests.evidence_logs import ZONE, Log, write_log

KEY = PrivateKey("camsla.local/test", bytes(32))


def day(folder: LogFolder, name: str, before: Frontier = EMPTY, lines: tuple[bytes, ...] = (b"{}", b'{"a":1}')) -> Note:
    """Write a day of lines that mean nothing."""
    text = Checkpoint.of(folder.origin, before.appended(lines), f"day {name}").text()
    note = Note(text, (sign(text, KEY),))
    folder.write_day(name, lines, before, b"", note, b'{"state":"' + name.encode() + b'"}')
    return note


def everything(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path, "camsla.local/test")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return write_log(tmp_path_factory.mktemp("log"), 3)


def test_a_day_is_read_as_it_was_written(folder: LogFolder):
    assert folder.days() == []
    assert folder.states() == []
    note = day(folder, "2020-07-01")
    assert folder.path.name == "camsla.local_test"
    read = folder.read_day("2020-07-01")
    assert (read.lines, read.frontier, read.prev_note, read.note) == ((b"{}", b'{"a":1}'), EMPTY, b"", note)
    assert sorted(everything(folder.path / "2020-07-01")) == [
        "checkpoint.note",
        "frontier.json",
        "prev.note",
        "records.ndjson",
    ]
    assert folder.state("2020-07-01") == b'{"state":"2020-07-01"}'


def test_the_same_day_again_changes_nothing_and_another_is_refused(folder: LogFolder):
    note = day(folder, "2020-07-01")
    folder.set_note("2020-07-01", note.with_signature(cosign(note.text, KEY, 5)))
    before = everything(folder.path)
    day(folder, "2020-07-01")
    assert everything(folder.path) == before
    with pytest.raises(InputError, match="sealed already, with other content"):
        day(folder, "2020-07-01", lines=(b"{}",))
    with pytest.raises(InputError, match="does not follow"):
        day(folder, "2020-07-03")
    assert everything(folder.path) == before


def test_states_are_kept_of_the_first_day_of_ends_of_months_and_of_the_last(folder: LogFolder):
    for name in ("2020-06-28", "2020-06-29", "2020-06-30", "2020-07-01", "2020-07-02"):
        day(folder, name)
    assert folder.states() == ["2020-06-28", "2020-06-30", "2020-07-02"]


def test_signatures_are_added_to_the_same_text_and_none_is_lost(folder: LogFolder):
    note = day(folder, "2020-07-01")
    more = note.with_signature(cosign(note.text, KEY, 5))
    folder.set_note("2020-07-01", more)
    assert folder.read_day("2020-07-01").note == more
    for other in (note, Note(note.text + "x\n", more.signatures)):
        with pytest.raises(InputError, match=r"text differs|would be lost"):
            folder.set_note("2020-07-01", other)
    assert folder.read_day("2020-07-01").note == more


class Stopped(BaseException):
    """The power fails: nothing behind it runs."""


@pytest.mark.parametrize("step", range(40))
def test_a_stop_at_any_step_leaves_all_or_nothing(folder: LogFolder, monkeypatch: pytest.MonkeyPatch, step: int):
    day(folder, "2020-07-01")
    left = [step]

    def stopping(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **named: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            return real(*args, **named)

        monkeypatch.setattr(os, name, call)

    def kept(*args: object, **named: object) -> None:
        """What cleans up after an error does not run either."""

    with monkeypatch.context() as patch:
        for name in ("fsync", "rename", "replace", "mkdir"):
            stopping(name)
        patch.setattr(durable.shutil, "rmtree", kept)
        patch.setattr(Path, "unlink", kept)
        done = True
        try:
            day(folder, "2020-07-02")
        except Stopped:
            done = False
    monkeypatch.undo()
    removed = folder.recover()
    assert folder.recover() == []
    assert not any(name.startswith(".") for one in folder.path.rglob("*") for name in [one.name])
    if done:
        assert removed == [] or folder.days()[-1] == "2020-07-02"
        assert folder.days() == ["2020-07-01", "2020-07-02"]
    assert folder.states()[-1] == folder.days()[-1]
    for name in folder.days():
        assert folder.read_day(name).lines == (b"{}", b'{"a":1}')
    day(folder, "2020-07-02")
    assert folder.days() == ["2020-07-01", "2020-07-02"]
    assert folder.states() == ["2020-07-01", "2020-07-02"]


@pytest.mark.parametrize("step", range(12))
def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    folder: LogFolder, monkeypatch: pytest.MonkeyPatch, step: int
):
    day(folder, "2020-07-01")
    before = everything(folder.path)
    real, left = os.fsync, [step]

    def full(number: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", full)
    try:
        day(folder, "2020-07-02")
    except InputError as error:
        assert "No space left" in str(error)
        assert "free some space" in str(error)
    monkeypatch.undo()
    assert not any(one.name.startswith(".") for one in folder.path.rglob("*"))
    if "2020-07-02" in folder.days():
        assert folder.read_day("2020-07-02").lines == (b"{}", b'{"a":1}')
    else:
        folder.recover()
        assert everything(folder.path) == before


def test_files_that_are_damaged_are_named(folder: LogFolder):
    day(folder, "2020-07-01")
    place = folder.path / "2020-07-01"
    for name, content, what in (
        (RECORDS, b'{}\n{"a', r"records\.ndjson:2: .*last line is not complete"),
        (RECORDS, b"{}\n\n{}\n", r"records\.ndjson:2: .*empty line"),
        (RECORDS, b"", "last line is not complete"),
        (FRONTIER, b"{}\n", r"frontier\.json: .*damaged.*keys"),
        (CHECKPOINT, b"text\n", r"checkpoint\.note: .*damaged"),
    ):
        good = (place / name).read_bytes()
        (place / name).write_bytes(content)
        with pytest.raises(InputError, match=what):
            folder.read_day("2020-07-01")
        (place / name).write_bytes(good)
    with pytest.raises(InputError, match="cannot read"):
        folder.read_day("2020-07-02")


def test_blobs_by_their_digest(folder: LogFolder):
    data = b"bytes"
    name = folder.put_blob(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert folder.put_blob(data) == name
    assert folder.blob(name) == data
    assert folder.imported(folder.put_blob(b"[1]\n[2]\n")) == [b"[1]", b"[2]"]
    assert folder.imported(folder.put_blob(b"")) == []
    (folder.path / "blobs" / name).write_bytes(b"bytez")
    with pytest.raises(InputError, match="another digest"):
        folder.blob(name)
    with pytest.raises(InputError, match="not a digest"):
        folder.blob("../" + name[3:])
    with pytest.raises(InputError, match="cannot read"):
        folder.blob("0" * 64)


def test_a_log_that_was_written_can_be_read_and_continued(log: Log):
    key = log.key.public().text()
    assert canonical(log.folder.latest(ZONE, key).document()) == canonical(log.state.document())
    first = log.days[0]
    state = log.folder.earlier({"P-00000": first}, [], ZONE, key)
    assert state.points == ["P-00000"]
    assert state.day == log.days[-1]
    whole = log.folder.load_state(first, ZONE)
    for name in log.days[1:]:
        log.folder.replay(whole, log.folder.read_day(name).lines)
    assert [state.seconds("P-00000", name) for name in log.days] == [
        whole.seconds("P-00000", name) for name in log.days
    ]


def test_a_record_that_does_not_fit_is_named_by_file_and_line(log: Log):
    lines = list(log.folder.read_day(log.days[0]).lines)
    state = log.folder.earlier({"nobody": log.days[0]}, [], ZONE, "")
    with pytest.raises(InputError, match=r"records\.ndjson:2: .*does not fit: not canonical"):
        log.folder.replay(state, [lines[0], lines[1].replace(b",", b", ", 1)], "records.ndjson")


def test_the_log_folds_into_its_checkpoints(log: Log):
    frontier = EMPTY
    for name in log.days:
        read = log.folder.read_day(name)
        assert read.frontier == frontier
        frontier = frontier.appended(read.lines)
        assert read.note.checkpoint == Checkpoint.of(log.folder.origin, frontier, f"day {name}")
