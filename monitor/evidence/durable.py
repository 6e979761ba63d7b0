"""Files that are on the disk when the call returns, whole or not at all. Errors of the disk are InputErrors."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from monitor.finding import refuse

_ROOM = "腾出磁盘空间后重试；没有写入一半的内容 free some space and try again: nothing is half-written"
_CHECK = "检查目录与权限 check the folder and its permissions"


@contextmanager
def disk_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into an InputError that names the path; `doing` is Chinese with English beside."""
    try:
        yield
    except OSError as error:
        remedy = _ROOM if error.errno in {errno.ENOSPC, errno.EDQUOT} else _CHECK
        raise refuse(f"{doing}: {error.strerror or error}", remedy, file=str(path)) from None


def durable(path: Path, data: bytes) -> None:
    """Write a file in the place of what is there: after a crash it has the old bytes or the new, never others."""
    waiting = path.with_name(f".{path.name}")
    with disk_errors(path, "无法写入 cannot write"):
        try:
            _make_folder(path.parent)
            _write(waiting, data)
            waiting.replace(path)
            synced_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                waiting.unlink()
            raise


def folder_at_once(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with files: after a crash it is there with all of them, or it is not there."""
    waiting = path.with_name(f".{path.name}")
    with disk_errors(path, "无法写入 cannot write"):
        try:
            _make_folder(path.parent)
            shutil.rmtree(waiting, ignore_errors=True)
            waiting.mkdir()
            for name, data in files.items():
                _write(waiting / name, data)
            synced_folder(waiting)
            waiting.rename(path)
            synced_folder(path.parent)
        except BaseException:
            shutil.rmtree(waiting, ignore_errors=True)
            raise


def settled_folder(folder: Path) -> None:
    """Make a folder if it is missing, and return when its name and those in it are on the disk, whoever made them."""
    with disk_errors(folder, "无法建立目录 cannot make the folder"):
        _make_folder(folder)
        synced_folder(folder.parent)
        synced_folder(folder)


def read(path: Path) -> bytes:
    """Return a file's bytes. InputError if it is missing or cannot be read."""
    with disk_errors(path, "无法读取 cannot read"):
        return path.read_bytes()


def listing(folder: Path, *, hidden: bool = False) -> list[str]:
    """Return the names in a folder, sorted; with `hidden` those that begin with a dot. Nothing if there is no folder."""
    with disk_errors(folder, "无法读取 cannot read"):
        try:
            return sorted(entry.name for entry in folder.iterdir() if entry.name.startswith(".") is hidden)
        except FileNotFoundError:
            return []


def remove(path: Path) -> None:
    """Remove a file or a folder with all in it."""
    with disk_errors(path, "无法删除 cannot remove"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def synced_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk. OSError if they cannot be."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each with its name on the disk."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        synced_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
