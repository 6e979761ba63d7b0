"""A vantage's projection between memory and tables: loading with replay, and writing what is pending."""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from monitor.finding import refuse
from monitor.model import Instant
from monitor.store import gaps
from monitor.store.batch import unpack
from monitor.store.identities import ROWS_AT_ONCE, outcome_ids, outcomes_by_id, point_ids
from monitor.store.outbox import report
from monitor.store.projection import KEPT_US, OpenRun, Pending, Projection, Transition
from monitor.store.tables import batches, projections, runs

# One index seek per point instead of reading the vantage's whole history.
_NEWEST = text(
    "SELECT p.code, r.first_at, r.last_at, r.n, r.outcome_id, r.valid_s, r.camera_id FROM points p JOIN runs r"
    " ON r.point_id = p.id AND r.vantage_id = :vantage AND r.first_at ="
    " (SELECT max(s.first_at) FROM runs s WHERE s.point_id = p.id AND s.vantage_id = :vantage)"
)


class Boot(NamedTuple):
    """What a process times its results by: the machine's boot id, the instant of engine time at which the monotonic clock
    stood at zero, and the instant since which that is so."""

    id: str
    zero: int
    since: int


@dataclass(slots=True)
class Live:
    """What the writer knows of a vantage that is being written."""

    id: int
    name: str
    next_seq: int
    projected_seq: int
    projection: Projection
    ids: dict[str, int]
    """Row numbers of points by code."""
    blind: list[gaps.OpenGap] = field(default_factory=list)
    """Gaps that end with the first result later than any before the restart."""
    floor: int | None = None
    """That latest result's instant."""
    boot: Boot | None = None
    """What results were timed by since `resume`, where the caller said so."""

    @property
    def vantage(self) -> tuple[int, str]:
        """Row number and name."""
        return self.id, self.name


def load(connection: Connection, vantage_id: int, name: str) -> Live:
    """Read the newest runs of a vantage and replay the batches that are not projected yet."""
    known = outcomes_by_id(connection)
    found = connection.execute(_NEWEST, {"vantage": vantage_id}, execution_options={"yield_per": ROWS_AT_ONCE})
    projection = Projection(
        OpenRun(intern(code), first, last, n, known[outcome], valid_s, _camera(camera), stored=True)
        for code, first, last, n, outcome, valid_s, camera in found
    )
    projected = connection.scalar(select(projections.c.projected_seq).where(projections.c.vantage_id == vantage_id))
    query = select(batches.c.seq).where(batches.c.vantage_id == vantage_id, batches.c.seq > (projected or 0))
    waiting = list(connection.scalars(query.order_by(batches.c.seq)))
    if projection.floor is not None:
        for at, point in gaps.edges(connection, vantage_id, projection.floor - KEPT_US):
            projection.edges.add(at, point)
    for seq in waiting:  # one at a time: a batch is small, all of them may not be
        batch = connection.execute(
            select(batches.c.body, batches.c.sha256).where(batches.c.vantage_id == vantage_id, batches.c.seq == seq)
        ).one()
        for sample in unpack(batch.body, batch.sha256):
            projection.add(sample)
    projection.stale = 0
    last = connection.scalar(select(func.max(batches.c.seq)).where(batches.c.vantage_id == vantage_id))
    live = Live(vantage_id, name, max(last or 0, projected or 0) + 1, projected or 0, projection, point_ids(connection))
    live.blind = [
        g for g in gaps.open_gaps(connection, vantage_id) if g.point is None and g.cause in {gaps.RESTART, gaps.CLOCK}
    ]
    live.floor = projection.floor
    return live


def _camera(number: int | None) -> str:
    return "" if number is None else str(number)


def write(connection: Connection, live: Live, pending: Pending, at: Instant) -> None:
    """Write runs and their transitions; the caller commits and then tells the projection."""
    if pending.extended:
        statement = (
            update(runs)
            .where(
                runs.c.point_id == bindparam("p"),
                runs.c.vantage_id == bindparam("v"),
                runs.c.first_at == bindparam("f"),
            )
            .values(last_at=bindparam("l"), n=bindparam("c"))
        )
        for n in range(0, len(pending.extended), ROWS_AT_ONCE):
            part = pending.extended[n : n + ROWS_AT_ONCE]
            rows = [{"p": live.ids[r.point], "v": live.id, "f": r.first, "l": r.last, "c": r.count} for r in part]
            connection.execute(statement, rows)
    if not pending.opened:
        return
    numbers = outcome_ids(connection, (run.outcome for run in pending.opened))
    connection.execute(
        insert(runs),
        [
            {
                "point_id": live.ids[run.point],
                "vantage_id": live.id,
                "first_at": run.first,
                "last_at": run.last,
                "n": run.count,
                "outcome_id": numbers[run.outcome],
                "valid_s": run.valid_s,
                "camera_id": int(run.camera) if run.camera else None,
            }
            for run in pending.opened
        ],
    )
    report(
        connection,
        at,
        "tr",
        (_record(live, transition) for transition in pending.transitions),
    )


def _record(live: Live, opened: Transition) -> dict[str, object]:
    """Return the `tr` record of a run that was opened; what was replayed after a restart has no known boot."""
    boot = live.boot if live.boot is not None and opened.at >= live.boot.since else None
    return {
        "boot": None if boot is None else boot.id,
        "camera": opened.camera,
        "from": opened.before.value,
        "last": opened.last,
        "mono": None if boot is None else opened.at - boot.zero,
        "n": opened.n,
        "point": opened.point,
        "reason": opened.outcome.reason.value,
        "rung": opened.outcome.rung.value,
        "t": opened.at,
        "to": opened.outcome.state.value,
        "valid": opened.valid_s,
        "vantage": live.name,
    }


def mark_projected(connection: Connection, live: Live, seq: int) -> None:
    """Record that the batches up to `seq` are in the runs."""
    done = connection.execute(update(projections).where(projections.c.vantage_id == live.id).values(projected_seq=seq))
    if done.rowcount == 0:
        connection.execute(insert(projections).values(vantage_id=live.id, projected_seq=seq))


def require_points(connection: Connection, live: Live, codes: set[str]) -> None:
    """Raise InputError unless every code is in the ledger; points added meanwhile are looked up once."""
    if codes <= live.ids.keys():
        return
    live.ids = point_ids(connection)
    unknown = sorted(codes - live.ids.keys())
    if unknown:
        names = "、".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise refuse(
            f"{len(unknown)} 个点位不在台账中 points are not in the ledger: {names}",
            "先导入点位 import the points first",
        )
