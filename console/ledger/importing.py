"""A ledger file brought in by two steps: what it would change, then exactly that.

Parsing and planning run in a worker process. The file waits in memory between the steps, its uploader's alone, for half an
hour: it may hold passwords, and those are written nowhere but encrypted. What is carried out is the plan that was shown: the
plan made again must have the same digest, and the ledger must not have changed meanwhile.
"""

from __future__ import annotations

import hashlib
import resource
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from config.secrets import PasswordCipher
from config.settings import Settings
from console.store.tables import audit
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant
from monitor.points import Cipher, Plan
from monitor.roster import difference
from monitor.roster.columns import BY_FIELD
from monitor.roster.mapping import BUILT_IN, load_mapping, saved_mappings
from monitor.roster.parse import read_points
from monitor.roster.plan import plan_import
from monitor.store import roster_import
from monitor.store.database import snapshot
from monitor.store.tables import billing_pauses, occupancies, point_facts
from monitor.store.writer import Writer

MEMORY_BYTES = 1 << 30
"""So much more memory than it has a worker may take for one file."""
WAITING = 4
WAIT_S = 1_800
"""So many files wait for their second step, so long."""


class Asked(NamedTuple):
    """A file as it was uploaded, and how it is to be read."""

    name: str
    body: bytes
    mapping: str
    effective_from: date


class Where(NamedTuple):
    """Where a worker finds the ledger, the key of passwords and the saved mappings."""

    url: str
    key: Path
    mappings: Path | None
    zone: str


class Row(NamedTuple):
    """A field that changes: at which row, of which point, in which way. A new point is one row with its name."""

    line: int
    point: str
    kinds: tuple[str, ...]
    effective: str
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, or why it cannot: `digest` is empty if it cannot. `rows` hold no password."""

    digest: str
    counts: dict[str, int]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    mark: tuple[int, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether it can be carried out."""
        return bool(self.digest)

    @property
    def errors(self) -> int:
        """How many errors forbid it."""
        return sum(1 for finding in self.findings if finding.level == "error")

    @property
    def changed(self) -> int:
        """How many points would change."""
        return len({row.point for row in self.rows})


def where(settings: Settings) -> Where:
    """Return where an installation's ledger lies."""
    return Where(settings.url, settings.key_path, settings.mappings_dir, settings.zone)


def mappings(settings: Settings) -> list[str]:
    """Return the names of the mappings that there are, the built-in one first."""
    return [BUILT_IN, *sorted(name for name in saved_mappings(settings.mappings_dir) if name != BUILT_IN)]


def previewed(place: Where, asked: Asked) -> Preview:
    """Compare a file with the ledger; every complaint at once. For a worker process."""
    try:
        plan, mark = _planned(place, asked)
    except InputError as error:
        return Preview("", {}, (), error.findings)
    except MemoryError:
        beyond = refuse("文件展开后过大 the file is too large once unpacked", "拆成几个文件 split it", file=asked.name)
        return Preview("", {}, (), beyond.findings)
    return Preview(digest_of(plan), plan.counts, tuple(_rows(plan)), plan.warnings, mark)


def planned(place: Where, asked: Asked) -> tuple[Plan, tuple[int, ...]]:
    """Return the plan of a file with the ledger's mark. For a worker process. InputError with every complaint."""
    return _planned(place, asked)


def carried_out(
    writer: Writer, plan: Plan, mark: Sequence[int], cipher: Cipher, *, actor: str, at: Instant
) -> dict[str, int]:
    """Carry a plan out in one transaction and return its counts. InputError if the ledger is no longer as it was planned on."""
    with writer.transaction() as connection:
        if ledger_mark(connection) != tuple(mark):
            raise refuse(
                "预演之后台账已被他人改动 the ledger changed after the comparison",
                "重新上传比对 upload it again",
                column="file",
            )
        roster_import.apply(connection, plan, at=at, actor=actor, audit=writer.audit, cipher=cipher)
    return plan.counts


def cipher_of(settings: Settings) -> PasswordCipher:
    """Return what passwords are encrypted with."""
    return PasswordCipher(settings.key_path)


def digest_of(plan: Plan) -> str:
    """Return what a plan is known by: what it changes, of which file, from which day."""
    return hashlib.sha256(difference.to_json(plan).encode()).hexdigest()


def ledger_mark(connection: Connection) -> tuple[int, ...]:
    """Return what changes with every change of the ledger."""
    found = [
        connection.scalar(select(func.coalesce(func.max(table.c[name]), 0)))
        for table in (point_facts, occupancies, billing_pauses)
        for name in ("id", "superseded_at")
    ]
    found.append(
        connection.scalar(select(func.coalesce(func.max(audit.c.id), 0)).where(audit.c.action == "points.import"))
    )
    return tuple(int(value or 0) for value in found)


def _planned(place: Where, asked: Asked) -> tuple[Plan, tuple[int, ...]]:
    mapping = load_mapping(asked.mapping, place.mappings)
    with tempfile.TemporaryDirectory(prefix="camsla-") as folder, _bounded_memory():
        # The reader takes a file; it is gone as soon as it is read, for it may hold passwords.
        path = Path(folder) / f"file{Path(asked.name).suffix.lower()[:8]}"
        path.touch(mode=0o600)
        path.write_bytes(asked.body)
        try:
            source = read_points(path, mapping)
        except InputError as error:
            raise InputError([replace(finding, file=asked.name) for finding in error.findings]) from None
    source = replace(
        source, file=asked.name, findings=tuple(replace(finding, file=asked.name) for finding in source.findings)
    )
    with snapshot(place.url) as connection:
        mark = ledger_mark(connection)
        stored = roster_import.load(connection, place.zone)
    return plan_import(stored, source, asked.effective_from, PasswordCipher(place.key), place.zone), mark


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Let this process take MEMORY_BYTES more than it has; what a file wants beyond that is a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = (
        int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) if Path("/proc/self/statm").exists() else 0
    )
    most = pages * resource.getpagesize() + MEMORY_BYTES
    if not pages or (soft != resource.RLIM_INFINITY and soft < most):
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _rows(plan: Plan) -> Iterator[Row]:
    for entry in plan.changed:
        lead = (entry.line, entry.code, tuple(kind.value for kind in entry.kinds), entry.effective.isoformat())
        if "new" in lead[2]:
            name = next((change.new for change in entry.changes if change.field == "name"), "")
            yield Row(*lead, "", "", name)
            continue
        for change in entry.changes or ():
            heading = BY_FIELD[change.field].header if change.field in BY_FIELD else change.field
            yield Row(*lead, heading, change.old, change.new)
        if not entry.changes:
            yield Row(*lead, "", "", "")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file between its two steps."""

    owner: str
    asked: Asked
    preview: Preview
    at: Instant


class WaitingFiles:
    """Files between their two steps, in memory: few, and not for long."""

    def __init__(self, most: int = WAITING, wait_s: int = WAIT_S) -> None:
        self._most, self._wait_us = most, wait_s * MICROSECONDS
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Waiting] = OrderedDict()

    def put(self, waiting: Waiting) -> str:
        """Keep a file and return its key; its owner's earlier one goes, and the oldest where there are too many."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._forget(waiting.at)
            for known in [k for k, its in self._found.items() if its.owner == waiting.owner]:
                del self._found[known]
            while len(self._found) >= self._most:
                self._found.popitem(last=False)
            self._found[key] = waiting
        return key

    def get(self, key: str, owner: str, at: Instant) -> Waiting | None:
        """Return a file to its owner; None to anybody else, and when its time is over."""
        with self._lock:
            self._forget(at)
            found = self._found.get(key)
        return found if found is not None and found.owner == owner else None

    def drop(self, key: str) -> None:
        """Forget a file."""
        with self._lock:
            self._found.pop(key, None)

    def _forget(self, at: Instant) -> None:
        for key in [k for k, its in self._found.items() if its.at + self._wait_us < at]:
            del self._found[key]
