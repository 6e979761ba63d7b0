"""One process writes. A file lock decides on one machine, a PostgreSQL advisory lock among several."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from sqlalchemy import Connection, text

from monitor.finding import InputError, refuse

ADVISORY_KEY = 0x63616D736C61  # "camsla"
_HOLDER_BYTES = 200


class WriterLock:
    """An exclusive lock on a file that lives as long as the process, whatever kills it. The file stays behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
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
            raise _held(holder or "pid ?", str(self.path)) from None
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


def take_advisory(connection: Connection) -> None:
    """Take the database-wide writer's lock of a PostgreSQL session, or raise InputError naming the holder.

    The session keeps it until it ends, so a lost connection has lost the lock too. Does nothing on SQLite.
    """
    if connection.dialect.name != "postgresql":
        return
    with connection.begin():
        name = f"camsla writer pid {os.getpid()} on {socket.gethostname()}"[:63]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_KEY}):
            return
        holder = connection.scalar(
            text(
                "SELECT coalesce(nullif(a.application_name, ''), 'backend ' || l.pid) FROM pg_locks l"
                " JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted"
                " AND l.classid = :high AND l.objid = :low AND l.objsubid = 1"
                " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"high": ADVISORY_KEY >> 32, "low": ADVISORY_KEY & 0xFFFFFFFF},
        )
        raise _held(str(holder or "pid ?"), str(connection.engine.url.database))


def _held(holder: str, place: str) -> InputError:
    return refuse(
        f"另一个进程正在写入 another process writes: {holder}",
        "先停止它再重试；一个库只能有一个写入进程 stop it, then try again; one database has one writing process",
        file=place,
    )
