"""Keys: their texts, their files, and what becomes of a file that others can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.evidence.keys import COLLECTOR, WITNESS, PrivateKey, PublicKey, read_key, write_key
from monitor.finding import InputError

NAME = "camsla.local/east"
KEY = PrivateKey(NAME, bytes(range(32)))


def test_the_text_of_a_key_that_others_published():
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = PublicKey.parse(text)
    assert (key.name, key.kind, key.hash.hex()) == ("sum.golang.org", COLLECTOR, "033de0ae")
    assert key.text() == text


def test_texts_come_back_as_the_same_key():
    for kind in (COLLECTOR, WITNESS):
        assert PublicKey.parse(KEY.public(kind).text()) == KEY.public(kind)
        assert PrivateKey.parse(KEY.text(kind)) == KEY
    assert KEY.public(COLLECTOR).hash != KEY.public(WITNESS).hash


def test_a_private_key_is_not_shown():
    assert KEY.seed.hex() not in repr(KEY)
    assert str(KEY.seed) not in repr(KEY)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\t", "new\nline", "x" * 201])
def test_names_that_a_note_could_not_carry(name: str):
    with pytest.raises(ValueError, match="name"):
        PrivateKey.generate(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "a+00000000+AAAA",
        KEY.public().text().replace("+", "-", 1),
        KEY.public().text()[:-1],
        KEY.public().text() + "=",
        KEY.public().text().replace(NAME, "camsla.local/west"),
    ],
)
def test_texts_that_are_no_public_key(text: str):
    with pytest.raises(ValueError, match="key"):
        PublicKey.parse(text)


def test_a_wrong_private_text_is_refused_without_telling_it():
    text = KEY.text().replace("east", "west")
    with pytest.raises(ValueError, match="key hash") as raised:
        PrivateKey.parse(text)
    assert text[-20:] not in str(raised.value)


def test_signatures():
    signature = KEY.sign(b"message")
    assert KEY.public().verify(signature, b"message")
    assert not KEY.public().verify(signature, b"another")
    assert not KEY.public().verify(signature[:-1], b"message")
    assert not PrivateKey.generate(NAME).public().verify(signature, b"message")


@pytest.mark.parametrize("passphrase", [None, "correct horse 口令"])
def test_a_key_file(tmp_path: Path, passphrase: str | None):
    path = tmp_path / "evidence.key"
    write_key(path, KEY, passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, passphrase) == KEY
    if passphrase:
        assert KEY.text()[-40:] not in path.read_text()
    else:
        assert path.read_text() == f"{KEY.text()}\n"


def test_a_key_file_is_never_overwritten(tmp_path: Path):
    path = tmp_path / "evidence.key"
    write_key(path, KEY, None)
    with pytest.raises(InputError, match="not overwritten"):
        write_key(path, PrivateKey.generate(NAME), None)
    assert read_key(path, None) == KEY


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path):
    path = tmp_path / "evidence.key"
    write_key(path, KEY, None)
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(InputError, match="others may read or write") as raised:
            read_key(path, None)
        assert "chmod 600" in str(raised.value)


def test_passphrases_that_do_not_open(tmp_path: Path):
    path = tmp_path / "evidence.key"
    write_key(path, KEY, "right")
    with pytest.raises(InputError, match="wrong passphrase"):
        read_key(path, "left")
    with pytest.raises(InputError, match="has a passphrase"):
        read_key(path, None)
    with pytest.raises(InputError, match="empty"):
        write_key(tmp_path / "other.key", KEY, "")
    assert not (tmp_path / "other.key").exists()


def test_files_that_hold_no_key(tmp_path: Path):
    path = tmp_path / "evidence.key"
    with pytest.raises(InputError, match=r"cannot read.*evidence keygen"):
        read_key(path, None)
    for content in (b"", b"hello\n", b"\xff\xfe", b"x" * 5000, b"camsla-key/1 a\nnothing\n"):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(InputError, match=r"not a key file|damaged"):
            read_key(path, "some")
    with pytest.raises(InputError, match=r"not a file|cannot read"):
        read_key(tmp_path, None)


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_key(tmp_path / "evidence.key", KEY, None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="cannot write the key file"):
        write_key(tmp_path / "none" / "evidence.key", KEY, None)
