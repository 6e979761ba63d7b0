"""What a seal or a checkpoint is made of: read the store in one snapshot, build lines and files, say what to record.

This is the heavy part and runs in a process of its own. A day's files are on the disk before the database hears of them; if
the power goes between, the next round finds the day in the folder and takes it over as it is, line by line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from console.archives.archiving import figures_of
from console.log.steps import Log, Order, Step, leaves_of
from console.log.takeover import require_same, take_over
from monitor.canonical import canonical
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import PrivateKey
from monitor.evidence.note import Checkpoint, Note, sign
from monitor.evidence.replay import IMPORTS, State, empty
from monitor.evidence.sealing import Extent, Row, closing, numbered
from monitor.evidence.tree import EMPTY, Frontier
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import day_of, midnight
from monitor.store import attested, log
from monitor.store.database import open_database, reading
from monitor.store.log import Waiting
from monitor.store.log_ledger import grown, ledger
from monitor.store.migrate import check_schema

NICE = 10
MOST_DAYS = 31
"""So many days one round makes at most; the next one goes on."""
EARLIEST = Instant(946_684_800_000_000)
"""2000-01-01: what a clock put before that says nothing of the log's first day."""


@dataclass(frozen=True, slots=True)
class Making:
    """A job for a worker: make what is due and write the steps as JSON to `answer`, those before a failure as well."""

    log: Log
    order: Order
    answer: Path

    def __call__(self, moved: Callable[[int, int], None]) -> None:
        """Make, stepping back for the watcher; `moved` hears of every day made."""
        os.nice(NICE)
        engine = open_database(self.log.url)
        steps: list[Step] = []
        try:
            with reading(engine) as connection:
                check_schema(connection)
                for step in make(connection, self.log, self.order, moved):
                    steps.append(step)
        finally:
            engine.dispose()
            self.answer.write_text(json.dumps([step.packed() for step in steps]), encoding="utf-8")


def read_answer(path: Path) -> list[Step]:
    """Return the steps that a `Making` wrote; none if it was ended before it could."""
    if not path.exists():
        return []
    return [Step.unpacked(value) for value in json.loads(path.read_text(encoding="utf-8"))]


def make(
    connection: Connection, where: Log, order: Order, moved: Callable[[int, int], None] = lambda *_: None
) -> Iterator[Step]:
    """Yield what is to be recorded, in order; the days' files are in the folder by then. InputError says why not."""
    round_ = _Round(connection, where, order)
    yield from round_.taken_over()
    made = 0
    while made < MOST_DAYS and (day := round_.due()):
        yield round_.sealed(day)
        made += 1
        moved(made, MOST_DAYS)
    if order.checkpoint and not round_.due():
        yield from round_.between()


@dataclass(slots=True)
class _Tree:
    """The log after its last sealed day: the state goes on, the note is that day's as it stands in the folder."""

    state: State
    frontier: Frontier
    note: bytes


@dataclass(slots=True)
class _Round:
    connection: Connection
    where: Log
    order: Order
    folder: LogFolder = field(init=False)
    rows: list[Waiting] = field(init=False)
    blobs: tuple[str, ...] = field(init=False)
    newest: str = field(init=False)
    sealed_size: int = field(init=False)
    held: list[bytes] = field(init=False)
    """Lines of the open day that have their leaves from checkpoints."""
    tree: _Tree | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.folder = self.where.folder
        newest = log.newest_day(self.connection)
        self.newest, self.sealed_size = ("", 0) if newest is None else (newest.day, newest.size)
        self.folder.recover()
        require_same(self.folder, newest)
        self.rows = log.waiting(self.connection)
        self.held = log.numbered(self.connection, self.sealed_size)
        blobs = attested.digests_kept(self.connection)
        for sha256 in blobs:
            self.folder.put_blob(attested.kept(self.connection, sha256) or b"")
        self.blobs = tuple(blobs)

    # -- what comes next

    def _next(self) -> str:
        """The first day that is not sealed; "" before there is any record."""
        if self.newest:
            return (date.fromisoformat(self.newest) + timedelta(days=1)).isoformat()
        if not (self.rows or self.held):
            return ""
        first, point = log.first_instant(self.connection, EARLIEST), log.newest_checkpoint(self.connection)
        if first is None and point is not None:
            first = point.at
        return _day_of(min(first or self.order.now, self.order.now), self.where.zone)

    def _end(self, day: str) -> Instant:
        return _end_of(day, self.where.zone)

    def due(self) -> str:
        """Return the next day to seal, "" if none is over for long enough."""
        day = self._next()
        if not day or (self.order.until and day > self.order.until):
            return ""
        return day if self._end(day) + self.order.delay_us <= self.order.now else ""

    # -- making

    def sealed(self, day: str) -> Step:
        """Build a day, put it on the disk and say what to record."""
        tree, signer = self._standing()
        expected, before = self.sealed_size + len(self.held), tree.frontier
        taken, left = log.due(self.rows, self._end(day))
        new = self._numbered(tree.state, taken)
        lines = [*self.held, *new]
        zone = self.where.zone

        def extents(state: State) -> Iterable[Extent]:
            return [Extent(*row) for row in grown(self.connection, state.newest())]

        lines += closing(
            tree.state,
            day,
            before,
            roster=ledger(self.connection, Instant(self._end(day) - 1), zone),
            extents=extents,
            earlier=lambda wanted: self.folder.earlier(wanted, [*self.held, *new], zone, ""),
            software=self.where.software,
            archive=None if self.where.archive is None else figures_of(self.where.archive, day),
        )
        after = before.appended(lines)
        note = self._note(after, f"day {day}", signer)
        state = canonical(tree.state.document()).encode()
        self.folder.write_day(day, lines, before, tree.note, note, state)
        step = Step(
            day,
            before.size,
            after.size,
            after.root().hex(),
            note.encode().decode(),
            self.order.now,
            expected,
            leaves_of(taken, new, expected),
            self.blobs,
            tree.state.key,
        )
        self.tree = _Tree(tree.state, after, note.encode())
        self._closed(day, after.size, left)
        return step

    def between(self) -> Iterator[Step]:
        """Yield a checkpoint over what has come since the last, if anything has."""
        day = self._next()
        if not day:
            return
        end = min(self._end(day), self.order.now + 1)
        taken, _ = log.due(self.rows, Instant(end))
        if not taken:
            return
        tree, signer = self._standing()
        new = self._numbered(tree.state, taken)
        expected = self.sealed_size + len(self.held)
        after = tree.frontier.appended([*self.held, *new])
        note = self._note(after, f"hour {self.order.now}", signer)
        root, text = after.root().hex(), note.encode().decode()
        leaves = leaves_of(taken, new, expected)
        yield Step("", self.sealed_size, after.size, root, text, self.order.now, expected, leaves, self.blobs)

    def _standing(self) -> tuple[_Tree, PrivateKey]:
        """Return the log after its last sealed day, what checkpoints numbered since fed to it, and the key that signs."""
        keys, origin, zone = self.where.keys, self.where.origin, self.where.zone
        if self.tree is None:
            if self.newest:
                last = self.folder.read_day(self.newest)
                state = self.folder.load_state(self.newest, zone)
                self.tree = _Tree(state, last.frontier.appended(last.lines), last.note.encode())
            else:
                self.tree = _Tree(empty(origin, zone, keys.signing(origin, "").public().text()), EMPTY, b"")
        signer = keys.signing(origin, self.tree.state.key)
        self.folder.replay(self.tree.state, self.held, "outbox")
        self._require_root(self.tree.frontier)
        return self.tree, signer

    def _require_root(self, before: Frontier) -> None:
        """Refuse to go on from lines that are not those of the newest checkpoint."""
        point = log.newest_checkpoint(self.connection)
        if not self.held or point is None or point.size <= self.sealed_size:
            return
        if before.appended(self.held).root().hex() != point.root:
            raise refuse(
                "已编号的记录与最近检查点不符 numbered records are not those of the newest checkpoint",
                "从备份恢复数据库 restore the database from a backup",
                column="outbox",
            )

    def _numbered(self, state: State, rows: Sequence[Waiting]) -> list[bytes]:
        for row in rows:
            if row.kind == "att" and row.body["what"] in IMPORTS:
                self._bring(row)
        try:
            return list(numbered(state, (Row(*row) for row in rows), self.folder.imported))
        except ValueError as error:
            raise refuse(
                f"记录无法入日志 a record does not fit the log: {error}",
                "请报告此问题；记录仍在等待 please report this: the records wait",
                column="outbox",
            ) from error

    def _bring(self, row: Waiting) -> None:
        """Put an import's canonical file into the folder."""
        texts = attested.import_text(self.connection, row.body["what"], row.body["of"]["kind"], row.at)
        if self.folder.put_blob("".join(texts).encode()) != row.body["sha256"]:
            raise refuse(
                f"导入 {row.body['id'][:16]} 的记录与入库时不同 the rows of the import are not those that were stored",
                "从备份恢复数据库 restore the database from a backup",
                column=row.body["what"],
            )

    def _note(self, tree: Frontier, stamp: str, signer: PrivateKey) -> Note:
        text = Checkpoint.of(self.where.origin, tree, stamp).text()
        return Note(text, (sign(text, signer),))

    def _closed(self, day: str, size: int, left: list[Waiting]) -> None:
        self.newest, self.sealed_size, self.rows, self.held, self.blobs = day, size, left, [], ()

    def taken_over(self) -> Iterator[Step]:
        """Yield the days that are in the folder and that the database has not heard of, as they are."""
        for day in [day for day in self.folder.days() if day > self.newest]:
            found, at = self.folder.read_day(day), self.order.now
            step, left = take_over(self.folder, found, self.held, self.rows, self.sealed_size, self.where.zone, at)
            yield replace(step, blobs=self.blobs)
            self._closed(day, step.size, left)


def _day_of(at: Instant, zone: str) -> str:
    return day_of(at, zone).isoformat()


def _end_of(day: str, zone: str) -> Instant:
    return Instant(midnight(date.fromisoformat(day) + timedelta(days=1), zone) * MICROSECONDS)
