"""The log's notes as people carry them to a witness: text, and a QR code for where no cable goes."""

from __future__ import annotations

import io

import segno
from sqlalchemy import Connection

from monitor.evidence.note import Note, Signature
from monitor.finding import refuse
from monitor.store import log

QR_KINDS = (".svg", ".png")
_SCALE = 6


def newest_note(connection: Connection, *, hours: bool) -> Note:
    """Return the newest sealed day's note with its witnesses; with `hours` the newest of all, as before a first seal.

    InputError if there is none yet.
    """
    day, point = log.newest_day(connection), log.newest_checkpoint(connection)
    if point is not None and (day is None or (hours and point.size > day.size)):
        return _witnessed(connection, point.size, point.note)
    if day is None:
        raise refuse(
            "尚无检查点 there is no checkpoint yet",
            "camsla evidence seal --checkpoint，或待 serve 整点 or wait for serve's next hour",
        )
    return _witnessed(connection, day.size, day.note)


def day_note(connection: Connection, day: str) -> Note:
    """Return a sealed day's note with its witnesses. InputError if it is not sealed."""
    found = log.find_day(connection, day)
    if found is None:
        raise refuse(f"{day[:20]} 未封存 the day is not sealed", "见 see camsla evidence log", column="day")
    return _witnessed(connection, found.size, found.note)


def _witnessed(connection: Connection, size: int, text: str) -> Note:
    note = Note.parse(text.encode())
    for one in log.signatures(connection, size):
        note = note.with_signature(Signature.parse(one.line))
    return note


def _code(note: Note) -> segno.QRCode:
    return segno.make_qr(note.encode(), error="m")


def qr_text(note: Note) -> str:
    """Return a note's QR code for a terminal."""
    out = io.StringIO()
    _code(note).terminal(out, compact=True)
    return out.getvalue()


def qr_file(note: Note, kind: str) -> bytes:
    """Return a note's QR code as a file: `.svg` or `.png`; the same note gives the same bytes."""
    out = io.BytesIO()
    _code(note).save(out, kind=kind.removeprefix("."), scale=_SCALE)
    return out.getvalue()
