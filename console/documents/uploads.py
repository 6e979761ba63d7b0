"""Files put aside between a preview and its confirmation: on disk, each its owner's alone, bounded in number and age.

Nothing here is a record: what is confirmed goes into the store, what is not is gone after a day.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from settlement.store.documents import MAX_BYTES

MAX_ASIDE = 40
MAX_AGE_S = 24 * 3_600
FOLDER = "uploads"


class Aside(NamedTuple):
    """A file that somebody put aside: its name and bytes."""

    name: str
    body: bytes


def put_aside(data_dir: Path, owner: str, name: str, body: bytes, at: Instant) -> str:
    """Put a file aside and return its key. InputError for an empty or too large one, or where there is no room.

    Files older than a day make room; one owner's oldest go before anybody else's newest.
    """
    if not body:
        raise refuse("文件是空的 an empty file", "检查文件 is it the right one?", column="file")
    if len(body) > MAX_BYTES:
        raise refuse(f"文件超过 {MAX_BYTES:,} 字节 the file is too large", "拆成几个文件 split it", column="file")
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = sorted(_known(folder), key=lambda item: item[1])
    old = [key for key, since, _ in known if at - since > MAX_AGE_S * MICROSECONDS]
    left = [item for item in known if item[0] not in old]
    if len(left) >= MAX_ASIDE:
        mine = [key for key, _, whose in left if whose == owner]
        if not mine:
            raise refuse("待确认的文件太多 too many files wait to be confirmed", "稍后再试 try later", column="file")
        old.append(mine[0])
    for key in old:
        drop(data_dir, key)
    key = secrets.token_hex(16)
    (folder / f"{key}.bin").write_bytes(body)
    (folder / f"{key}.json").write_text(json.dumps({"name": name[:200], "owner": owner, "at": at}), "utf-8")
    return key


def find_aside(data_dir: Path, owner: str, key: str) -> Aside | None:
    """Return an owner's file; None if there is none of that key, or it is somebody else's."""
    if len(key) != 32 or not key.isalnum() or not key.isascii():
        return None
    try:
        said = json.loads((data_dir / FOLDER / f"{key}.json").read_text("utf-8"))
        if said["owner"] != owner:
            return None
        return Aside(said["name"], (data_dir / FOLDER / f"{key}.bin").read_bytes())
    except FileNotFoundError:
        return None


def drop(data_dir: Path, key: str) -> None:
    """Forget a file."""
    for end in (".json", ".bin"):
        (data_dir / FOLDER / f"{key}{end}").unlink(missing_ok=True)


def _known(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in folder.glob("*.json"):
        try:
            said = json.loads(path.read_text("utf-8"))
            yield path.stem, int(said["at"]), str(said["owner"])
        except (OSError, ValueError, KeyError, TypeError):  # half written by a process that died: the oldest of all
            yield path.stem, 0, ""
