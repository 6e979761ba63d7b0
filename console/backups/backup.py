"""A backup: one ZIP archive that holds everything but the keys, with a manifest that names every file and its SHA-256.

The database goes in table by table, a row a line, in one form for both databases: a backup of either restores into either.
It is read from one committed snapshot while nobody seals, so rows, evidence log and raw archive fit each other:

    tables/NAME.ndjson  rows as JSON lists in the columns' order of the manifest; bytes as {"b": base64}
    evidence/…          the evidence log's folder
    archive/…           the raw archive's folder
    keys.enc            the two keys, if a passphrase was given: AES-256-GCM under scrypt
    manifest.json       written last: without it an archive is not whole

Sessions, one-time secrets and repeated requests stay behind: whoever signs in to a restored system signs in anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, func, select, text

from config.settings import Settings
from console.backups.form import (
    CHUNK,
    FORMAT,
    KEYS,
    MANIFEST,
    FileEntry,
    Manifest,
    Moved,
    TableEntry,
    fingerprint,
    key_files,
    sealed_keys,
)
from console.log.sealing import log_of
from deploy.migrations import METADATA
from monitor.evidence.durable import disk_errors, synced_folder
from monitor.finding import InputError, refuse
from monitor.model import Instant
from monitor.store.database import open_database, reading, snapshot, sqlite_path
from monitor.store.lock import WriterLock
from monitor.store.migrate import check_schema

LEFT_OUT = ("sessions", "first_secret", "api_requests")
"""Tables whose rows mean nothing, or too much, after a restore."""
SEAL_WAIT_S = 120.0
"""How long a seal under way is waited for."""
ROWS_AT_ONCE = 2_000


@dataclass(slots=True)
class _Writing:
    """An archive that is being written, and how far it is: rows and files together."""

    archive: zipfile.ZipFile
    moved: Moved
    total: int
    done: int = 0
    files: list[FileEntry] = field(default_factory=list)

    def step(self, count: int) -> None:
        """Tell that so many more rows or files are in."""
        self.done += count
        self.moved(min(self.done, self.total), self.total)

    @contextmanager
    def entry(self, name: str, *, packed: bool) -> Iterator[Callable[[bytes], None]]:
        """Write one file of the archive in pieces; it is in the manifest with the digest of what was written."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self.archive.open(info, "w", force_zip64=True) as out:

            def put(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                out.write(data)

            yield put
        self.files.append(FileEntry(name=name, bytes=size, sha256=digest.hexdigest()))


def make(
    settings: Settings, target: Path, *, at: Instant, moved: Moved = lambda *_: None, passphrase: str | None = None
) -> Manifest:
    """Write a backup to a new file, whole or not at all, and return its manifest. Needs no writer: the server may run.

    InputError: the file exists, there is no database of this version, a seal does not end, the disk is full, or, with a
    passphrase, there is no key to put in.
    """
    if target.exists():
        raise refuse("文件已存在 the file exists already", "换一个名称 choose another name", file=str(target))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with disk_errors(target, "写备份 writing the backup"):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w+b") as file:
                manifest = _written(settings, file, target.parent, at, moved, passphrase)
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
            synced_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)
    return manifest


def _written(
    settings: Settings, file: IO[bytes], beside: Path, at: Instant, moved: Moved, passphrase: str | None
) -> Manifest:
    keys = None if passphrase is None else sealed_keys(key_files(settings), passphrase)
    with ExitStack() as held:
        archive = held.enter_context(zipfile.ZipFile(file, "w", compresslevel=6))
        held.enter_context(_nobody_seals(settings))
        connection = held.enter_context(_snapshot(settings, beside))
        folders = {"evidence": _files(settings.evidence_dir), "archive": _files(settings.archive_dir)}
        counts = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in _tables()}
        writing = _Writing(archive, moved, sum(counts.values()) + sum(map(len, folders.values())))
        tables = {table.name: _put_table(connection, table, writing) for table in _tables()}
        for name, root in (("evidence", settings.evidence_dir), ("archive", settings.archive_dir)):
            for path in folders[name]:
                _put_file(writing, f"{name}/{path.relative_to(root).as_posix()}", path, packed=name == "evidence")
        if keys is not None:
            with writing.entry(KEYS, packed=False) as put:
                put(keys)
        manifest = Manifest(
            format=FORMAT,
            software=f"camsla {version('camsla')}",
            made_at=at,
            revision=str(connection.scalar(text("SELECT version_num FROM alembic_version"))),
            database=open_database(settings.url).dialect.name,
            origin=settings.evidence.origin,
            tables=tables,
            files=tuple(writing.files),
            keys={name: fingerprint(path.read_bytes()) for name, path in key_files(settings).items() if path.is_file()},
            with_keys=keys is not None,
        )
        archive.writestr(zipfile.ZipInfo(MANIFEST, (1980, 1, 1, 0, 0, 0)), manifest.model_dump_json(indent=1))
    return manifest


def _tables() -> list[Any]:
    return [table for metadata in METADATA for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def _put_table(connection: Connection, table: Any, writing: _Writing) -> TableEntry:
    columns = [column.name for column in table.columns]
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS_AT_ONCE)
    rows = 0
    with writing.entry(f"tables/{table.name}.ndjson", packed=True) as put:
        for part in connection.execute(query).partitions():
            put("".join(_line(row) for row in part).encode())
            rows += len(part)
            writing.step(len(part))
    return TableEntry(columns=tuple(columns), rows=rows)


def _line(row: Any) -> str:
    values = [{"b": base64.b64encode(v).decode()} if isinstance(v, bytes | memoryview) else v for v in row]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


def _put_file(writing: _Writing, name: str, path: Path, *, packed: bool) -> None:
    # The archive may drop a day that is past its time meanwhile.
    with suppress(FileNotFoundError), path.open("rb") as file, writing.entry(name, packed=packed) as put:
        while data := file.read(CHUNK):
            put(data)
    writing.step(1)


def _files(root: Path) -> list[Path]:
    """The files of a folder that are whole: locks and drafts are nobody's record."""
    if not root.is_dir():
        return []
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".lock" and not path.name.startswith(".")
    )


@contextmanager
def _nobody_seals(settings: Settings) -> Iterator[None]:
    """Hold off the seal, so that the log's folder is as the database says. InputError if one under way does not end."""
    where = log_of(settings)
    if not where.root.is_dir():
        yield
        return
    lock = WriterLock(where.root / f"{where.folder.path.name}.lock")
    until = time.monotonic() + SEAL_WAIT_S
    while True:
        try:
            lock.acquire()
            break
        except InputError:
            if time.monotonic() > until:
                raise refuse(
                    f"封存超过 {SEAL_WAIT_S:g} 秒未结束 a seal has not ended", "稍后再备份 back up later"
                ) from None
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _snapshot(settings: Settings, beside: Path) -> Iterator[Connection]:
    """Give a connection on one committed state. SQLite's is copied first: a long reading would let its log grow."""
    engine = open_database(settings.url)
    path = sqlite_path(engine)
    try:
        if path is None or not path.exists():
            with reading(engine) as connection:
                check_schema(connection)
                yield connection
            return
    finally:
        engine.dispose()
    with tempfile.TemporaryDirectory(prefix=".camsla-backup-", dir=beside) as folder:
        copy = Path(folder) / "copy.db"
        source, target = sqlite3.connect(path), sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        with snapshot(f"sqlite:///{copy}") as connection:
            check_schema(connection)
            yield connection
