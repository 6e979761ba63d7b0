"""The Writer: one process and connection per role, every change of the database in a transaction of its own.

Acknowledged means that COMMIT returned. Whatever fails before it leaves nothing behind, in the tables or in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, insert, select

from monitor.model import Instant, Sample
from monitor.notices import Blind, Notice
from monitor.store import gaps, happenings, live, restart
from monitor.store.audit import AuditSink
from monitor.store.batch import Batch, in_order, pack_ordered
from monitor.store.database import connect, open_database, sqlite_path
from monitor.store.identities import register_vantage, vantage_ids
from monitor.store.lock import LEDGER, WriterLock, role_path, take_advisory
from monitor.store.migrate import migrate
from monitor.store.tables import batches


@dataclass(frozen=True, slots=True)
class Ack:
    """A batch is durable: its number, the digest of its results and how many there are."""

    vantage: str
    seq: int
    sha256: str
    n: int


class ConflictError(Exception):
    """The same sequence number came with other results, or a number was left out. Nothing was stored."""


class Writer:
    """Everything that changes the database goes through here. Open it with `open`, close it with `close` or `with`.

    Calls may come from any thread; they run one at a time.
    """

    def __init__(
        self,
        engine: Engine,
        audit: AuditSink,
        lock: WriterLock | None,
        *,
        role: str = LEDGER,
        dispose: bool = False,
    ) -> None:
        self._engine = engine
        self._role = role
        self._lock = lock
        self._dispose = dispose
        self._turn = threading.RLock()
        self._closed = False
        self._live: dict[str, live.Live] = {}
        self._resumed: dict[str, live.Boot | None] = {}
        self.audit = audit
        """The sink to hand to functions that work on `transaction()`."""
        self._connection = self._locked_connection()
        try:
            migrate(self._connection)
        except BaseException:
            # Not back to the pool: the session holds the server's lock.
            self._connection.invalidate()
            self._connection.close()
            raise

    @classmethod
    def open(cls, target: str | Engine, audit: AuditSink, lock_path: Path | None = None, role: str = LEDGER) -> Self:
        """Take the writer's lock, bring the schema up to date and return the writer.

        SQLite has one writer, whatever its role: the lock file is `<database file>.lock`. PostgreSQL has one per role:
        a lock in the server, and a file beside `lock_path`, if given, which names the holder's process on this machine.
        A second one gets InputError naming the holder.
        """
        engine = open_database(target) if isinstance(target, str) else target
        file = sqlite_path(engine)
        lock = None
        if file is not None:
            lock = WriterLock(file.with_name(file.name + ".lock"))
        elif lock_path is not None:
            lock = WriterLock(role_path(lock_path, role), role)
        if lock is not None:
            lock.acquire()
        try:
            return cls(engine, audit, lock, role=role, dispose=isinstance(target, str))
        except BaseException:
            if isinstance(target, str):
                engine.dispose()
            if lock is not None:
                lock.release()
            raise

    @property
    def engine(self) -> Engine:
        """For readers: see `database.reading`."""
        return self._engine

    def close(self) -> None:
        """Release connection and lock; harmless when repeated."""
        with self._turn:
            self._closed = True
            if not self._connection.closed:
                # Not back to the pool: the session holds the server's lock.
                self._connection.invalidate()
                self._connection.close()
            if self._dispose:
                self._engine.dispose()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the writing connection inside a transaction: commit at the end, all undone by any exception.

        If the server dropped the session before, it is opened anew, and the writer's lock in the server with it.
        """
        with self._turn:
            if self._closed:
                raise RuntimeError("已关闭 the writer is closed: its lock may be another's by now")
            if self._connection.closed or self._connection.invalidated:
                self._connection.close()
                self._live.clear()
                self._connection = self._locked_connection()
            try:
                with self._connection.begin():
                    yield self._connection
            except BaseException:
                # Memory may be ahead of the tables now; it is read again when next needed.
                self._live.clear()
                self._leave_transaction()
                raise

    def _leave_transaction(self) -> None:
        """Roll back what a failed COMMIT may have left open: SQLAlchemy takes it for ended, the database does not."""
        if self._connection.closed or self._connection.invalidated:
            return
        with suppress(Exception):  # a dead session is found out by the next transaction
            self._connection.connection.rollback()

    def _locked_connection(self) -> Connection:
        """Return a connection that holds the role's lock: without it nothing may be written."""
        connection = connect(self._engine, writes=True)
        try:
            take_advisory(connection, self._role)
        except BaseException:
            connection.close()
            raise
        return connection

    # -- results

    def resume(
        self, vantage: str, at: Instant, *, kind: str = "local", blind: bool = True, boot: live.Boot | None = None
    ) -> int:
        """Start writing a vantage: replay what was not projected and return the next sequence number.

        With `blind` a gap `restart` opens at the last committed result and ends with the first new one; after an
        earlier wall time `at` it is a gap `clock` from there until results pass the last one again. Agents, which
        keep their results while the centre is down, are resumed without. `boot` says by what clock results are timed from
        here on; the evidence log takes it down.
        """
        with self.transaction() as connection:
            state = live.load(connection, register_vantage(connection, vantage, kind), vantage)
            pending = state.projection.everything()
            live.write(connection, state, pending, at)
            live.mark_projected(connection, state, state.next_seq - 1)
            if blind and state.floor is not None:
                restart.open_after(connection, state, at)
        state.projection.written(pending)
        state.projected_seq = state.next_seq - 1
        state.boot = boot
        self._live[vantage] = state
        self._resumed[vantage] = boot
        return state.next_seq

    def next_seq(self, vantage: str) -> int:
        """Return the number that the vantage's next batch must carry. Raises RuntimeError before `resume`."""
        with self._turn:
            return self._state(vantage).next_seq

    def commit(
        self,
        vantage: str,
        seq: int | None,
        samples: Sequence[Sample],
        notices: Sequence[Notice] = (),
        *,
        flush: bool = False,
        at: Instant,
    ) -> Ack | None:
        """Store notices and results, as batch `seq`, in one transaction and return when both are durable.

        Runs that the batch opened are written with it; `flush` writes the growth of all the others too. `at` is when
        this is recorded. Any of it may be repeated, with the same number for the same results, and changes nothing the
        second time: a batch is known by number and digest, a notice by what it says. Other results under a number that
        is taken, or a number out of turn, are a ConflictError; unknown points are an InputError. Without results there
        is no number and no acknowledgement.
        """
        ordered = in_order(samples)
        batch = pack_ordered(vantage, ordered) if ordered else None
        with self._turn:
            state = self._state(vantage)
            ack = None
            last = state.next_seq - 1
            if batch is not None and seq != state.next_seq:
                ack, batch, ordered = self._again(state, seq, batch), None, []
            with self.transaction() as connection:
                happenings.store(connection, state, notices, at)
                if batch is not None:
                    last = state.next_seq
                    ack = Ack(vantage, last, batch.sha256, batch.n)
                    live.require_points(connection, state, {s.point for s in ordered})
                    _insert(connection, state, last, batch)
                    restart.close_with(connection, state, ordered, at)
                    for sample in ordered:
                        state.projection.add(sample)
                pending = state.projection.everything() if flush else state.projection.changed()
                live.write(connection, state, pending, at)
                if flush:
                    live.mark_projected(connection, state, last)
            state.projection.written(pending)
            state.next_seq = last + 1
            if flush:
                state.projected_seq = last
        return ack

    def commit_batch(
        self,
        vantage: str,
        seq: int,
        samples: Sequence[Sample],
        *,
        gaps_seen: Sequence[tuple[Instant, Instant, str]] = (),
        flush: bool = False,
        at: Instant | None = None,
    ) -> Ack:
        """Store at least one result as batch `seq`: see `commit`.

        `gaps_seen` (start, end, cause) of the whole vantage go into the same transaction. `at` is by default when the
        last attempt ended.
        """
        if not samples:
            raise ValueError("a batch holds at least one result")
        known_at = at if at is not None else Instant(max(s.at + s.took_us for s in samples))
        ack = self.commit(vantage, seq, samples, [Blind(*gap) for gap in gaps_seen], flush=flush, at=known_at)
        assert ack is not None  # noqa: S101  there were results
        return ack

    def project(self, vantage: str, at: Instant) -> int:
        """Bring the runs up to date with all committed batches and return the last one's number."""
        with self._turn:
            self.commit(vantage, None, (), flush=True, at=at)
            return self.next_seq(vantage) - 1

    # -- gaps

    def open_gap(self, vantage: str, start: Instant, cause: str, point: str | None = None, *, at: Instant) -> int:
        """Open a gap, of one point or of all, and return its number. `start` may lie in the past."""
        return self._gap(vantage, start, None, cause, point, at)

    def add_gap(
        self, vantage: str, start: Instant, end: Instant, cause: str, point: str | None = None, *, at: Instant
    ) -> int:
        """Add a gap that is over; the same one given again is not added twice. Raises ValueError unless end > start."""
        return self._gap(vantage, start, end, cause, point, at)

    def close_gap(self, vantage: str, gap: int, end: Instant, *, at: Instant) -> None:
        """End an open gap. Raises ValueError if it is not open or would end before it starts."""
        with self._turn:
            state = self._state(vantage)
            with self.transaction() as connection:
                found = next((g for g in gaps.open_gaps(connection, state.id) if g.id == gap), None)
                if found is None:
                    raise ValueError(f"gap {gap} is not open at {vantage}")
                gaps.close(connection, state.vantage, found, end, at=at)
                state.projection.edges.add(end, found.point)

    def _gap(
        self, vantage: str, start: Instant, end: Instant | None, cause: str, point: str | None, at: Instant
    ) -> int:
        with self._turn:
            state = self._state(vantage)
            with self.transaction() as connection:
                if point is not None:
                    live.require_points(connection, state, {point})
                return restart.add_gap(connection, state, start, end, cause, point, at)

    # -- inside

    def _state(self, vantage: str) -> live.Live:
        if vantage not in self._resumed:
            raise RuntimeError(f"resume({vantage!r}, at) comes first: it writes the gap since the last result")
        state = self._live.get(vantage)
        if state is None:
            with self.transaction() as connection:
                state = live.load(connection, vantage_ids(connection)[vantage][0], vantage)
            state.boot = self._resumed[vantage]
            self._live[vantage] = state
        return state

    def _again(self, state: live.Live, seq: int | None, batch: Batch) -> Ack:
        if seq is None or seq > state.next_seq:
            raise ConflictError(f"批次号不连续 batch {seq} of {state.name} is out of turn: {state.next_seq} comes next")
        query = select(batches.c.sha256, batches.c.n).where(batches.c.vantage_id == state.id, batches.c.seq == seq)
        with self.transaction() as connection:
            found = connection.execute(query).one_or_none()
        if found is None or found.sha256 != batch.sha256:
            raise ConflictError(f"批次号已用于其他结果 batch {seq} of {state.name} is stored with other results")
        return Ack(state.name, seq, found.sha256, found.n)


def _insert(connection: Connection, state: live.Live, seq: int, batch: Batch) -> None:
    connection.execute(
        insert(batches).values(
            vantage_id=state.id,
            seq=seq,
            first_at=batch.first_at,
            last_at=batch.last_at,
            n=batch.n,
            sha256=batch.sha256,
            body=batch.body,
        )
    )
