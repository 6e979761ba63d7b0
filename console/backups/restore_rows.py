"""A backup's tables put into a database: made at the backup's schema, filled in one transaction, brought up to this program's."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, inspect, text

from console.backups.form import Manifest
from monitor.finding import refuse
from monitor.store.migrate import LOCATION

ROWS_AT_ONCE = 1_000


def fill(connection: Connection, archive: zipfile.ZipFile, manifest: Manifest, step: Callable[[int], None]) -> None:
    """Make the schema and put every row in, in the caller's transaction. InputError if tables or columns are others."""
    _upgrade(connection, manifest.revision)
    for table in _parents_first(connection, list(manifest.tables)):
        _fill(connection, archive, manifest, table, step)
    _upgrade(connection, "head")


def _fill(
    connection: Connection, archive: zipfile.ZipFile, manifest: Manifest, table: str, step: Callable[[int], None]
) -> None:
    columns = manifest.tables[table].columns
    there = {column["name"] for column in inspect(connection).get_columns(table)}
    if there != set(columns):
        raise refuse(
            f"{table} 的列与库不符 columns differ: {', '.join(sorted(there ^ set(columns)))}",
            "换另一份备份 use another copy",
        )
    with archive.open(f"tables/{table}.ndjson") as file:
        rows = ([_value(value) for value in json.loads(line)] for line in file)
        names = ", ".join(f'"{column}"' for column in columns)
        if connection.dialect.name == "postgresql":
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
                    step(1)
            _renumber(connection, table)
            return
        sql = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})'
        for part in _parts(rows):
            connection.exec_driver_sql(sql, [tuple(row) for row in part])
            step(len(part))


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415  seldom needed, and ten megabytes
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _value(value: Any) -> Any:
    return base64.b64decode(value["b"]) if isinstance(value, dict) else value


def _parts(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    part: list[list[Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _parents_first(connection: Connection, tables: list[str]) -> list[str]:
    inspector = inspect(connection)
    unknown = set(tables) - set(inspector.get_table_names())
    if unknown:
        raise refuse(
            f"备份里有未知的表 unknown tables in the backup: {', '.join(sorted(unknown))}", "用更新的程序 upgrade"
        )
    needs = {t: {key["referred_table"] for key in inspector.get_foreign_keys(t)} & set(tables) - {t} for t in tables}
    ordered: list[str] = []
    while needs:
        free = sorted(table for table, parents in needs.items() if parents <= set(ordered))
        ordered += free or sorted(needs)
        needs = {table: parents for table, parents in needs.items() if table not in ordered}
    return ordered


def _renumber(connection: Connection, table: str) -> None:
    """Let the next row's number follow the last one's."""
    keys = inspect(connection).get_pk_constraint(table)["constrained_columns"]
    if len(keys) != 1:
        return
    sequence = connection.scalar(
        text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": f'"{table}"', "key": keys[0]}
    )
    if sequence is not None:
        last = connection.scalar(text(f'SELECT max("{keys[0]}") FROM "{table}"'))
        if last is not None:
            connection.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :last)"), {"sequence": sequence, "last": last}
            )
