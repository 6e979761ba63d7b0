"""Statements' papers as they were made once, kept on disk by the digest of all that they show; bounded, the oldest go first."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from settlement.reports.cover import Cover

FOLDER = "papers"
MOST_FILES = 200
MOST_BYTES = 400_000_000
MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
}


def paper_key(body_sha: str, software: str, cover: Cover, kind: str) -> str:
    """Return the key of a paper: the same document, cover and software give the same bytes."""
    said = f"{kind}\n{body_sha}\n{software}\n{cover!r}"
    return hashlib.sha256(said.encode()).hexdigest()


def find_paper(data_dir: Path, key: str, kind: str) -> bytes | None:
    """Return a paper's bytes if it was made before."""
    path = data_dir / FOLDER / f"{key}.{kind}"
    try:
        found = path.read_bytes()
        os.utime(path)
    except FileNotFoundError:
        return None
    return found


def keep_paper(data_dir: Path, key: str, kind: str, body: bytes) -> None:
    """Keep a paper, whole or not at all; those not asked for longest make room."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f"{key}.{kind}.part"
    part.write_bytes(body)
    part.replace(folder / f"{key}.{kind}")
    files = sorted(
        ((path.stat().st_mtime, path.stat().st_size, path) for path in folder.iterdir() if path.is_file()),
        reverse=True,
    )
    size = 0
    for n, (_, bytes_, path) in enumerate(files):
        size += bytes_
        if n and (n >= MOST_FILES or size > MOST_BYTES):
            path.unlink(missing_ok=True)
