"""What becomes of results once they are archived: named in the evidence log, dropped from the database, removed with age.

A batch leaves the database when each file that holds results of it is sound, sealed and old enough; never a vantage's
newest one, nor one that the runs or the evidence log have not taken in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection, Engine

from config.archive import Archive
from console.archives.archiving import Place
from monitor.archive.parts import Part, parts_of, pruned, sound, write_record
from monitor.evidence.folder import LogFolder
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.store import attested, batches, log
from monitor.store.database import reading
from monitor.store.writer import Writer

AT_ONCE = 2_000
"""Batches deleted in one transaction: the watcher's next commit waits for it."""
ACTOR = "schedule"
PARQUET = "application/vnd.apache.parquet"
_TAIL = 65_536


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did: batches and results dropped, files removed; `unsealed` are parts whose batches wait for a seal."""

    batches: int
    files: tuple[Part, ...]
    unsealed: tuple[Part, ...]


def announce(writer: Writer, place: Place, folder: LogFolder, at: Instant, actor: str = ACTOR) -> list[Part]:
    """Add a document record for each part that no day's manifest will name; return them.

    Those are further parts of a day, and first ones that came after the day was sealed. Without a log there is nothing to do
    but for further parts.
    """
    found = unannounced(writer.engine, place, folder)
    for part in found:
        with writer.transaction() as connection:
            attested.attest(
                connection,
                at=at,
                what="archive",
                id=part.stem,
                version=1,
                sha256=part.sha256,
                media=PARQUET,
                actor=actor,
                of={"bytes": part.bytes, "rows": part.rows},
            )
        # A crash between the two says it twice, which is true both times.
        write_record(place.folder, replace(part, announced_at=at))
    return found


def unannounced(engine: Engine, place: Place, folder: LogFolder) -> list[Part]:
    """Return the parts that no manifest names and no document record yet."""
    parts = [part for part in parts_of(place.folder) if part.announced_at is None]
    with reading(engine) as connection:
        return [part for part in parts if _unnamed(connection, folder, part)]


def _unnamed(connection: Connection, folder: LogFolder, part: Part) -> bool:
    if part.number > 0:
        return True
    return log.find_day(connection, str(part.day)) is not None and named_in(folder, part.day) != part.sha256


def named_in(folder: LogFolder, day: date) -> str:
    """Return the digest of the archive that a sealed day's manifest names, "" if none. InputError if it cannot be read."""
    path = folder.path / str(day) / "records.ndjson"
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            last = file.read().splitlines()[-1]
        return str((json.loads(last).get("archive") or {}).get("sha256", ""))
    except (OSError, IndexError, ValueError, AttributeError) as error:
        raise refuse(
            f"读不到封存日的清单 cannot read a sealed day's manifest: {error}",
            "检查 evidence.folder，或从备份恢复 check evidence.folder, or restore it from a backup",
            file=str(path),
        ) from None


def is_sealed(connection: Connection, folder: LogFolder, part: Part) -> bool:
    """Tell whether a sealed day's records name the part's digest."""
    if part.announced_at is not None:
        newest = log.newest_day(connection)
        return newest is not None and part.announced_at < _ended(date.fromisoformat(newest.day), part.zone)
    return (
        part.number == 0
        and log.find_day(connection, str(part.day)) is not None
        and (named_in(folder, part.day) == part.sha256)
    )


def prune(
    writer: Writer,
    place: Place,
    folder: LogFolder,
    rules: Archive,
    at: Instant,
    *,
    unsealed: bool = False,
    actor: str = ACTOR,
) -> Pruned:
    """Drop batches and remove files that their rules let go; with `unsealed` batches whose files are not sealed as well.

    InputError if a file that must stand in for its batches is missing or damaged: then nothing of it is dropped.
    """
    dropped = 0
    waiting: list[Part] = []
    if rules.delete_batches_after_days is not None:
        spans, waiting = droppable(writer.engine, place, folder, rules.delete_batches_after_days, at, unsealed=unsealed)
        for vantage, first, last in spans:
            for low in range(first, last + 1, AT_ONCE):
                with writer.transaction() as connection:
                    number = batches.sources(connection)[vantage][0]
                    dropped += batches.drop(connection, number, low, min(last, low + AT_ONCE - 1))
    old = outlived(place, rules, at)
    for part in old:
        pruned(place.folder, part, at)
    if dropped or old:
        with writer.transaction() as connection:
            writer.audit(
                connection,
                at=at,
                actor=actor,
                action="archive.prune",
                object=str(place.folder),
                before=None,
                after={"batches": dropped, "files": [part.stem for part in old]},
            )
    return Pruned(dropped, tuple(old), tuple(waiting))


def outlived(place: Place, rules: Archive, at: Instant) -> list[Part]:
    """Return the parts whose files are older than the rules keep them."""
    kept = rules.keep_days
    parts = [] if kept is None else parts_of(place.folder)
    return [part for part in parts if kept is not None and part.pruned_at is None and _age(part, at) >= kept]


def droppable(
    engine: Engine, place: Place, folder: LogFolder, days: int, at: Instant, *, unsealed: bool
) -> tuple[list[tuple[str, int, int]], list[Part]]:
    """Return ranges (vantage, first, last) of batches that may go, and the old parts that are not sealed yet."""
    parts = parts_of(place.folder)
    with reading(engine) as connection:
        sources = batches.sources(connection)
        upto = _safe_upto(connection, sources, unsealed)
        there = [part for part in parts if _touches(part, sources)]
        old = [part for part in there if part.pruned_at is None and _age(part, at) >= days]
        waiting = [] if unsealed else [part for part in old if not is_sealed(connection, folder, part)]
    free = [part for part in old if part not in waiting]
    for part in free:
        sound(place.folder, part)
    return _ranges(free, sources, upto), waiting


def _safe_upto(connection: Connection, sources: dict[str, tuple[int, int, int]], unsealed: bool) -> dict[str, int]:
    """Return by vantage the last batch that nothing but the archive still needs."""
    projected, covered = batches.projected(connection), batches.covered(connection)
    return {
        vantage: min(high - 1, projected.get(vantage, 0), high if unsealed else covered.get(vantage, 0))
        for vantage, (_, _, high) in sources.items()
    }


def _touches(part: Part, sources: dict[str, tuple[int, int, int]]) -> bool:
    """Tell whether batches of a part may still be there, but for a vantage's newest."""
    for vantage, taken in part.taken.items():
        _, low, high = sources.get(vantage, (0, 0, 0))
        spans = [*taken.whole, *((cut.seq, cut.seq) for cut in taken.cut)]
        if any(first < high and last >= low for first, last in spans):
            return True
    return False


def _ranges(
    free: Sequence[Part], sources: dict[str, tuple[int, int, int]], upto: dict[str, int]
) -> list[tuple[str, int, int]]:
    whole = {(vantage, span) for part in free for vantage, taken in part.taken.items() for span in taken.whole}
    cuts: dict[tuple[str, int], int] = {}
    for part in free:
        for vantage, taken in part.taken.items():
            for cut in taken.cut:
                left = cuts.setdefault((vantage, cut.seq), (cut.last - cut.first).days + 1)
                cuts[vantage, cut.seq] = left - 1
    whole |= {(vantage, (seq, seq)) for (vantage, seq), left in cuts.items() if left <= 0}
    found = []
    for vantage, (first, last) in sorted(whole):
        low, high = max(first, sources.get(vantage, (0, 1, 0))[1]), min(last, upto.get(vantage, 0))
        if low <= high:
            found.append((vantage, low, high))
    return found


def _age(part: Part, at: Instant) -> int:
    """Whole days since the end of the part's day."""
    return int((at - _ended(part.day, part.zone)) // (86_400 * MICROSECONDS))


def _ended(day: date, zone: str) -> int:
    return midnight(day + timedelta(days=1), zone) * MICROSECONDS


def sealed_parts(connection: Connection, folder: LogFolder, parts: Iterable[Part]) -> set[str]:
    """Return the stems of the parts that are sealed."""
    return {part.stem for part in parts if is_sealed(connection, folder, part)}
