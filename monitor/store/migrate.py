"""Bring a database to this program's schema. The migrations live in the installed package `deploy.migrations`.

They are named here by text only: deploy stands above monitor and describes the tables of every room.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from monitor.finding import InputError, refuse
from monitor.store.database import connect
from monitor.store.lock import one_at_a_time

LOCATION = "deploy:migrations"


def migrate(target: Engine | Connection) -> None:
    """Apply every missing migration in one transaction: all or nothing. At head already, nothing happens.

    Of several processes that start at once, one migrates and the others wait for it.
    A connection must have no transaction open. Raises InputError if the database is newer than the program.
    """
    if isinstance(target, Engine):
        with connect(target, writes=True) as connection:
            migrate(connection)
        return
    config = _config()
    with target.begin():
        one_at_a_time(target, "migrate")
        if _current(target) == _head(config):
            return
        config.attributes["connection"] = target
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise _newer() from error


def check_schema(connection: Connection) -> None:
    """Raise InputError unless the database has exactly this program's schema; for readers, who do not migrate."""
    config = _config()
    current = _current(connection)
    if current == _head(config):
        return
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise _newer()
    raise refuse(
        "数据库尚未建立或版本较旧 the database has no schema yet, or an older one",
        "先运行一个写入命令 run a writing command first, such as camsla points import",
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    return config


def _head(config: Config) -> str | None:
    return ScriptDirectory.from_config(config).get_current_head()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newer() -> InputError:
    return refuse(
        "数据库比程序新 the database is newer than this program",
        "升级程序 upgrade the program; a newer schema is never written by an older one",
    )
