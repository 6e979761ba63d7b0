"""Open the database: SQLite for one machine, PostgreSQL by URL. The differences between the two end in this file.

Both are set so that COMMIT returns only when the data is on disk: that is what "acknowledged" means.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from monitor.finding import refuse

BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 10
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
SAFE_SQLITE = (3, 51, 3)
"""Earlier SQLite may lose writes when two connections reset the write-ahead log together."""

_WRITES = "camsla_writes"


def open_database(url: str) -> Engine:
    """Return an engine for `sqlite:///FILE` or `postgresql://…`. Nothing is connected or created yet.

    Raises InputError for any other URL; passwords never appear in its text.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise refuse("数据库地址无法解析 cannot parse the database URL", _REMEDY) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _open_sqlite(parsed)
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise refuse(f"不支持的数据库 unsupported database {parsed.drivername!r}", _REMEDY)


_REMEDY = "用 sqlite:///文件 或 postgresql://用户@主机/库 use sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def sqlite_path(engine: Engine) -> Path | None:
    """Return the database file with links resolved, or None for PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return None
    return Path(str(engine.url.database)).resolve()


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str | None:
    """Return a sentence for the operator if the linked SQLite has the WAL-reset fault, else None."""
    if version >= SAFE_SQLITE:
        return None
    have, want = (".".join(map(str, v)) for v in (version, SAFE_SQLITE))
    return (
        f"SQLite {have} 低于 {want}，有 WAL 重置缺陷；只由一个进程、一个连接写入 "
        f"SQLite {have} is older than {want} and has the WAL-reset fault; one process and one connection writes"
    )


def connect(engine: Engine, *, writes: bool = False) -> Connection:
    """Return a connection; `writes` takes SQLite's write lock when a transaction begins, not in its middle.

    Raises InputError if the server cannot be reached or the file is no database.
    """
    try:
        connection = engine.connect()
    except (OperationalError, DatabaseError) as error:
        place = engine.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0] if error.orig and str(error.orig) else type(error).__name__
        raise refuse(
            f"无法打开数据库 cannot open the database {place}: {reason}",
            "检查地址、权限和服务是否运行 check the URL, permissions and that the server runs",
        ) from error
    return connection.execution_options(**{_WRITES: True}) if writes else connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose reads all see one committed snapshot; nothing is written.

    Raises InputError if there is no database yet.
    """
    path = sqlite_path(engine)
    if path is not None and not path.exists():
        raise refuse(
            "数据库不存在 there is no database yet",
            "先导入点位 import points first: camsla points import FILE --actor NAME",
            file=str(path),
        )
    with connect(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """Give what `reading` gives to a process that has no engine of its own; none is kept."""
    engine = open_database(url)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise refuse("SQLite 需要一个文件 SQLite needs a file", "写成 write sqlite:///camsla.db")
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _set_up(dbapi: Any, _record: object) -> None:
        # The driver would begin transactions by itself, late and only for some statements.
        dbapi.isolation_level = None
        cursor = dbapi.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA journal_size_limit={JOURNAL_LIMIT_BYTES}")
        cursor.close()
        if mode != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log here (journal mode {mode}): use a local disk")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _open_postgresql(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _set_up(dbapi: Any, _record: object) -> None:
        # A server may be set to acknowledge before the disk has it; ours must not.
        with dbapi.cursor() as cursor:
            cursor.execute("SELECT current_setting('synchronous_commit')")
            if cursor.fetchone()[0] in {"off", "local"}:
                cursor.execute("SET synchronous_commit = on")
        dbapi.commit()

    return engine
