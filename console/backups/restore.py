"""A backup put back: checked to the last byte before anything is written, then everything in place at once or nothing.

The database is made at the backup's own schema, filled, and brought up to this program's; SQLite in a file beside the real
one, PostgreSQL within one transaction. Folders are unpacked beside their places. Only then are names changed, the database's
last. What was there before is refused, or with `replace` kept aside under another name.
"""

from __future__ import annotations

import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection, inspect, text

from config.settings import Settings
from console.app.database import lock_path
from console.backups import restore_rows as rows
from console.backups.checking import altered, opened, verified
from console.backups.form import CHUNK, KEYS, Manifest, Moved, fingerprint, key_files, opened_keys
from console.store.audit import Audit
from monitor.evidence.durable import disk_errors, synced_folder
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.database import connect, open_database, sqlite_path
from monitor.store.lock import LEDGER, WriterLock, role_path, take_advisory

ROWS_AT_ONCE = 1_000


@dataclass(slots=True)
class Restored:
    """What was done: the manifest, what was kept aside, and each key's state: fits, missing, other, restored, unneeded."""

    manifest: Manifest
    aside: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def restore(
    settings: Settings,
    path: Path,
    *,
    at: Instant,
    actor: str,
    replace: bool = False,
    passphrase: str | None = None,
    moved: Moved = lambda *_: None,
) -> Restored:
    """Put a backup in place. InputError, with nothing changed: it is not whole, the place is used, or somebody writes."""
    manifest = verified(path)
    size = sum(entry.bytes for entry in manifest.files)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.data_dir).free < size:
        raise refuse(
            f"磁盘空间不足 the disk has less than {size:,} B", "腾出空间 make room", file=str(settings.data_dir)
        )
    with disk_errors(settings.data_dir, "恢复 restoring"), opened(path) as archive:
        keys = _keys_of(archive, manifest, passphrase)
        return _Restoring(settings, archive, manifest, at, actor, replace, moved).run(keys, path)


def _keys_of(archive: zipfile.ZipFile, manifest: Manifest, passphrase: str | None) -> dict[str, bytes]:
    if passphrase is None:
        return {}
    if not manifest.with_keys:
        raise refuse("备份不含密钥 the backup holds no keys", "不带 --with-keys leave it out", column="with-keys")
    try:
        return opened_keys(archive.read(KEYS), passphrase)
    except (InvalidTag, ValueError):
        raise refuse(
            "口令不符 the passphrase does not open the keys", "检查口令 check it", column="passphrase"
        ) from None


class _Restoring:
    """One restore: what is made beside its place, and how to undo it."""

    def __init__(
        self,
        settings: Settings,
        archive: zipfile.ZipFile,
        manifest: Manifest,
        at: Instant,
        actor: str,
        replace: bool,
        moved: Moved,
    ) -> None:
        self._settings, self._archive, self._manifest = settings, archive, manifest
        self._at, self._actor, self._replace, self._moved = at, actor, replace, moved
        self._stamp = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._done, self._total = (
            0,
            sum(t.rows for t in manifest.tables.values())
            + sum(not entry.name.startswith("tables/") and entry.name != KEYS for entry in manifest.files),
        )
        self._aside: list[str] = []
        self._undo: list[tuple[Path, Path]] = []

    def run(self, keys: dict[str, bytes], path: Path) -> Restored:
        """Do it; what fails leaves everything as it was."""
        engine = open_database(self._settings.url)
        file = sqlite_path(engine)
        engine.dispose()
        self._require_room(file)
        lock = WriterLock(file.with_name(file.name + ".lock") if file else role_path(lock_path(self._settings), LEDGER))
        lock.acquire()
        made: list[Path] = []
        try:
            folders = self._unpacked(made)
            if file is None:
                self._postgresql(folders, path)
            else:
                fresh = file.with_name(f".{file.name}.restoring")
                made.append(fresh)
                self._sqlite(fresh, path)
                self._in_place([*folders, (fresh, file)])
        except BaseException:
            for now, before in reversed(self._undo):
                with suppress(OSError):
                    now.rename(before)
            raise
        finally:
            for one in made:
                shutil.rmtree(one, ignore_errors=True) if one.is_dir() else one.unlink(missing_ok=True)
            lock.release()
        return Restored(self._manifest, self._aside, self._place_keys(keys))

    # -- what is there already

    def _require_room(self, file: Path | None) -> None:
        used = [
            str(f) for f in (self._settings.evidence_dir, self._settings.archive_dir) if f.is_dir() and any(f.iterdir())
        ]
        if file is not None and file.exists() and file.stat().st_size:
            used.append(str(file))
        if file is None:
            engine = open_database(self._settings.url)
            with connect(engine) as connection, connection.begin():
                used += [str(engine.url.database)] if inspect(connection).get_table_names() else []
            engine.dispose()
        if used and not self._replace:
            raise refuse(
                f"恢复只写入空处，这里已有 a restore needs an empty place, there is: {'、'.join(used)}",
                "换空的 data_dir 与数据库，或用 --replace（原有内容改名保留）or --replace, which keeps the old aside",
            )

    def _unpacked(self, made: list[Path]) -> list[tuple[Path, Path]]:
        """Unpack the folders beside their places; return (made, place)."""
        found = []
        for name, root in (("evidence", self._settings.evidence_dir), ("archive", self._settings.archive_dir)):
            entries = [entry.name for entry in self._manifest.files if entry.name.startswith(f"{name}/")]
            fresh = root.with_name(f".{root.name}.restoring")
            if fresh.exists():
                shutil.rmtree(fresh)  # of a restore that was cut off
            made.append(fresh)
            for entry in entries:
                target = fresh / entry.partition("/")[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._archive.open(entry) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, CHUNK)
                self._step(1)
            if entries or root.exists():
                fresh.mkdir(parents=True, exist_ok=True)
                found.append((fresh, root))
        return found

    def _in_place(self, pairs: list[tuple[Path, Path]]) -> None:
        """Give everything its name, keeping what was there aside; remembered so that it can be undone."""
        for fresh, place in pairs:
            for suffix in ("", "-wal", "-shm"):
                old = place.with_name(place.name + suffix)
                if old.exists():
                    aside = place.with_name(f"{place.name}.before-{self._stamp}{suffix}")
                    old.rename(aside)
                    self._undo.append((aside, old))
                    self._aside.append(str(aside))
            fresh.rename(place)
            self._undo.append((place, fresh))
            synced_folder(place.parent)

    # -- the database

    def _sqlite(self, fresh: Path, path: Path) -> None:
        for suffix in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch(mode=0o600)
        engine = open_database(f"sqlite:///{fresh}")
        try:
            with connect(engine, writes=True) as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA foreign_keys=OFF")  # checked as a whole at the end instead
                with connection.begin():
                    self._filled(connection, path)
                    wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                    if wrong:
                        raise altered(path, f"{wrong[0][0]}: {len(wrong)} foreign keys")
        finally:
            engine.dispose()
        if fresh.with_name(fresh.name + "-wal").exists():
            raise RuntimeError("the new database still has a log: its name cannot be changed")

    def _postgresql(self, folders: list[tuple[Path, Path]], path: Path) -> None:
        engine = open_database(self._settings.url)
        try:
            with connect(engine, writes=True) as connection:
                take_advisory(connection, LEDGER)
                with connection.begin():
                    self._alone(connection)
                    self._set_aside(connection)
                    self._filled(connection, path)
                    self._in_place(folders)  # before COMMIT: if that fails, the names go back
                connection.invalidate()  # its session holds the lock
        finally:
            engine.dispose()

    def _alone(self, connection: Connection) -> None:
        found = connection.scalar(
            text(
                "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                "pg_backend_pid() AND application_name LIKE 'camsla writer%' LIMIT 1"
            )
        )
        if found is not None:
            raise refuse(f"另一个进程正在写入 another process writes: {found}", "先停止它 stop it first")

    def _set_aside(self, connection: Connection) -> None:
        """Move the tables that are there into a schema of their own."""
        tables = inspect(connection).get_table_names()
        if not tables:
            return
        schema = f"before_{self._stamp.lower()}"
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        for table in tables:
            connection.execute(text(f'ALTER TABLE "{table}" SET SCHEMA "{schema}"'))
        self._aside.append(f"schema {schema}")

    def _filled(self, connection: Connection, path: Path) -> None:
        rows.fill(connection, self._archive, self._manifest, self._step)
        after = {"backup": self._manifest.made_at, "revision": self._manifest.revision, "file": path.name}
        Audit("cli")(
            connection, at=self._at, actor=self._actor, action="system.restore", object="system", before={}, after=after
        )

    def _step(self, count: int) -> None:
        before, self._done = self._done, self._done + count
        if before // ROWS_AT_ONCE != self._done // ROWS_AT_ONCE or self._done >= self._total:
            self._moved(min(self._done, self._total), self._total)

    # -- keys

    def _place_keys(self, keys: dict[str, bytes]) -> dict[str, str]:
        """Put keys where there is none, and say how each stands."""
        found = {}
        for name, path in key_files(self._settings).items():
            wanted = self._manifest.keys.get(name)
            if name in keys and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
                path.write_bytes(keys[name])
                found[name] = "restored"
            elif wanted is None:
                found[name] = "unneeded"
            elif not path.is_file():
                found[name] = "missing"
            else:
                found[name] = "fits" if fingerprint(path.read_bytes()) == wanted else "other"
        return found
