"""Documents that somebody hands in, kept with the record that the evidence log has of them, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.store import documents
from settlement.store.authority import StoredFile


def keep(
    writer: Writer, connection: Connection, body: bytes, name: str, *, at: Instant, actor: str
) -> tuple[str, bool]:
    """Keep a document; return its digest and whether it is new: one that is known already leaves no further record."""
    sha, added = documents.add(connection, body, name, at=at, actor=actor)
    if added:
        writer.audit.attest(
            connection,
            at=at,
            what="document",
            id=sha,
            version=1,
            sha256=sha,
            media=documents.media_of(body, name),
            actor=actor,
            of={"name": name[: documents.MAX_NAME]},
        )
    return sha, added


def vouch(writer: Writer, connection: Connection, file: StoredFile, step: str, *, at: Instant, actor: str) -> None:
    """Tell the evidence log that a file of the authority's was brought in, checked or withdrawn."""
    writer.audit.attest(
        connection,
        at=at,
        what="authority",
        id=f"{file.contract}/{file.sha256}",
        version=file.revision,
        sha256=file.sha256,
        media=documents.media_known(connection, file.sha256),
        actor=actor,
        of={"name": file.name, "reference": file.reference, "step": step},
    )
