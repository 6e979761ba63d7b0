"""The authority's files, their figures, and the saved mappings that they were read with.

Nothing is overwritten: a file counts once a second person has checked it, and until it is withdrawn; which figures stand
follows from the files in the order of their checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from monitor.finding import refuse
from monitor.model import Instant
from monitor.persons import same_person
from settlement.authority import Arrived, Figure, Unit, standing
from settlement.store.documents import only
from settlement.store.tables import authority_figures, authority_files, mappings

Note = tuple[int, str]
ROWS_AT_ONCE = 2_000


class SavedMapping(NamedTuple):
    """A mapping of columns as it was saved; `body` is canonical JSON."""

    name: str
    version: int
    body: str
    recorded_at: Instant
    actor: str


def save_mapping(connection: Connection, name: str, body: str, *, at: Instant, actor: str) -> tuple[int, bool]:
    """Save a mapping as its name's next version; return the version and whether it is new (the same body is not saved twice)."""
    newest = find_mapping(connection, name)
    if newest is not None and newest.body == body:
        return newest.version, False
    version = 1 if newest is None else newest.version + 1
    values = {"name": name, "version": version, "body": body, "recorded_at": at, "actor": actor}
    connection.execute(insert(mappings).values(values))
    return version, True


def find_mapping(connection: Connection, name: str) -> SavedMapping | None:
    """Return a mapping's newest version, None if there is no such name."""
    query = select(mappings).where(mappings.c.name == name).order_by(mappings.c.version.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else SavedMapping(row.name, row.version, row.body, Instant(row.recorded_at), row.actor)


def list_mappings(connection: Connection) -> list[SavedMapping]:
    """Return the newest version of every mapping, by name."""
    rows = connection.execute(select(mappings).order_by(mappings.c.name, mappings.c.version)).all()
    newest = {
        row.name: SavedMapping(row.name, row.version, row.body, Instant(row.recorded_at), row.actor) for row in rows
    }
    return list(newest.values())


@dataclass(frozen=True, slots=True)
class Imported:
    """A file as it is handed to the store. `notes` are (line, text) of what was odd in it."""

    sha256: str
    contract: str
    name: str
    reference: str
    mapping: str
    typed: bool
    replaces: bool
    received_on: str
    scan_sha: str | None
    notes: tuple[Note, ...]
    figures: tuple[Figure, ...]


class StoredFile(NamedTuple):
    """A file in the store; `figures` is how many it holds."""

    id: int
    sha256: str
    contract: str
    revision: int
    name: str
    reference: str
    mapping: str
    typed: bool
    replaces: bool
    received_on: str
    scan_sha: str | None
    notes: tuple[Note, ...]
    recorded_at: Instant
    actor: str
    checked_at: Instant | None
    checked_by: str
    withdrawn_at: Instant | None
    withdrawn_by: str
    withdrawn_why: str
    figures: int = 0

    @property
    def status(self) -> str:
        """pending, checked or withdrawn."""
        return "withdrawn" if self.withdrawn_at is not None else "checked" if self.checked_at is not None else "pending"


def add_file(connection: Connection, file: Imported, *, at: Instant, actor: str) -> tuple[StoredFile, bool]:
    """Keep a file and its figures; the same bytes for the same contract are kept once, unless they were withdrawn."""
    table = authority_files.c
    same = and_(table.sha256 == file.sha256, table.contract == file.contract)
    for known in _files(connection, same):
        if known.withdrawn_at is None:
            return known, False
    newest = connection.scalar(select(func.max(table.revision)).where(same))
    number = connection.execute(
        insert(authority_files)
        .values(
            sha256=file.sha256,
            contract=file.contract,
            revision=0 if newest is None else newest + 1,
            name=file.name,
            reference=file.reference,
            mapping=file.mapping,
            typed=int(file.typed),
            replaces=int(file.replaces),
            notes=json.dumps(file.notes, ensure_ascii=False, separators=(",", ":")),
            received_on=file.received_on,
            scan_sha=file.scan_sha,
            recorded_at=at,
            actor=actor,
        )
        .returning(authority_files.c.id)
    ).scalar_one()
    rows = [{**_values(figure), "file_id": number, "contract": file.contract} for figure in file.figures]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        connection.execute(insert(authority_figures), rows[start : start + ROWS_AT_ONCE])
    return _files(connection, table.id == number)[0], True


def _values(figure: Figure) -> dict[str, Any]:
    values = figure._asdict()
    del values["file"]
    return values


def list_files(connection: Connection, contract: str | None = None) -> list[StoredFile]:
    """Return the files, of one contract or of all, in the order in which they came."""
    return _files(connection, *([] if contract is None else [authority_files.c.contract == contract]))


def pending_files(connection: Connection, contract: str, periods: Iterable[str]) -> list[StoredFile]:
    """Return the files with figures of these periods that nobody has checked or withdrawn."""
    files, figures = authority_files.c, authority_figures.c
    concerned = exists().where(figures.file_id == files.id, figures.period.in_(sorted(set(periods))))
    return _files(
        connection, files.contract == contract, files.checked_at.is_(None), files.withdrawn_at.is_(None), concerned
    )


def find_file(connection: Connection, prefix: str, contract: str | None = None) -> StoredFile:
    """Return the newest import of the file whose digest begins with `prefix`. InputError if none or several fit."""
    text = prefix.strip().lower()
    conditions: list[ColumnElement[bool]] = [authority_files.c.sha256.startswith(text, autoescape=True)]
    if contract is not None:
        conditions.append(authority_files.c.contract == contract)
    found = _files(connection, *conditions)
    only(text, [file.sha256 for file in found], "camsla authority list")
    contracts = sorted({file.contract for file in found})
    if len(contracts) > 1:
        message = f"该文件属于几个合同 the file was imported for several contracts: {', '.join(contracts)}"
        raise refuse(message, "用 --contract 指明 name one with --contract", column="sha256")
    return found[-1]


def check_file(connection: Connection, file: StoredFile, *, at: Instant, actor: str) -> None:
    """Note that a second person compared the figures with the paper. InputError for the importer, or a file not pending."""
    where = file.sha256[:12]
    if file.status != "pending":
        word = "已撤回 withdrawn" if file.withdrawn_at is not None else f"已由 {file.checked_by} 核对 checked already"
        raise refuse(f"{where} {word}", "见 see camsla authority list", column="sha256")
    if same_person(file.actor, actor):
        message = f"{where} 由 {actor} 导入，核对须另一人 was brought in by {actor}; another person must check it"
        raise refuse(message, "由另一人核对 another person: --actor", column="actor")
    table = authority_files
    connection.execute(update(table).where(table.c.id == file.id).values(checked_at=at, checked_by=actor))


def withdraw_file(connection: Connection, file: StoredFile, why: str, *, at: Instant, actor: str) -> None:
    """Take a file out of account; what it had replaced stands again. InputError if it was withdrawn before."""
    if file.withdrawn_at is not None:
        raise refuse(f"{file.sha256[:12]} 已撤回 withdrawn already", "见 see camsla authority list", column="sha256")
    values = {"withdrawn_at": at, "withdrawn_by": actor, "withdrawn_why": why}
    connection.execute(update(authority_files).where(authority_files.c.id == file.id).values(values))


class Standing(NamedTuple):
    """What counts for some periods of a contract, and the files that it comes from; `left` as in authority.standing."""

    figures: list[Figure]
    files: list[StoredFile]
    left: int


def standing_figures(
    connection: Connection,
    contract: str,
    periods: Iterable[str],
    known_at: Instant | None = None,
    *,
    pending: bool = False,
) -> Standing:
    """Return the figures of a contract's periods that stand, as known now or at an instant; `pending` files too if asked."""
    table = authority_files.c
    conditions: list[ColumnElement[bool]] = [table.contract == contract]
    if known_at is None:
        conditions.append(table.withdrawn_at.is_(None))
    else:
        conditions.append(or_(table.withdrawn_at.is_(None), table.withdrawn_at > known_at))
        conditions.append(table.recorded_at <= known_at)
    checked = table.checked_at.is_not(None) if known_at is None else table.checked_at <= known_at
    files = _files(connection, *conditions, *([] if pending else [checked]))
    files.sort(key=lambda file: (file.checked_at is None, file.checked_at or file.recorded_at, file.id))
    by_file = _figures(connection, contract, sorted(set(periods)), {file.id: file.sha256 for file in files})
    entered = [file for file in files if file.id in by_file]
    figures, left = standing(Arrived(by_file[file.id], file.replaces) for file in entered)
    used = {figure.file for figure in figures}
    return Standing(figures, [file for file in entered if file.sha256 in used], left)


def figures_of(connection: Connection, file: StoredFile) -> list[Figure]:
    """Return a file's own figures in its order."""
    query = select(authority_figures).where(authority_figures.c.file_id == file.id).order_by(authority_figures.c.id)
    return [_figure(row, file.sha256) for row in connection.execute(query)]


def _figures(
    connection: Connection, contract: str, periods: Sequence[str], files: dict[int, str]
) -> dict[int, list[Figure]]:
    table = authority_figures.c
    query = select(authority_figures).where(table.contract == contract, table.period.in_(periods)).order_by(table.id)
    found: dict[int, list[Figure]] = {}
    for row in connection.execute(query):
        if row.file_id in files:
            found.setdefault(row.file_id, []).append(_figure(row, files[row.file_id]))
    return found


def _figure(row: Any, sha: str) -> Figure:
    return Figure(
        row.phase,
        row.point,
        row.device,
        row.name,
        row.period,
        row.num,
        row.den,
        cast(Unit, row.unit),
        row.points,
        row.text,
        row.line,
        sha,
    )


def _files(connection: Connection, *conditions: ColumnElement[bool]) -> list[StoredFile]:
    count = select(func.count()).where(authority_figures.c.file_id == authority_files.c.id).scalar_subquery()
    query = select(authority_files, count.label("figures")).where(*conditions).order_by(authority_files.c.id)
    return [_file(row) for row in connection.execute(query)]


def _file(row: Any) -> StoredFile:
    return StoredFile(
        row.id,
        row.sha256,
        row.contract,
        row.revision,
        row.name,
        row.reference,
        row.mapping,
        bool(row.typed),
        bool(row.replaces),
        row.received_on,
        row.scan_sha,
        tuple((int(line), str(text)) for line, text in json.loads(row.notes)),
        Instant(row.recorded_at),
        row.actor,
        None if row.checked_at is None else Instant(row.checked_at),
        row.checked_by or "",
        None if row.withdrawn_at is None else Instant(row.withdrawn_at),
        row.withdrawn_by or "",
        row.withdrawn_why or "",
        row.figures,
    )
