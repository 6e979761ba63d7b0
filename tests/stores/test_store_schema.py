"""The schema: migrations give exactly the tables that the code declares, once, and text sorts by bytes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, select, text

from deploy.migrations import METADATA
from monitor.finding import InputError
from monitor.store.database import connect, open_database, reading, sqlite_path, sqlite_warning
from monitor.store.migrate import LOCATION, check_schema, migrate, revisions
from monitor.store.tables import points


def test_migrations_give_the_declared_tables(store):
    with connect(store.engine) as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": METADATA, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_missing_column_would_be_noticed(store):
    with connect(store.engine, writes=True) as connection, connection.begin():
        connection.execute(text("ALTER TABLE outbox ADD COLUMN planted TEXT"))
    with connect(store.engine) as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": METADATA})
        assert [change[0] for change in compare_metadata(context, METADATA)] == ["remove_column"]


def test_migrating_again_changes_nothing(store):
    before = store.rows("SELECT * FROM alembic_version")
    migrate(store.engine)
    migrate(store.engine)
    assert store.rows("SELECT * FROM alembic_version") == before
    with reading(store.engine) as connection:
        check_schema(connection)


def test_file_names_tell_the_order_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", LOCATION)
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions() == walked[::-1]
    assert revisions()


def test_a_database_at_head_is_opened_without_loading_alembic(tmp_path):
    url = f"sqlite:///{tmp_path / 'camsla.db'}"
    program = (
        "import sys; from monitor.store.database import open_database; from monitor.store.migrate import migrate;"
        f"migrate(open_database({url!r})); print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_a_newer_database_is_refused(store):
    with connect(store.engine, writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="newer than this program"):
        migrate(store.engine)
    with reading(store.engine) as connection, pytest.raises(InputError, match="newer than this program"):
        check_schema(connection)


def test_a_reader_of_an_unprepared_database_is_told(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(InputError, match="there is no database yet"), reading(engine):
        pass
    with connect(engine):
        pass
    with reading(engine) as connection, pytest.raises(InputError, match="no schema yet"):
        check_schema(connection)
    engine.dispose()


def test_text_sorts_by_bytes(store):
    names = ["a", "B", "b", "A", "点", "~", "é", "10", "9", ""]
    with connect(store.engine, writes=True) as connection, connection.begin():
        connection.execute(insert(points), [{"code": name} for name in names])
        found = list(connection.scalars(select(points.c.code).order_by(points.c.code)))
    assert found == sorted(names, key=str.encode)


def test_commits_wait_for_the_disk(store):
    with connect(store.engine) as connection, connection.begin():
        if store.is_sqlite:
            pragmas = [
                connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert pragmas == ["wal", 2, 1]
        else:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"


def test_a_server_that_acknowledges_early_is_overruled(store):
    if store.is_sqlite:
        return
    engine = create_engine(store.url)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    engine.dispose()
    store.engine.dispose()
    with connect(store.engine) as connection, connection.begin():
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"


def test_a_failed_transaction_leaves_nothing(store):
    with connect(store.engine, writes=True) as connection:
        with pytest.raises(ZeroDivisionError), connection.begin():
            connection.execute(insert(points).values(code="p"))
            connection.execute(text("CREATE TABLE half (id INTEGER)"))
            raise ZeroDivisionError
        with connection.begin():
            assert connection.scalar(text("SELECT count(*) FROM points")) == 0
        with pytest.raises(Exception, match="half"), connection.begin():
            connection.execute(text("SELECT * FROM half"))


def test_a_reader_sees_one_snapshot(store):
    with reading(store.engine) as reader:
        assert reader.scalar(text("SELECT count(*) FROM points")) == 0
        store.add_points("p")
        assert reader.scalar(text("SELECT count(*) FROM points")) == 0
    assert store.rows("SELECT count(*) FROM points") == [(1,)]


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true"]
)
def test_other_databases_are_refused(url):
    with pytest.raises(InputError):
        open_database(url)


def test_no_password_in_messages():
    engine = open_database("postgresql://user:s3cr3t@127.0.0.1:1/none")
    with pytest.raises(InputError) as caught:
        connect(engine)
    assert "s3cr3t" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    engine.dispose()


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "bad.db"
    path.write_text("not a database at all, but long enough to be taken for one" * 100)
    engine = open_database(f"sqlite:///{path}")
    with pytest.raises(InputError, match="not a database"):
        connect(engine)
    engine.dispose()


def test_links_lead_to_one_lock(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    engine = open_database(f"sqlite:///{tmp_path / 'link.db'}")
    assert sqlite_path(engine) == tmp_path / "real.db"


def test_old_sqlite_is_warned_of():
    assert sqlite_warning((3, 51, 3)) is None
    assert sqlite_warning((3, 52, 0)) is None
    assert "3.40.1" in str(sqlite_warning((3, 40, 1)))
