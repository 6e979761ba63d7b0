"""Who may write. A file lock decides on one machine, a PostgreSQL advisory lock among several.

SQLite has one writer in all. PostgreSQL has one per role: the ledger's, and one for each vantage, whose tables' rows
do not meet. Two writers of one role exclude each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from pathlib import Path

from sqlalchemy import Connection, text

from monitor.finding import InputError, refuse

LEDGER = "ledger"
"""The role of whoever changes points, imports and exclusions."""

_HOLDER_BYTES = 200


def vantage_role(name: str) -> str:
    """Return the role of a vantage's watcher."""
    return f"vantage:{name}"


def advisory_key(role: str) -> int:
    """Return the role's key among a database's advisory locks: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(f"camsla writer {role}".encode()).digest()[:8], "big", signed=True)


def role_path(path: Path, role: str) -> Path:
    """Return the lock file of a role beside `path`: camsla.lock becomes camsla-vantage-north.lock."""
    return path.with_name(f"{path.stem}-{role.replace(':', '-')}{path.suffix}")


class WriterLock:
    """An exclusive lock on a file that lives as long as the process, whatever kills it. The file stays behind."""

    def __init__(self, path: Path, role: str = "") -> None:
        self.path = path
        self._role = role
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise InputError naming the holder's process id and what to do."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, _HOLDER_BYTES, 0).decode("ascii", "replace").strip()
            os.close(file)
            raise _held(holder or "pid ?", str(self.path), self._role) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"pid {os.getpid()}\n".encode("ascii"), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._file is not None:
            # Emptied, not removed: a waiter may already hold the same file open.
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def take_advisory(connection: Connection, role: str) -> None:
    """Take a role's lock for a PostgreSQL session, or raise InputError naming the holder.

    The session keeps it until it ends, so a lost connection has lost the lock too. Does nothing on SQLite.
    """
    if connection.dialect.name != "postgresql":
        return
    key = advisory_key(role)
    with connection.begin():
        name = f"camsla writer pid {os.getpid()} on {socket.gethostname()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            return
        holder = connection.scalar(
            text(
                "SELECT coalesce(nullif(a.application_name, ''), 'backend ' || l.pid) FROM pg_locks l"
                " JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted"
                " AND l.classid = CAST(:high AS oid) AND l.objid = CAST(:low AS oid) AND l.objsubid = 1"
                " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF},
        )
        raise _held(str(holder or "pid ?"), str(connection.engine.url.database), role)


def one_at_a_time(connection: Connection, what: str) -> None:
    """Let only one transaction at a time do `what`: later ones wait here for the end of the earlier and then see it.

    For work that writers of several roles may start, such as closing a month. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": advisory_key(f"work {what}")})


def _held(holder: str, place: str, role: str) -> InputError:
    remedy = "先停止它再重试；一个库只能有一个写入进程 stop it, then try again; one database has one writing process"
    if role == LEDGER:
        remedy = "先停止它或等它结束再重试 stop it or let it end, then try again"
    elif role:
        remedy = "先停止它，或换一个观测点名称 stop it, or give this vantage another name"
    return refuse(
        f"另一个进程正在写入 another process writes{f' as {role}' if role else ''}: {holder}", remedy, file=place
    )
