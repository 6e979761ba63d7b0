"""The container of packs: equal members give equal bytes, and nothing but the canonical form is read."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.evidence import pack, unpack
from monitor.evidence.pack import PackError, PackWriter, pack_bytes
from monitor.evidence.unpack import PackReader

MEMBERS = {
    "README.md": b"what is proven\n" * 40,
    "blobs/00ff": bytes(random.Random(1).randbytes(5_000)),
    "empty": b"",
    "log/2020-07-01/records.ndjson": b'{"k":"man"}\n' * 3_000,
    "one": b"x",
}


def packed(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    pack_bytes(file, members)
    return file.getvalue()


def opened(body: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "pack.zip"
    path.write_bytes(body)
    with PackReader(path) as reader:
        return {name: reader.read(name) for name in reader.names}


def test_what_was_packed_is_read_and_python_reads_it_too(tmp_path: Path) -> None:
    body = packed(MEMBERS)
    assert body == packed(dict(reversed(MEMBERS.items())))
    assert opened(body, tmp_path) == MEMBERS
    with zipfile.ZipFile(io.BytesIO(body)) as ours:
        assert ours.testzip() is None
        assert {info.filename: ours.read(info) for info in ours.infolist()} == MEMBERS
        assert {info.date_time for info in ours.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,4}(/[a-z]{1,4})?\Z"), st.binary(max_size=2_000), max_size=6))
def test_any_members_are_read_back(members: dict[str, bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpack, "CHUNK", 64)
        body = packed(members)
        path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / "camsla-pack-property.zip"
        path.write_bytes(body)
        try:
            with PackReader(path) as reader:
                assert {name: reader.read(name) for name in reader.names} == members
        finally:
            path.unlink()


def test_every_single_changed_bit_is_refused(tmp_path: Path) -> None:
    """Of a pack whose members lie stored or in one short block, no bit is free."""
    small = {"a": b"abcabcabcabcabcabc\n" * 9, "b/c": b"\x00\x01\x02", "d": b""}
    file = io.BytesIO()
    writer = PackWriter(file)
    for name, content in small.items():
        writer.add(name, content, stored=name == "b/c")
    writer.close()
    body = file.getvalue()
    for at in range(len(body) * 8):
        changed = bytearray(body)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(PackError):
            opened(bytes(changed), tmp_path)


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("log/2020-07-01/prev.note", True),
        ("../etc/passwd", False),
        ("a/../b", False),
        ("a/./b", False),
        ("/a", False),
        ("a//b", False),
        ("a/", False),
        ("a\\b", False),
        ("C:a", False),
        ("文件", False),
        ("", False),
        ("a" * 201, False),
    ],
)
def test_names(name: str, usable: bool, tmp_path: Path) -> None:
    assert pack.usable_name(name) is usable
    if usable:
        return
    writer = PackWriter(io.BytesIO())
    with pytest.raises(PackError, match="name"):
        writer.add(name, b"")
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as made:
        made.writestr(zipfile.ZipInfo(name or "x/", (1980, 1, 1, 0, 0, 0)), b"")
    with pytest.raises(PackError):
        opened(foreign.getvalue(), tmp_path)


def test_what_comes_out_of_order_or_twice_is_refused() -> None:
    writer = PackWriter(io.BytesIO())
    writer.add("b", b"1")
    for name in ("a", "b"):
        with pytest.raises(PackError, match="out of order"):
            writer.add(name, b"2")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda body: body[:-1], "end record"),
        (lambda body: body + b"\0", "end record"),
        (lambda body: b"\0" + body, "directory"),
        (lambda body: body[: len(body) // 2], "end record"),
        (lambda body: b"", "cut short"),
        (lambda body: body.replace(b"one", b"two", 1), "header"),
    ],
)
def test_a_container_that_is_not_canonical_is_named(change: object, word: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=word):
        opened(change(packed(MEMBERS)), tmp_path)  # type: ignore[operator]


def test_a_bomb_stops_at_its_stated_size(tmp_path: Path) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(64 << 20)) + deflate.flush()
    honest = packed({"a": b"x" * 1_000})
    member = pack.Member("a", 8, zlib.crc32(bytes(10)), len(bomb), 10, 31)
    start = 31 + len(bomb)
    directory = pack.directory_entry(member)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), start, 0)
    path = tmp_path / "bomb.zip"
    path.write_bytes(pack.local_header(member) + bomb + directory + end)
    with PackReader(path) as reader, pytest.raises(PackError, match="more than its stated size"):
        reader.read("a")
    assert opened(honest, tmp_path) == {"a": b"x" * 1_000}
    with PackReader(tmp_path / "pack.zip") as reader, pytest.raises(PackError, match="too large"):
        reader.read("a", most=999)
    with PackReader(tmp_path / "pack.zip") as reader, pytest.raises(PackError, match="no such member"):
        reader.read("b")


def test_bits_behind_the_compressed_data_must_be_zero(tmp_path: Path) -> None:
    body = bytearray(packed({"a": b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}))
    path = tmp_path / "one.zip"
    path.write_bytes(body)
    with PackReader(path) as reader:
        its = reader.members["a"]
    last = its.start + its.packed - 1
    body[last] |= 0x80
    with pytest.raises(PackError, match="not zero"):
        opened(bytes(body), tmp_path)


def test_lines_need_their_ends(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(packed({"cut": b"a\nb", "whole": b"a\n\nb\n", "empty": b""}))
    with PackReader(path) as reader:
        assert list(reader.lines("whole")) == [b"a", b"", b"b"]
        assert list(reader.lines("empty")) == []
        with pytest.raises(PackError, match="cut short"):
            list(reader.lines("cut"))


def test_the_digest_of_the_packed_data_is_known_before_the_last_members_are_written(tmp_path: Path) -> None:
    file = io.BytesIO()
    writer = PackWriter(file)
    writer.add("a", b"a" * 1_000)
    told = writer.data_digest([(b"v" * 500, False), (b"w", True)])
    writer.add("manifest.sig", b"signed", stored=True)
    writer.add("v", b"v" * 500)
    writer.add("w", b"w", stored=True)
    writer.close()
    path = tmp_path / "pack.zip"
    path.write_bytes(file.getvalue())
    with PackReader(path) as reader:
        assert reader.data_digest() == told == writer.data_digest([])
