"""A backup's archive read to its last byte: nothing missing, altered, or too much, before anybody relies on it."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

from pydantic import ValidationError

from console.backups.form import CHUNK, FORMAT, MANIFEST, Manifest, Moved
from monitor.finding import InputError, refuse
from monitor.store.migrate import revisions

MOST_FILES, MOST_MANIFEST = 1_000_000, 256 * 1024 * 1024
_NAME = re.compile(r"(?:tables/[a-z_]+\.ndjson|keys\.enc|(?:evidence|archive)/[^\\\0]+)")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What a damaged ZIP raises: a flipped bit may as well claim another method, or encryption."""
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def verified(path: Path, moved: Moved = lambda *_: None) -> Manifest:
    """Read an archive to its last byte and return its manifest. InputError says what is missing, altered or too much."""
    with opened(path) as archive:
        manifest = _manifest(archive, path)
        for n, entry in enumerate(manifest.files):
            digest, size, lines = hashlib.sha256(), 0, 0
            try:
                with archive.open(entry.name) as file:
                    while data := file.read(min(CHUNK, entry.bytes + 1 - size)):
                        digest.update(data)
                        size += len(data)
                        lines += data.count(b"\n")
            except (*_UNREADABLE, ValueError) as error:
                raise altered(path, f"{entry.name}: {error}") from None
            if size != entry.bytes or digest.hexdigest() != entry.sha256:
                raise altered(path, entry.name)
            table = entry.name.removeprefix("tables/").removesuffix(".ndjson")
            if entry.name.startswith("tables/") and lines != manifest.tables[table].rows:
                raise altered(path, f"{entry.name}: {lines} ≠ {manifest.tables[table].rows}")
            moved(n + 1, len(manifest.files))
    return manifest


def opened(path: Path) -> zipfile.ZipFile:
    """Open an archive. InputError if it is none, or cut short."""
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise refuse("没有这个文件 no such file", "检查路径 check the path", file=str(path)) from None
    except (*_UNREADABLE, ValueError) as error:
        raise altered(path, str(error)) from None


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    names = archive.namelist()
    try:
        with archive.open(MANIFEST) as file:
            manifest = Manifest.model_validate_json(file.read(MOST_MANIFEST))
    except (*_UNREADABLE, KeyError, ValidationError) as error:
        raise altered(path, f"{MANIFEST}: {str(error).splitlines()[0]}") from None
    if manifest.format != FORMAT:
        raise refuse(f"不是本程序的备份 not a backup of this program: {manifest.format!r}", "检查文件", file=str(path))
    if manifest.revision not in revisions():
        raise refuse(
            f"备份的库结构 {manifest.revision} 比程序新 the backup is newer than this program ({manifest.software})",
            "升级程序 upgrade the program",
            file=str(path),
        )
    listed = [entry.name for entry in manifest.files]
    if sorted([*listed, MANIFEST]) != sorted(names) or len(set(names)) != len(names) or len(names) > MOST_FILES:
        raise altered(path, "清单与内容不符 its files are not those of its manifest")
    if {f"tables/{name}.ndjson" for name in manifest.tables} != {n for n in listed if n.startswith("tables/")}:
        raise altered(path, "tables")
    for name in listed:
        if not _NAME.fullmatch(name) or any(part in {"", ".", ".."} for part in name.split("/")):
            raise altered(path, repr(name))
    for table in manifest.tables.values():
        if not all(_WORD.fullmatch(column) for column in table.columns):
            raise altered(path, "columns")
    return manifest


def altered(path: Path, what: str) -> InputError:
    """Return the complaint that an archive is not what it was."""
    return refuse(
        f"备份残缺或被改动，什么也没有写入 the backup is cut short or altered, nothing was written: {what}",
        "换另一份备份 use another copy",
        file=str(path),
    )
