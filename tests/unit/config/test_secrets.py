"""The key file and what it protects."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from config.secrets import KEY_BYTES, PasswordCipher, key_file
from monitor.finding import InputError

CANARY = "canary-口令-7f3a"


def test_what_was_encrypted_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    nonce, body = PasswordCipher(path).encrypt(CANARY, "admin@10.0.0.1")
    assert CANARY.encode() not in nonce + body
    assert PasswordCipher(path).decrypt(nonce, body, "admin@10.0.0.1") == CANARY


def test_the_key_is_made_once_for_its_owner_alone_and_only_when_needed(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    cipher = PasswordCipher(path)
    assert not path.exists()
    old = os.umask(0)
    try:
        cipher.encrypt("x", "c")
    finally:
        os.umask(old)
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_size) == (0o600, KEY_BYTES)
    key = path.read_bytes()
    PasswordCipher(path).encrypt("x", "c")
    assert path.read_bytes() == key
    assert [item.name for item in tmp_path.iterdir()] == ["secret.key"]


def test_the_same_password_looks_different_every_time(tmp_path: Path) -> None:
    cipher = PasswordCipher(tmp_path / "secret.key")
    assert len({cipher.encrypt("same", "c") for _ in range(50)}) == 50


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666, 0o610])
def test_a_key_that_others_can_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(bytes(KEY_BYTES))
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        PasswordCipher(path).encrypt("x", "c")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_refused(size: int, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(InputError, match="32"):
        PasswordCipher(path).encrypt("x", "c")


def test_reading_never_makes_a_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with pytest.raises(InputError, match="missing"):
        PasswordCipher(path).decrypt(bytes(12), bytes(20), "c")
    assert not path.exists()


def test_a_folder_or_a_place_without_permission_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        PasswordCipher(tmp_path).encrypt("x", "c")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError):
        PasswordCipher(tmp_path / "file" / "secret.key").encrypt("x", "c")


def test_another_key_login_host_or_byte_does_not_open_and_nothing_is_said_of_the_password(tmp_path: Path) -> None:
    cipher = PasswordCipher(tmp_path / "a.key")
    nonce, body = cipher.encrypt(CANARY, "admin@10.0.0.1")
    other = PasswordCipher(tmp_path / "b.key")
    other.encrypt("x", "c")
    flipped = bytes([body[0] ^ 1]) + body[1:]
    attempts = [
        (other, nonce, body, "admin@10.0.0.1"),
        (cipher, nonce, body, "admin@10.0.0.2"),
        (cipher, nonce, body, "root@10.0.0.1"),
        (cipher, nonce, flipped, "admin@10.0.0.1"),
        (cipher, nonce, body[:-1], "admin@10.0.0.1"),
        (cipher, nonce, b"", "admin@10.0.0.1"),
        (cipher, b"", body, "admin@10.0.0.1"),
        (cipher, bytes(12), body, "admin@10.0.0.1"),
    ]
    for opener, number, text, context in attempts:
        with pytest.raises(InputError) as caught:
            opener.decrypt(number, text, context)
        assert CANARY not in str(caught.value)
    assert CANARY not in repr(cipher)


def test_where_the_key_lies(tmp_path: Path) -> None:
    default = tmp_path / "secret.key"
    assert key_file({}, default) == default
    assert key_file({"CAMSLA_SECRET_KEY_FILE": ""}, default) == default
    assert key_file({"CAMSLA_SECRET_KEY_FILE": "/run/secrets/camsla"}, default) == Path("/run/secrets/camsla")
