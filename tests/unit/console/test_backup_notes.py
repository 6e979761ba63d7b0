"""A backup made on the machine: its audit row at once where nobody writes, else when whoever writes begins or looks."""

from __future__ import annotations

import json
from pathlib import Path

from console.app.database import open_writer, reader
from console.backups import noting
from console.store.audit import entries
from tests.camsla_command import Camsla
from tests.site_app import settings_at


def rows(folder: Path) -> list[tuple[str, str, bool]]:
    with reader(settings_at(folder / "data")) as connection:
        found = [row for row in entries(connection) if row["action"] == "system.backup"]
    return [(row["actor"], row["object"], json.loads(row["after"])["with_keys"]) for row in found]


def test_the_command_leaves_a_row_whether_or_not_somebody_writes(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    settings = settings_at(tmp_path / "data")
    open_writer(settings).close()
    done = camsla.run("backup", "one.zip", "--actor", "张三")
    assert done.returncode == 0 and "补记" not in done.stderr, done.stderr
    assert rows(tmp_path) == [("张三", "one.zip", False)]
    with open_writer(settings):
        done = camsla.run("backup", "two.zip", "--actor", "李四")
        assert done.returncode == 0 and "审计记录由运行中的服务补记" in done.stderr, done.stderr
        assert rows(tmp_path) == [("张三", "one.zip", False)] and noting.waiting(settings.data_dir)
    open_writer(settings).close()
    assert rows(tmp_path) == [("李四", "two.zip", False), ("张三", "one.zip", False)]
    assert not noting.waiting(settings.data_dir)


def test_a_backup_that_fails_leaves_none(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    open_writer(settings_at(tmp_path / "data")).close()
    (tmp_path / "one.zip").write_bytes(b"what was there before")
    camsla.refused("backup", "one.zip", "--actor", "张三")
    assert rows(tmp_path) == []
