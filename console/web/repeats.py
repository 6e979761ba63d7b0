"""Idempotency keys: what was answered to a change is kept for a day, and given again to whoever repeats it.

A key belongs to a person. It is claimed, in a transaction of its own, before the work begins; the answer is put beside it
when the work is done. Only what succeeded is remembered: a refusal changed nothing and leaves the key free. A claim whose
process is gone stays without an answer until it is a day old, because nobody can tell by then whether the work was done.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, delete, func, insert, select, update

from console.store.tables import api_requests
from console.web.endpoints import RefusedError
from console.web.faults import TooManyError
from console.web.visit import Visit
from monitor.model import MICROSECONDS, Instant
from monitor.store.writer import Writer

KEPT_S = 86_400
MOST_KEYS = 10_000
"""So many a person may have in use at once."""
MOST_BODY_BYTES = 1024 * 1024
PURGE_EVERY_S = 60
_TOO_LARGE = "答复过大未保存，该操作已完成 it was done; its answer was too large to be kept"


class StoredRepeats:
    """Keeps keys and answers in the database, through the visit's writer; knows which requests run in this process."""

    def __init__(self) -> None:
        self._running: set[tuple[str, str]] = set()
        self._purged_at = Instant(0)

    async def begin(self, visit: Visit, key: str, digest: str) -> tuple[int, bytes] | None:
        """Claim a key, or return the status and body it was answered with.

        RefusedError `key-reused` for another request, `under-way` for one that runs now, `interrupted` for one whose end
        nobody knows; TooManyError beyond MOST_KEYS.
        """
        owner = (visit.person.name, key)
        if owner in self._running:
            raise RefusedError("under-way")
        self._running.add(owner)
        purge = visit.at - self._purged_at >= PURGE_EVERY_S * MICROSECONDS
        try:
            found = await visit.write(claim, *owner, visit.request.path, digest, visit.at, purge)
        except BaseException:
            self._running.discard(owner)
            raise
        if purge:
            self._purged_at = visit.at
        if found is not None:
            self._running.discard(owner)
        return found

    async def end(self, visit: Visit, key: str, status: int, body: bytes) -> None:
        """Keep the answer, or let go of a key whose request was refused or failed."""
        owner = (visit.person.name, key)
        try:
            await visit.write(settle, *owner, status, body)
        finally:
            self._running.discard(owner)


def claim(
    writer: Writer, person: str, key: str, path: str, digest: str, at: Instant, purge: bool
) -> tuple[int, bytes] | None:
    """Claim a key or find its answer; see `StoredRepeats.begin`."""
    t = api_requests.c
    oldest = at - KEPT_S * MICROSECONDS
    with writer.transaction() as connection:
        if purge:
            connection.execute(delete(api_requests).where(t.at < oldest))
        row = connection.execute(select(api_requests).where(t.person == person, t.key == key)).one_or_none()
        if row is not None and row.at >= oldest:
            return _answered(row.digest == digest, row.status, row.body)
        if row is not None:
            connection.execute(delete(api_requests).where(t.person == person, t.key == key))
        _room(connection, person, at)
        values = {"person": person, "key": key, "path": path, "digest": digest, "at": at}
        connection.execute(insert(api_requests).values(values))
    return None


def _answered(same: bool, status: int | None, body: bytes | None) -> tuple[int, bytes]:
    if not same:
        raise RefusedError("key-reused")
    if status is None:
        raise RefusedError("interrupted")
    if body is None:
        raise RefusedError("conflict", _TOO_LARGE)
    return status, body


def _room(connection: Connection, person: str, at: Instant) -> None:
    t = api_requests.c
    query = select(func.count(), func.min(t.at)).where(t.person == person)
    held, first = connection.execute(query).one()
    if held >= MOST_KEYS:
        until = cast(int, first) + KEPT_S * MICROSECONDS
        raise TooManyError(max(1, (until - at) // MICROSECONDS))


def settle(writer: Writer, person: str, key: str, status: int, body: bytes) -> None:
    """Put a success beside its key; let go of the key for anything else."""
    t = api_requests.c
    mine = (t.person == person, t.key == key)
    with writer.transaction() as connection:
        if 200 <= status < 400:
            kept = body if len(body) <= MOST_BODY_BYTES else None
            connection.execute(update(api_requests).where(*mine).values(status=status, body=kept))
        else:
            connection.execute(delete(api_requests).where(*mine))
