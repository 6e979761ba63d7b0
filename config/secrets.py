"""Camera passwords at rest: AES-256-GCM with a key file that lies outside the database.

Whoever steals the database has no passwords, and a ciphertext moved to another camera's row does not open: login and
host are part of what is authenticated.
"""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from monitor.finding import refuse

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_VARIABLE = "CAMSLA_SECRET_KEY_FILE"
_LABEL = "camsla camera password 1\0"


def key_file(environ: Mapping[str, str], default: Path) -> Path:
    """Return where the key lies: CAMSLA_SECRET_KEY_FILE, else `default`."""
    given = environ.get(KEY_VARIABLE, "")
    return Path(given) if given else default


class PasswordCipher:
    """Encrypts and decrypts with the key in a file, which is read, or made, when it is first needed.

    Keys and passwords appear in no repr and no message.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: AESGCM | None = None
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"PasswordCipher({str(self._path)!r})"

    def encrypt(self, plain: str, context: str) -> tuple[bytes, bytes]:
        """Return (nonce, ciphertext with tag); the nonce is fresh and random. Makes the key file if there is none."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce, self._cipher(create=True).encrypt(nonce, plain.encode(), _bound(context))

    def decrypt(self, nonce: bytes, cipher: bytes, context: str) -> str:
        """Return the password. Raises InputError for another key, another login or host, or a changed ciphertext."""
        try:
            return self._cipher(create=False).decrypt(nonce, cipher, _bound(context)).decode()
        except (InvalidTag, ValueError):
            raise refuse(
                "密码无法解密：密钥不符，或密文不属于该用户与地址 a password does not open: "
                "another key, or not for this login and host",
                "恢复原密钥文件，或重新导入密码 restore the key file, or import the passwords again",
                file=str(self._path),
            ) from None

    def _cipher(self, *, create: bool) -> AESGCM:
        with self._turn:
            if self._key is None:
                self._key = AESGCM(_read(self._path, create=create))
            return self._key


def _bound(context: str) -> bytes:
    return (_LABEL + context).encode()


def _read(path: Path, *, create: bool) -> bytes:
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        if create:
            _make(path)
            return _read(path, create=False)
        raise refuse(
            "密钥文件不存在 the key file is missing",
            "恢复备份的密钥文件 restore it from its backup；没有它，已存密码无法读取 stored passwords need it",
            file=str(path),
        ) from None
    except OSError as error:
        message = f"无法读取密钥文件 cannot read the key file: {error.strerror}"
        raise refuse(message, "检查路径和权限 check path and mode", file=str(path)) from None
    if len(key) != KEY_BYTES:
        message = f"密钥文件须为 {KEY_BYTES} 字节 the key file must hold exactly {KEY_BYTES} bytes"
        raise refuse(message, f"恢复原文件，或新建 restore it, or: head -c {KEY_BYTES} /dev/urandom", file=str(path))
    return key


def _check_mode(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise refuse("密钥须是普通文件 the key must be a regular file", "换一个路径 use another path", file=str(path))
    if os.name == "posix" and status.st_mode & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        message = f"密钥文件权限 {mode} 过宽，他人可读 others can use the key file"
        raise refuse(message, f"chmod 600 {path}", file=str(path))


def _make(path: Path) -> None:
    """Make the key file whole or not at all; if another process was faster, its key stands."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        with suppress(FileExistsError):
            os.link(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        message = f"无法建立密钥文件 cannot make the key file: {error.strerror}"
        raise refuse(message, "检查目录权限 check the directory's mode", file=str(path)) from None
    finally:
        draft.unlink(missing_ok=True)
