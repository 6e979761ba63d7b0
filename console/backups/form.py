"""What a backup says of itself, and how keys travel in one: the manifest, fingerprints, keys under a passphrase."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict

from config.settings import Settings
from monitor.finding import refuse

FORMAT = "camsla backup 1"
MANIFEST, KEYS = "manifest.json", "keys.enc"
CHUNK = 1024 * 1024

Moved = Callable[[int, int], object]
"""Hears how many rows and files are done, of how many."""


class FileEntry(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str


class TableEntry(BaseModel):
    """A table's columns, in the order of its rows' values, and how many rows there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...]
    rows: int


class Manifest(BaseModel):
    """What an archive says of itself. `made_at` is in microseconds UTC; `keys` are fingerprints of the keys it needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    software: str
    made_at: int
    revision: str
    database: str
    origin: str
    tables: Mapping[str, TableEntry]
    files: tuple[FileEntry, ...]
    keys: Mapping[str, str]
    with_keys: bool


def key_files(settings: Settings) -> dict[str, Path]:
    """Return the files of the two keys, which no backup holds unless it is asked to."""
    return {"secret_key": settings.key_path, "evidence_key": settings.evidence_key_path}


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and says nothing of either."""
    return hashlib.sha256(b"camsla key fingerprint\0" + key).hexdigest()[:16]


def sealed_keys(files: Mapping[str, Path], passphrase: str) -> bytes:
    """Return the keys as only the passphrase opens them. InputError if there is none to put in."""
    found = {name: base64.b64encode(path.read_bytes()).decode() for name, path in files.items() if path.is_file()}
    if not found:
        raise refuse("没有密钥文件 there is no key file", "不带 --with-keys without it", column="with-keys")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
    return salt + nonce + AESGCM(key).encrypt(nonce, json.dumps(found).encode(), FORMAT.encode())


def opened_keys(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """Return the keys by name. ValueError or InvalidTag for another passphrase."""
    salt, nonce = sealed[:16], sealed[16:28]
    key = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
    found = json.loads(AESGCM(key).decrypt(nonce, sealed[28:], FORMAT.encode()))
    return {name: base64.b64decode(value) for name, value in found.items()}
