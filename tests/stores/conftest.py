"""One behavioural suite, run on SQLite and on a real PostgreSQL; each test has a migrated database of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from console.store.audit import Audit
from monitor.store.database import connect, open_database
from monitor.store.lock import LEDGER
from monitor.store.migrate import migrate
from monitor.store.tables import point_facts, points
from monitor.store.writer import Writer
from tests.servers import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        name = server.create(name="migrated")
        engine = open_database(server.url(name))
        migrate(engine)
        engine.dispose()
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # nothing left in a write-ahead log
    return path


@dataclass
class Store:
    """A test's database: its URL, an engine for reading, and writers that are closed with the test."""

    url: str
    engine: Engine
    folder: Path
    writers: list[Writer]

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def lock_path(self) -> Path:
        return self.folder / "store.db.lock"

    def writer(self, audit: Callable[..., None] | None = None, role: str = LEDGER) -> Writer:
        writer = Writer.open(self.url, audit or Audit("test"), self.lock_path, role)
        self.writers.append(writer)
        return writer

    def add_points(self, *codes: str, **facts: object) -> None:
        """Put points into the ledger, with one fact each that always held."""
        with connect(self.engine, writes=True) as connection, connection.begin():
            for code in codes:
                number = connection.execute(insert(points).values(code=code).returning(points.c.id)).scalar_one()
                held = {"point_id": number, "valid_from": 0, "recorded_at": 0, "actor": "test", **facts}
                connection.execute(insert(point_facts).values(held))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with connect(self.engine) as connection, connection.begin():
            return [tuple(row) for row in connection.execute(text(sql))]


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Store]:
    """A store at a URL, with all that was opened on it closed at the end."""
    store = Store(url, open_database(url), folder, [])
    try:
        yield store
    finally:
        for writer in store.writers:
            writer.close()
        store.engine.dispose()


@contextmanager
def on_sqlite(template: Path, folder: Path) -> Iterator[Store]:
    """A migrated, empty SQLite database in a folder."""
    shutil.copyfile(template, folder / "store.db")
    with opened(f"sqlite:///{folder / 'store.db'}", folder) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A migrated, empty database."""
    if request.param == "sqlite":
        with on_sqlite(request.getfixturevalue("sqlite_template"), tmp_path) as store:
            yield store
        return
    server = request.getfixturevalue("postgres_server")
    made = server.create("migrated")
    with opened(server.url(made), tmp_path) as store:
        yield store
    server.drop(made)
