"""Bring a database to this program's schema. The migrations live in the installed package `deploy.migrations`.

They are named here by text only: deploy stands above monitor and describes the tables of every room. Their order is that
of their file names, `0001_…`, `0002_…`, whose number is the revision: so the usual answer, that there is nothing to do,
is had without loading Alembic, which would stay in the memory of a process that lives for months.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

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
    with target.begin():
        one_at_a_time(target, "migrate")
        if _behind(target):
            _upgrade(target)


def check_schema(connection: Connection) -> None:
    """Raise InputError unless the database has exactly this program's schema; for readers, who do not migrate."""
    if _behind(connection):
        raise refuse(
            "数据库尚未建立或版本较旧 the database has no schema yet, or an older one",
            "先运行一个写入命令 run a writing command first, such as camsla points import",
        )


def revisions() -> list[str]:
    """Return the revisions of the installed migrations, oldest first, by their files' names."""
    package = find_spec(LOCATION.partition(":")[0])
    places = (package.submodule_search_locations or []) if package is not None else []
    return sorted(
        file.name.partition("_")[0]
        for place in places
        for file in (Path(place) / LOCATION.partition(":")[2] / "versions").glob("[0-9]*_*.py")
    )


def _behind(connection: Connection) -> bool:
    """Tell whether migrations are missing; InputError if the database has one that this program does not know."""
    current = None
    if inspect(connection).has_table("alembic_version"):
        current = connection.scalar(text("SELECT version_num FROM alembic_version"))
    known = revisions()
    if current is not None and current not in known:
        raise _newer()
    return current != known[-1]


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  seldom needed, and ten megabytes
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _newer() -> InputError:
    return refuse(
        "数据库比程序新 the database is newer than this program",
        "升级程序 upgrade the program; a newer schema is never written by an older one",
    )
