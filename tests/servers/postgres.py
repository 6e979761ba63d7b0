"""A real PostgreSQL for tests: its own data directory, loopback or socket only, stopped by its process id.

PostgreSQL refuses to run as root; then the server runs as `postgres` or `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

START_S = 60
MEMORY, ROOM_BYTES = Path("/dev/shm"), 2 * 2**30
LOCALE = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh")
"""A collation that does not sort by bytes, so that a column which forgot to ask for bytes is noticed."""


def find_bin() -> Path | None:
    """Return the folder with initdb and postgres: on PATH, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return folders[-1].parent if folders else None


def require_bin() -> Path:
    """Return find_bin(); without PostgreSQL skip the test, or fail it where nothing may be skipped (CI=true)."""
    found = find_bin()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed, and under CI=true nothing is skipped")
        pytest.skip("PostgreSQL is not installed")
    return found


class Server:
    """A running server. `url(database)` is for SQLAlchemy; databases are made by copying a template."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self._made = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://camsla@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(f"user=camsla dbname={database} host={self.folder}", autocommit=True)

    def create(self, template: str = "template0", name: str | None = None) -> str:
        """Create a database, by default under a fresh name, and return its name."""
        self._made += 1
        name = name or f"t{self._made}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def running() -> Iterator[Server]:
    """Give a fresh server; it is stopped and its folder removed at the end."""
    binaries = require_bin()
    # Short: a socket's path has about 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="camsla-pg-", dir=_home()))
    data = folder / "data"
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        user = _unprivileged()
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    process = None
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "camsla", "-A", "trust", "-E", "UTF8", "--no-sync", *LOCALE],
            check=True,
            capture_output=True,
            cwd=folder,
            env=environment,
            **as_user,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                # What the disk keeps is not tried here, and a test machine should not pay for it: fsync=off.
                [binaries / "postgres", "-D", data, "-k", folder, *_options("listen_addresses=", "fsync=off")],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
                **as_user,
            )
        server = Server(folder, process)
        _wait(server)
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # a "fast" shutdown: sessions are ended
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _home() -> Path:
    """Return where servers live: in memory where there is room, since each database is hundreds of files made and deleted."""
    try:
        room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK | os.X_OK) else 0
    except OSError:
        room = 0
    return MEMORY if room >= ROOM_BYTES else Path("/tmp")


def _options(*settings: str) -> list[str]:
    return [
        part
        for setting in (*settings, "max_connections=60", "shared_buffers=64MB", "max_wal_size=256MB")
        for part in ("-c", setting)
    ]


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("neither postgres nor nobody exists, and PostgreSQL refuses root")


def _wait(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError as error:
            log = server.folder / "log"
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {error}\n{log.read_text(errors='replace')}") from error
            time.sleep(0.05)
