"""The database as settings name it: the one writer, readers, the password key, and the command's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from config.secrets import PasswordCipher
from config.settings import Settings
from console.backups import noting
from console.clock import wall_now
from console.store.audit import Audit
from monitor.model import Instant
from monitor.store.database import open_database, snapshot, sqlite_path
from monitor.store.lock import LEDGER
from monitor.store.migrate import check_schema
from monitor.store.writer import Writer


def lock_path(settings: Settings) -> Path:
    """Where the writer's lock lies when the database is a server's."""
    return settings.data_dir / "camsla.lock"


def open_writer(settings: Settings, origin: str = "cli", role: str = LEDGER) -> Writer:
    """Take the role's lock, migrate, and return the writer. InputError if another process writes in that role.

    Notes that wait for a writer of the books are taken down. SQLite has one writer, whatever its role.
    """
    engine = open_database(settings.url)
    file = sqlite_path(engine)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o600)  # addresses and encrypted passwords are nobody else's business
    engine.dispose()
    writer = Writer.open(settings.url, Audit(origin), lock_path(settings), role)
    if role == LEDGER:
        noting.take_down(writer, settings.data_dir)
    return writer


@contextmanager
def reader(settings: Settings) -> Iterator[Connection]:
    """Give a connection on one committed snapshot. InputError if there is no database of this version."""
    with snapshot(settings.url) as connection:
        check_schema(connection)
        yield connection


def database_exists(settings: Settings) -> bool:
    """Tell whether there is a database to read; a server's is taken to exist."""
    engine = open_database(settings.url)
    file = sqlite_path(engine)
    engine.dispose()
    return file is None or file.exists()


def password_cipher(settings: Settings) -> PasswordCipher:
    """What camera passwords are encrypted with; its key file is made on first need."""
    return PasswordCipher(settings.key_path)


def now() -> Instant:
    """The wall clock, read for a command."""
    return wall_now()
