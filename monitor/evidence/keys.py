"""Ed25519 keys of collector and witnesses: their text forms (C2SP signed notes) and their files.

A key file is one line, the private key's text; with a passphrase the name's line and an encrypted PKCS #8 PEM below it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from monitor.finding import refuse

COLLECTOR: Final = 1
"""Kind of a key that signs a note's text."""
WITNESS: Final = 4
"""Kind of a key that co-signs a checkpoint with a time."""
KINDS: Final = (COLLECTOR, WITNESS)

MAX_NAME: Final = 200
_MAX_FILE_BYTES: Final = 4096
_PRIVATE: Final = "PRIVATE+KEY+"
_SEALED: Final = "camsla-key/1 "
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_HASH = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key under its name; `kind` is COLLECTOR or WITNESS, `raw` its 32 bytes, `hash` the 4 bytes in notes."""

    name: str
    kind: int
    raw: bytes
    hash: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.kind not in KINDS or len(self.raw) != 32:
            raise ValueError("a public key has kind 1 or 4 and 32 bytes")
        told = hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw).digest()[:4]
        object.__setattr__(self, "hash", told)

    def text(self) -> str:
        """Return `name+<key hash>+<base64 of kind and key>`."""
        return f"{self.name}+{self.hash.hex()}+{_encoded(bytes([self.kind]) + self.raw)}"

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the signature is this key's over the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read `text()` back. ValueError says what is wrong."""
        kind, raw, name, told = _parts(text)
        key = cls(name, kind, raw)
        if key.hash != told:
            raise ValueError("the key hash does not fit name and key")
        return key


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key under its name; its 32 bytes of `seed` are never shown by repr."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.seed) != 32:
            raise ValueError("a private key has a seed of 32 bytes")

    def text(self, kind: int = COLLECTOR) -> str:
        """Return `PRIVATE+KEY+name+<key hash>+<base64 of kind and seed>`."""
        return f"{_PRIVATE}{self.name}+{self.public(kind).hash.hex()}+{_encoded(bytes([kind]) + self.seed)}"

    def public(self, kind: int = COLLECTOR) -> PublicKey:
        """Return its public key of a kind."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return PublicKey(self.name, kind, key.public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of its signature over the message."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    @classmethod
    def parse(cls, text: str) -> PrivateKey:
        """Read `text()` of either kind back. ValueError says what is wrong, without the key."""
        if not text.startswith(_PRIVATE):
            raise ValueError(f"a private key's text begins with {_PRIVATE}")
        kind, seed, name, told = _parts(text.removeprefix(_PRIVATE))
        key = cls(name, seed)
        if key.public(kind).hash != told:
            raise ValueError("the key hash does not fit name and key")
        return key

    @classmethod
    def generate(cls, name: str) -> PrivateKey:
        """Make a new key. ValueError if the name has blanks or plus signs, is empty or longer than MAX_NAME bytes."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())


def write_key(path: Path, key: PrivateKey, passphrase: str | None) -> None:
    """Write a new key file of mode 0600, encrypted where there is a passphrase, and return when it is on the disk.

    InputError if the file exists or cannot be written; nothing is left of it then.
    """
    text = f"{key.text()}\n".encode()
    if passphrase is not None:
        if not passphrase:
            raise refuse(
                "口令为空 the passphrase is empty", "给出口令，或不加密 give one, or none at all", file=str(path)
            )
        private = Ed25519PrivateKey.from_private_bytes(key.seed)
        text = f"{_SEALED}{key.name}\n".encode() + private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise refuse(
            "密钥文件已存在，不覆盖 the key file exists and is not overwritten",
            "换一个文件名；旧密钥的封存要用旧密钥才能换 choose another name; the old key is needed to rotate to a new one",
            file=str(path),
        ) from None
    except OSError as error:
        raise refuse(f"无法写入密钥文件 cannot write the key file: {error.strerror}", _ROOM, file=str(path)) from None
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise refuse(f"无法写入密钥文件 cannot write the key file: {error.strerror}", _ROOM, file=str(path)) from None


def read_key(path: Path, passphrase: str | None) -> PrivateKey:
    """Read a key file. InputError if it is missing, readable by others, no key, or its passphrase missing or wrong."""
    text = _private_text(path)
    if not text.startswith(_SEALED):
        try:
            return PrivateKey.parse(text.rstrip("\n"))
        except ValueError as error:
            raise refuse(f"不是密钥文件 not a key file: {error}", _MAKE, file=str(path)) from None
    if not passphrase:
        raise refuse("密钥文件有口令 the key file has a passphrase", "给出口令 give it", file=str(path))
    head, _, pem = text.partition("\n")
    try:
        private = serialization.load_pem_private_key(pem.encode(), passphrase.encode())
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError("not Ed25519")
        return PrivateKey(head.removeprefix(_SEALED), private.private_bytes_raw())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library says the same of a wrong passphrase and of a broken file.
        raise refuse(
            "口令不对或密钥文件损坏 wrong passphrase, or the key file is damaged",
            "核对口令；文件损坏则从备份恢复 check it; restore a damaged file from its backup",
            file=str(path),
        ) from None


_ROOM: Final = "检查目录、权限和磁盘空间 check folder, permissions and free space"
_MAKE: Final = (
    "用 camsla evidence keygen 生成，或从备份恢复 make one with camsla evidence keygen, or restore the backup"
)


def _private_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise refuse("不是文件 not a file", _MAKE, file=str(path))
            if mode & 0o077:
                raise refuse(
                    f"他人可读写密钥文件 others may read or write the key file (mode {stat.S_IMODE(mode):04o})",
                    f"chmod 600 {path}；若可能已泄露则换密钥 and rotate the key if it may have been read",
                    file=str(path),
                )
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise refuse(f"无法读取密钥文件 cannot read the key file: {error.strerror}", _MAKE, file=str(path)) from None
    try:
        if len(data) > _MAX_FILE_BYTES:
            raise ValueError
        return data.decode()
    except ValueError:
        raise refuse("不是密钥文件 not a key file", _MAKE, file=str(path)) from None


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name.encode()) > MAX_NAME:
        raise ValueError(f"a key's name has 1 to {MAX_NAME} bytes and neither blanks nor plus signs: {name!r:.60}")


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _parts(text: str) -> tuple[int, bytes, str, bytes]:
    """Kind, 32 bytes, name and key hash of `name+hash+base64`."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _HASH.fullmatch(parts[1]):
        raise ValueError("a key is written name+<8 hexadecimal digits>+<base64>")
    try:
        data = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a key's last part is base64") from None
    if len(data) != 33 or _encoded(data) != parts[2] or data[0] not in KINDS:
        raise ValueError("a key's last part is a kind, 1 or 4, and 32 bytes")
    _require_name(parts[0])
    return data[0], data[1:], parts[0], bytes.fromhex(parts[1])
