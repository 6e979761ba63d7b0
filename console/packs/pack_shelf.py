"""Evidence packs that were made here, on disk: each a ZIP with what is to be said of it, bounded in number and age."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from aiohttp import web

from console.web.access import Person
from monitor.model import MICROSECONDS, Instant

FOLDER = "packs"
MOST_PACKS = 24
MOST_DAYS = 92
CHUNK = 1 << 20
ID = re.compile(r"[0-9a-f]{24}")


class Pack(NamedTuple):
    """A pack. `points` is how many were asked for, None for all; `left_open` is what its reader could not recompute."""

    id: str
    contract: str
    period: str
    until: str
    points: int | None
    rubric: str
    asked_by: str
    asked_at: Instant
    bytes: int
    sha256: str
    days: int
    records: int
    statement: str
    exit: int
    left_open: tuple[str, ...]
    witnesses: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """The name that it is saved under."""
        return f"camsla-{self.contract}-{self.period}-{self.id[:6]}.zip"


def folder_of(data_dir: Path) -> Path:
    """Return the folder, which is made at need and read by nobody else."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def put(data_dir: Path, part: Path, said: dict[str, Any]) -> Pack:
    """Move a finished file onto the shelf with what is said of it, and return it. The description comes last."""
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    said = {**said, "sha256": digest.hexdigest(), "bytes": part.stat().st_size}
    folder = folder_of(data_dir)
    part.replace(folder / f"{said['id']}.zip")
    waiting = folder / f"{said['id']}.json.part"
    waiting.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    waiting.replace(folder / f"{said['id']}.json")
    return _pack(said)


def packs(data_dir: Path) -> list[Pack]:
    """Return what is on the shelf, the newest first."""
    return sorted(_known(data_dir), key=lambda pack: (-pack.asked_at, pack.id))


def find(data_dir: Path, name: str) -> Pack | None:
    """Return a pack by its id, None if it is not, or no longer, there."""
    if not ID.fullmatch(name):
        return None
    path = data_dir / FOLDER / f"{name}.json"
    try:
        return _pack(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def path_of(data_dir: Path, pack: Pack) -> Path:
    """Return where a pack's file lies."""
    return data_dir / FOLDER / f"{pack.id}.zip"


def prune(data_dir: Path, at: Instant, keep: Collection[str] = ()) -> None:
    """Take away what is older than 92 days, all but the newest 24, and what a stopped server left half made.

    `keep` are the ids of orders that are waiting or being made.
    """
    oldest = at - MOST_DAYS * 86_400 * MICROSECONDS
    staying = {pack.id for pack in packs(data_dir)[:MOST_PACKS] if pack.asked_at >= oldest} | set(keep)
    for path in list((data_dir / FOLDER).glob("*")):
        if path.is_file() and path.name.partition(".")[0] not in staying:
            path.unlink(missing_ok=True)


def send(data_dir: Path, pack: Pack) -> web.FileResponse:
    """Return the answer that sends a pack's file from the disk, in pieces; parts of it may be asked for."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(pack.file_name)}",
        "Content-Type": "application/zip",
    }
    return web.FileResponse(path_of(data_dir, pack), headers=headers)


def whole_contract(person: Person) -> bool:
    """Tell whether a person sees all points of the contracts they see: a pack holds the roster and lines of all of them."""
    return person.scope.areas is None and person.scope.supplier is None


def sees(person: Person, pack: Pack) -> bool:
    """Tell whether a person may have a pack: of a contract and a period that they see, with all points."""
    return whole_contract(person) and person.sees_contract(pack.contract) and person.sees_period(pack.period)


def _known(data_dir: Path) -> Iterator[Pack]:
    for path in (data_dir / FOLDER).glob("*.json"):
        pack = find(data_dir, path.stem)
        if pack is not None and path_of(data_dir, pack).exists():
            yield pack


def _pack(said: dict[str, Any]) -> Pack:
    values = {name: said[name] for name in Pack._fields}
    return Pack(**{**values, "left_open": tuple(said["left_open"]), "witnesses": tuple(said["witnesses"])})
