"""Who made a backup on the machine itself: a row of the audit log, at once or as soon as whoever writes takes it down.

A backup holds what nobody may see, and `camsla backup` runs while a server writes, which alone may. Its note then waits in a
file of the data folder; every process that writes takes waiting notes down when it begins, and the server as it runs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from console.store.audit import acting
from console.store.tables import audit
from monitor.model import Instant
from monitor.store.writer import Writer

ACTION = "system.backup"
WAITING = "notes-waiting"
MOST = 1_000
"""So many notes are taken down at once."""


def waiting(data_dir: Path) -> bool:
    """Tell whether notes wait."""
    folder = data_dir / WAITING
    return folder.is_dir() and next(folder.glob("*.json"), None) is not None


def leave(data_dir: Path, *, file: str, with_keys: bool, at: Instant, actor: str) -> Path:
    """Leave a note for whoever writes, on the disk before this returns; OSError if the folder cannot be written."""
    folder = data_dir / WAITING
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{at}-{os.getpid()}.json"
    said = {"at": at, "actor": actor, "file": file, "with_keys": with_keys}
    with path.with_suffix(".part").open("x", encoding="utf-8") as out:
        json.dump(said, out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    path.with_suffix(".part").rename(path)
    return path


def take_down(writer: Writer, data_dir: Path) -> int:
    """Write the waiting notes into the audit log, each once, and remove them; returns how many."""
    if not waiting(data_dir):
        return 0
    paths = sorted((data_dir / WAITING).glob("*.json"))[:MOST]
    notes = [(path, note) for path in paths if (note := _read(path)) is not None]
    with writer.transaction() as connection, acting("cli"):
        for path, note in notes:
            if not _known(connection, path.stem, note):
                _write(writer, connection, path.stem, note)
    for path, _ in notes:
        path.unlink(missing_ok=True)
    return len(notes)


def _read(path: Path) -> dict[str, Any] | None:
    """Return a note; None for a file that is none, which stays where it is."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return {
            "at": Instant(int(said["at"])),
            "actor": str(said["actor"])[:200],
            "file": str(said["file"])[:4_000],
            "with_keys": bool(said["with_keys"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(connection: Connection, mark: str, note: dict[str, Any]) -> bool:
    """Tell whether a note was taken down before: a process may end between the row and the file's removal."""
    rows = connection.execute(
        select(audit.c.after).where(audit.c.at == note["at"], audit.c.action == ACTION, audit.c.origin == "cli")
    ).scalars()
    return any(json.loads(after).get("note") == mark for after in rows)


def _write(writer: Writer, connection: Connection, mark: str, note: dict[str, Any]) -> None:
    writer.audit(
        connection,
        at=note["at"],
        actor=note["actor"],
        action=ACTION,
        object=Path(note["file"]).name,
        before={},
        after={"file": note["file"], "with_keys": note["with_keys"], "note": mark},
    )
