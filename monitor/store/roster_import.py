"""The point ledger written: read whole, and a plan carried out in the caller's transaction, wholly or not at all.

What changes supersedes: the old row gets its superseded_at and a new one is inserted. Cameras, which have no dates of
their own, are brought up to date in place; another device is another row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update

from monitor.finding import InputError, refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import ZONE, midnight
from monitor.points import (
    EXTRA,
    FACT_DEFAULTS,
    Camera,
    CameraSpec,
    CameraWrite,
    Cipher,
    Credential,
    Entry,
    Fact,
    Facts,
    Pause,
    Piece,
    Plan,
    Stay,
    Stored,
    StoredPause,
    StoredPoint,
    credential_context,
)
from monitor.store.audit import AuditSink
from monitor.store.roster import DATE_FACTS, pauses_by_point
from monitor.store.tables import billing_pauses, cameras, credentials, imports, occupancies, point_facts, points

CHUNK = 500
_SPEC = ("make", "model", "serial", "macs", "rtsp_url", "onvif_addr")


def load(connection: Connection, zone: str = ZONE) -> Stored:
    """Return the whole ledger as known now, with cameras and their encrypted logins."""
    pieces: dict[int, list[Piece]] = {}
    for fact_row in connection.execute(_current(point_facts)).mappings():
        piece = Piece(fact_row["id"], fact_row["valid_from"], fact_row["valid_to"], _facts_of(fact_row))
        pieces.setdefault(fact_row["point_id"], []).append(piece)
    stays: dict[int, list[Stay]] = {}
    for row in connection.execute(_current(occupancies)):
        stays.setdefault(row.point_id, []).append(Stay(row.id, row.valid_from, row.valid_to, row.camera_id))
    pauses = pauses_by_point(connection, None, zone)
    known = {
        code: StoredPoint(
            number,
            code,
            tuple(pieces.get(number, ())),
            tuple(stays.get(number, ())),
            tuple(StoredPause(row_id, pause) for row_id, pause in pauses.get(number, ())),
        )
        for number, code in connection.execute(select(points.c.id, points.c.code).order_by(points.c.code))
    }
    return Stored(known, _cameras(connection))


def apply(
    connection: Connection, plan: Plan, *, at: Instant, actor: str, audit: AuditSink, cipher: Cipher | None = None
) -> None:
    """Carry a plan out at `at` and leave one audit row with its counts. The caller's transaction holds it together.

    A plan that changes nothing writes nothing but the audit row. Raises InputError if the ledger has changed since
    the plan was made; the caller then rolls back.
    """
    entries = plan.changed
    ids = _insert_points(connection, entries)
    _supersede(connection, point_facts, (number for entry in entries for number in entry.drop_pieces), at)
    _supersede(connection, occupancies, (number for entry in entries for number in entry.drop_stays), at)
    _supersede(connection, billing_pauses, (number for entry in entries for number in entry.drop_pauses), at)
    new_cameras = _write_cameras(connection, [entry.camera for entry in entries if entry.camera], cipher)
    recorded = {"recorded_at": at, "superseded_at": None, "actor": actor}
    facts, stays, pauses = [], [], []
    for entry in entries:
        head = {"point_id": ids.get(entry.code, entry.point_id), **recorded}
        facts += [{**head, **_span(p.start, p.end), **_columns_of(p.facts)} for p in entry.add_pieces]
        for stay in entry.add_stays:
            camera = stay.camera if stay.camera is not None else new_cameras[id(entry.camera)]
            stays.append({**head, **_span(stay.start, stay.end), "camera_id": camera})
        document = entry.add_pieces[-1].facts.get("document", "") if entry.add_pieces else ""
        pauses += [{**head, **_pause_span(pause, plan.zone), "document": document} for pause in entry.add_pauses]
    for table, rows in ((point_facts, facts), (occupancies, stays), (billing_pauses, pauses)):
        if rows:
            connection.execute(insert(table), rows)
    if entries:
        _note_import(connection, plan, at)
    counts = {name: count for name, count in plan.counts.items() if count}
    after = {
        "file": plan.file,
        "sha256": plan.sha256,
        "effective_from": plan.effective_from.isoformat(),
        "counts": counts,
    }
    audit(connection, at=at, actor=actor, action="points.import", object=plan.sha256, before=None, after=after)


def _current(table: Table) -> Any:
    return select(table).where(table.c.superseded_at.is_(None)).order_by(table.c.valid_from)


def _cameras(connection: Connection) -> dict[int, Camera]:
    query = select(cameras, credentials.c.username, credentials.c.nonce, credentials.c.cipher).outerjoin(
        credentials, credentials.c.id == cameras.c.credential_id
    )
    found = {}
    for row in connection.execute(query):
        login = None
        if row.credential_id is not None:
            login = Credential(row.credential_id, row.username, bytes(row.nonce), bytes(row.cipher))
        spec = CameraSpec(row.make, row.model, row.serial, row.macs, row.rtsp_url, row.onvif_addr)
        found[row.id] = Camera(row.id, spec, login)
    return found


def _facts_of(row: Mapping[Any, Any]) -> Facts:
    facts: dict[str, Fact] = {}
    for name in FACT_DEFAULTS:
        value = row[name]
        facts[name] = date.fromisoformat(value) if name in DATE_FACTS and value else value
    for name, value in json.loads(row["extra"]).items():
        facts[EXTRA + name] = value
    return facts


def _columns_of(facts: Facts) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    extra = {}
    for name, value in facts.items():
        if name.startswith(EXTRA):
            extra[name[len(EXTRA) :]] = value
        else:
            columns[name] = value.isoformat() if isinstance(value, date) else value
    columns["extra"] = json.dumps(extra, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return columns


def _span(start: int, end: int | None) -> dict[str, int | None]:
    return {"valid_from": start, "valid_to": end}


def _pause_span(pause: Pause, zone: str) -> dict[str, int | None]:
    until = None if pause.until is None else midnight(pause.until, zone) * MICROSECONDS
    return _span(midnight(pause.first, zone) * MICROSECONDS, until)


def _insert_points(connection: Connection, entries: Sequence[Entry]) -> dict[str, int]:
    codes = [entry.code for entry in entries if entry.point_id is None]
    if not codes:
        return {}
    known = set(connection.scalars(select(points.c.code)))
    if known & set(codes):
        raise _stale()
    return dict(zip(codes, _insert_numbered(connection, points, [{"code": code} for code in codes]), strict=True))


def _insert_numbered(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows and return their numbers in the rows' order.

    SQLite has one writer and numbers rows upward in the order in which they are inserted; asking for each number as
    it is given would cost a statement per row there.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        numbered = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return list(connection.scalars(numbered, list(rows)))
    last = connection.scalar(select(func.max(table.c.id))) or 0
    connection.execute(insert(table), list(rows))
    numbers = list(connection.scalars(select(table.c.id).where(table.c.id > last).order_by(table.c.id)))
    if len(numbers) != len(rows):
        raise RuntimeError(f"{len(rows)} rows went into {table.name} and {len(numbers)} came out")
    return numbers


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    source = iter(numbers)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _supersede(connection: Connection, table: Table, numbers: Iterable[int], at: Instant) -> None:
    for chunk in _chunks(numbers):
        statement = update(table).where(table.c.id.in_(chunk), table.c.superseded_at.is_(None))
        if connection.execute(statement.values(superseded_at=at)).rowcount != len(chunk):
            raise _stale()


def _stale() -> InputError:
    return refuse("台账在比对之后已变 the ledger changed after the comparison", "重新导入 import again")


def _write_cameras(connection: Connection, writes: Sequence[CameraWrite], cipher: Cipher | None) -> dict[int, int]:
    """Insert and update cameras with their logins; returns the new cameras' numbers by id() of their write."""
    logins = [write for write in writes if write.login is not None]
    numbers = _insert_numbered(connection, credentials, [_encrypted(write, cipher) for write in logins])
    given = {id(write): number for write, number in zip(logins, numbers, strict=True)}
    rows = [
        {"credential_id": given.get(id(write), write.credential_id)}
        | {name: getattr(write.spec, name) for name in _SPEC}
        for write in writes
    ]
    new = [at for at, write in enumerate(writes) if write.id is None]
    inserted = _insert_numbered(connection, cameras, [rows[at] for at in new])
    known = [{"row": write.id, **rows[at]} for at, write in enumerate(writes) if write.id is not None]
    if known:
        _update_cameras(connection, known)
    return {id(writes[at]): number for at, number in zip(new, inserted, strict=True)}


def _encrypted(write: CameraWrite, cipher: Cipher | None) -> dict[str, Any]:
    if write.login is None or cipher is None:
        raise ValueError("a plan with passwords needs a cipher")
    username, secret = write.login
    nonce, body = cipher.encrypt(secret.reveal(), credential_context(username, write.spec.rtsp_url))
    return {"username": username, "nonce": nonce, "cipher": body}


def _update_cameras(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    before: list[int] = []
    for chunk in _chunks(row["row"] for row in rows):
        before += connection.scalars(
            select(cameras.c.credential_id).where(cameras.c.id.in_(chunk), cameras.c.credential_id.is_not(None))
        )
    values: dict[str, Any] = {name: bindparam(name) for name in (*_SPEC, "credential_id")}
    connection.execute(update(cameras).where(cameras.c.id == bindparam("row")).values(values), list(rows))
    for chunk in _chunks(before):
        # A password that was replaced is of no more use to anybody but a thief.
        used = select(cameras.c.credential_id).where(cameras.c.credential_id.in_(chunk))
        connection.execute(delete(credentials).where(credentials.c.id.in_(chunk), credentials.c.id.not_in(used)))


def _note_import(connection: Connection, plan: Plan, at: Instant) -> None:
    if connection.scalar(select(imports.c.sha256).where(imports.c.sha256 == plan.sha256)) is None:
        rows = sum(1 for entry in plan.entries if entry.line)
        connection.execute(insert(imports).values(sha256=plan.sha256, kind="points", at=at, rows=rows))
