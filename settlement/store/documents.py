"""Documents that somebody handed in: scans, letters, the authority's own files. Known by the digest of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from monitor.finding import refuse
from monitor.model import Instant
from settlement.store.tables import documents

MAX_BYTES = 10_000_000
MAX_NAME = 200
MIN_PREFIX = 6
_MEDIA = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Document(NamedTuple):
    """A document without its bytes; `size` in bytes."""

    sha256: str
    name: str
    media: str
    size: int
    recorded_at: Instant
    actor: str


def media_of(body: bytes, name: str) -> str:
    """Tell what the bytes are by how they begin; the name decides only between kinds that begin alike."""
    for start, media in _MEDIA:
        if body.startswith(start):
            return media
    if body.startswith(b"PK\x03\x04"):
        return _XLSX if name.lower().endswith((".xlsx", ".xlsm")) else "application/zip"
    if b"\0" in body:
        return "application/octet-stream"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def add(connection: Connection, body: bytes, name: str, *, at: Instant, actor: str) -> tuple[str, bool]:
    """Keep a document in the caller's transaction; return its digest and whether it is new. The first name stays.

    InputError for an empty one, or one larger than 10 MB.
    """
    if not body:
        raise refuse("文件是空的 an empty file", "检查文件 is it the right one?", file=name)
    if len(body) > MAX_BYTES:
        raise refuse(f"文件超过 {MAX_BYTES:,} 字节 the file is too large", "压缩扫描件 compress the scan", file=name)
    sha = hashlib.sha256(body).hexdigest()
    if connection.scalar(select(documents.c.sha256).where(documents.c.sha256 == sha)) is not None:
        return sha, False
    connection.execute(
        insert(documents).values(
            sha256=sha, name=name[:MAX_NAME], media=media_of(body, name), body=body, recorded_at=at, actor=actor
        )
    )
    return sha, True


def media_known(connection: Connection, sha: str) -> str:
    """Return a document's media type; that of bytes of any kind if it is not kept."""
    return connection.scalar(select(documents.c.media).where(documents.c.sha256 == sha)) or "application/octet-stream"


def listed(connection: Connection) -> list[Document]:
    """Return all documents, oldest first."""
    table = documents.c
    columns = (
        table.sha256,
        table.name,
        table.media,
        func.length(table.body).label("size"),
        table.recorded_at,
        table.actor,
    )
    query = select(*columns).order_by(table.recorded_at, table.sha256)
    return [Document(*row) for row in connection.execute(query)]


def find(connection: Connection, prefix: str) -> str:
    """Return the digest that begins with `prefix` (at least six digits). InputError if none or several do."""
    text = prefix.strip().lower()
    query = select(documents.c.sha256).where(documents.c.sha256.startswith(text, autoescape=True)).limit(6)
    return only(text, connection.scalars(query).all(), "camsla documents list")


def body_of(connection: Connection, sha: str) -> tuple[str, bytes]:
    """Return a document's name and bytes. InputError if there is none, or the bytes are no longer those of the digest."""
    row = connection.execute(select(documents.c.name, documents.c.body).where(documents.c.sha256 == sha)).one_or_none()
    if row is None:
        raise refuse(f"没有这个文件 no such document: {sha[:16]}", "camsla documents list", column="sha256")
    body = bytes(row.body)
    if hashlib.sha256(body).hexdigest() != sha:
        message = f"文件内容与指纹不符 the stored bytes are not those of the digest: {sha[:16]}"
        raise refuse(message, "从备份恢复 restore it from a backup", column="sha256")
    return row.name, body


def only(prefix: str, found: Sequence[str], listing: str) -> str:
    """Return the only digest found for a prefix, else refuse, naming the command that lists them."""
    known = sorted(set(found))
    if len(prefix) >= MIN_PREFIX and len(known) == 1:
        return known[0]
    if len(prefix) < MIN_PREFIX:
        problem = f"指纹太短 the digest is too short: {prefix!r}"
    elif known:
        problem = f"指纹不唯一 the digest fits several: {', '.join(sha[:16] for sha in known)}"
    else:
        problem = f"没有这个指纹 no such digest: {prefix[:64]!r}"
    raise refuse(problem, f"至少 {MIN_PREFIX} 位 at least six digits, see {listing}", column="sha256")
