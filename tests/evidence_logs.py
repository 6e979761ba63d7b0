"""Small logs of invented days for tests: points, vantages, outages, gaps, imports, corrections, late rows, cameras moved.

`write_log(root, seed)` writes a sealed and signed log below `root`; the same seed gives the same bytes. The invention keeps the
samples of every run, so that what the store would have at any instant can be asked: `World.extents`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from monitor.canonical import canonical
from monitor.evidence import note as notes
from monitor.evidence import sealing
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import PrivateKey
from monitor.evidence.records import claim_id
from monitor.evidence.replay import State, empty
from monitor.evidence.sealing import Extent, Row
from monitor.evidence.tree import EMPTY, Frontier
from monitor.period import midnight

ZONE = "Asia/Shanghai"
ORIGIN = "camsla.local/test"
S = 1_000_000
SECONDS_A_DAY = 86_400
SEALED_AFTER_S = 300
VALID_S = 130
OUTCOMES = (
    ("online", "ok", "describe"),
    ("online", "ok", "describe"),
    ("online", "ok", "describe"),
    ("offline", "timeout", "tcp"),
    ("offline", "refused", "tcp"),
    ("unknown", "auth-rejected", "describe"),
)


@dataclass
class Seen:
    """A run as it truly was: all its samples' instants, and when the store knew of its opening."""

    point: str
    vantage: str
    outcome: tuple[str, str, str]
    camera: str
    samples: list[int]
    known_at: int


@dataclass
class World:
    """What is invented: runs as they were seen, the rows that report them and all else, and the ledger day by day."""

    first: date
    days: int
    runs: list[Seen] = field(default_factory=list)
    rows: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    ledger: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)

    def extents(self, state: State, at: int) -> Iterator[Extent]:
        """The store's rows for the newest runs, as it has them at an instant."""
        seen = {(one.point, one.vantage, one.samples[0]): one for one in self.runs}
        for point, vantage, first in state.newest():
            one = seen.get((point, vantage, first))
            if one is not None:
                until = [sample for sample in one.samples if sample <= at]
                yield Extent(point, vantage, first, until[-1], len(until))

    def day(self, number: int) -> str:
        return str(self.first + timedelta(days=number))

    def start(self, number: int) -> int:
        """The first instant of a day, counted from the first."""
        return midnight(self.first + timedelta(days=number), ZONE) * S


@dataclass
class Log:
    """A written log: its folder, keys, what was invented, and the state after the last day."""

    folder: LogFolder
    key: PrivateKey
    supplier: PrivateKey
    evaluator: PrivateKey
    world: World
    state: State
    frontier: Frontier

    @property
    def days(self) -> list[str]:
        return self.folder.days()

    def trust(self) -> dict[str, Any]:
        """What trust.json says."""
        return {
            "format": "camsla-trust/1",
            "origin": self.folder.origin,
            "collector": self.key.public(1).text(),
            "witnesses": [
                {"role": "supplier", "key": self.supplier.public(4).text()},
                {"role": "evaluator", "key": self.evaluator.public(4).text()},
            ],
            "require": ["supplier", "evaluator"],
        }


def write_log(
    root: Path,
    seed: int,
    *,
    points: int = 4,
    days: int = 6,
    first: str = "2020-06-28",
    vantages: int = 2,
    imports: bool = True,
    corrections: bool = True,
    late: bool = True,
    reload: bool = True,
) -> Log:
    """Write a log of some days below `root`. With `reload`, some days begin from the state document on the disk."""
    rng = random.Random(seed)
    world = invent(
        rng, points, days, date.fromisoformat(first), vantages, imports=imports, corrections=corrections, late=late
    )
    return write_world(root, world, rng, reload=reload)


def write_world(root: Path, world: World, rng: random.Random, *, reload: bool = True) -> Log:
    key, supplier, evaluator = (
        PrivateKey(name, rng.randbytes(32)) for name in (ORIGIN, "supplier.example", "evaluator.example")
    )
    folder = LogFolder(root, ORIGIN)
    for blob in world.blobs:
        folder.put_blob(blob)
    public = key.public(1).text()
    state = empty(ORIGIN, ZONE, public)
    frontier, prev_note = EMPTY, b""
    for number in range(world.days):
        if reload and rng.random() < 0.4:
            state = folder.latest(ZONE, public)
        lines = seal_day(world, folder, state, number, frontier, public)
        after = frontier.appended(lines)
        note = notes.Note(notes.Checkpoint.of(ORIGIN, after, f"day {world.day(number)}").text())
        note = note.with_signature(notes.sign(note.text, key))
        seconds = world.start(number + 1) // S + 600
        for witness in (supplier, evaluator):
            note = note.with_signature(notes.cosign(note.text, witness, seconds))
        folder.write_day(world.day(number), lines, frontier, prev_note, note, canonical(state.document()).encode())
        frontier, prev_note = after, note.encode()
    return Log(folder, key, supplier, evaluator, world, state, frontier)


def seal_day(world: World, folder: LogFolder, state: State, number: int, frontier: Frontier, key: str) -> list[bytes]:
    """The lines of a day, as the scheduler would make them."""
    low, high = (world.start(number) if number else 0), world.start(number + 1)
    waiting = sorted(((at, index, k, b) for index, (at, k, b) in enumerate(world.rows) if low <= at < high))
    rows = [Row(index, at, kind, body) for at, index, kind, body in waiting]
    lines = list(sealing.numbered(state, rows, folder.imported))
    closing = sealing.closing(
        state,
        world.day(number),
        frontier,
        roster=world.ledger[world.day(number)],
        extents=lambda state: world.extents(state, high + SEALED_AFTER_S * S),
        earlier=lambda wanted: folder.earlier(wanted, lines, ZONE, key),
        software="camsla test",
    )
    return [*lines, *closing]


# -- invention


def invent(
    rng: random.Random,
    points: int,
    days: int,
    first: date,
    vantages: int,
    *,
    imports: bool = True,
    corrections: bool = True,
    late: bool = True,
) -> World:
    world = World(first, days)
    codes = [f"点-{number:03d}" if number % 3 == 2 else f"P-{number:05d}" for number in range(points)]
    names = ["local", "remote", "third"][:vantages]
    # A vantage's results may come days late; what is not seen at all is its gap.
    cut_off = {name: _cut_off(rng, world) if late and name != "local" else [] for name in names}
    blind = {name: _gaps(rng, world, name, codes) for name in names}
    cameras = {code: _cameras(rng, world) for code in codes}
    for code in codes:
        for name in names:
            if name == "local" or rng.random() < 0.7:
                _watch(rng, world, code, name, blind[name], cut_off[name], cameras[code])
    _ledger(rng, world, codes, cameras)
    if imports:
        _imports(rng, world, codes)
    if corrections:
        _corrections(rng, world, codes)
    _documents(rng, world, names)
    world.rows.sort(key=lambda row: row[0])
    _chain(world)
    return world


def _delayed(at: int, cut_off: Iterable[tuple[int, int]]) -> int:
    return next((end for start, end in cut_off if start <= at < end), at)


def _cut_off(rng: random.Random, world: World) -> list[tuple[int, int]]:
    if rng.random() < 0.5 or world.days < 3:
        return []
    start = world.start(0) + rng.randrange(world.days * SECONDS_A_DAY // 2) * S
    return [(start, start + rng.randrange(SECONDS_A_DAY, 5 * SECONDS_A_DAY) * S)]


def _gaps(rng: random.Random, world: World, vantage: str, codes: list[str]) -> list[tuple[int, int, str | None]]:
    """Spans in which a vantage saw nothing, of all points or of one; some are only noticed afterwards."""
    result: list[tuple[int, int, str | None]] = []
    last = world.start(world.days)
    for _ in range(rng.randrange(world.days + 1)):
        start = world.start(0) + rng.randrange(world.days * SECONDS_A_DAY * S)
        end = start + rng.choice((30, 900, 7200, 100_000)) * S + rng.randrange(S)
        point = rng.choice(codes) if rng.random() < 0.3 else None
        result.append((start, end, point))
        body = {
            "vantage": vantage,
            "point": point,
            "start": start,
            "end": end,
            "cause": rng.choice(("stalled", "restart")),
        }
        if rng.random() < 0.5:
            world.rows.append((start + rng.randrange(1, 60 * S), "gap", {**body, "end": None}))
            if end < last:
                world.rows.append((end + rng.randrange(60 * S, 120 * S), "gap", body))
        else:
            world.rows.append((end + rng.choice((1, 3600, 300_000)) * S, "gap", body))
    return result


def _cameras(rng: random.Random, world: World) -> list[tuple[str, int, int | None]]:
    """Which camera served a point when: none named, one, or one after another."""
    if rng.random() < 0.4:
        return []
    number = rng.randrange(1, 900)
    begun = world.start(-30)
    if rng.random() < 0.5:
        return [(str(number), begun, None)]
    moved = world.start(0) + rng.randrange(world.days * SECONDS_A_DAY) * S
    return [(str(number), begun, moved), (str(number + 1), moved, None)]


def _watch(
    rng: random.Random,
    world: World,
    code: str,
    vantage: str,
    blind: list[tuple[int, int, str | None]],
    cut_off: list[tuple[int, int]],
    cameras: list[tuple[str, int, int | None]],
) -> None:
    """Probe a point at one vantage every minute or two, except where the vantage is blind."""
    at = world.start(0) + rng.randrange(3 * 3600 * S)
    last = world.start(world.days) + 3600 * S
    gaps = [(start, end) for start, end, point in blind if point in (None, code)]
    run: Seen | None = None
    until, outcome, step = 0, OUTCOMES[0], 60
    while at < last:
        if at >= until:
            lasting = rng.choice((1, 90, 600, 5_000, 40_000, 200_000))
            until, outcome, step = at + lasting * S, rng.choice(OUTCOMES), rng.choice((60, 60, 100))
            if rng.random() < 0.05:
                at += rng.randrange(20_000) * S  # nobody asked for a while, and no gap says so
        behind = next((end for start, end in gaps if start <= at < end), None)
        if behind is not None:
            at = behind + rng.choice((0, 1, 400_000, 30 * S))
            continue
        camera = next((name for name, start, end in cameras if start <= at and (end is None or at < end)), "")
        if cameras and rng.random() < 0.001:
            camera = cameras[0][0]  # the ledger and the wall do not always agree
        parted = run is not None and (
            at - run.samples[-1] > VALID_S * S
            or any(run.samples[-1] < edge <= at for gap in gaps for edge in gap)
            or run.outcome != outcome
            or run.camera != camera
        )
        if run is None or parted:
            known_at = _delayed(at, cut_off) + rng.randrange(1, 5 * S)
            run = Seen(code, vantage, outcome, camera, [at], known_at)
            world.runs.append(run)
        else:
            run.samples.append(at)
        at += step * S + rng.randrange(-S, S)


def _chain(world: World) -> None:
    """Add the `tr` of every run: each tells its run, and how far the one before it went."""
    newest: dict[tuple[str, str], Seen] = {}
    for run in sorted(world.runs, key=lambda run: (run.samples[0], run.point, run.vantage)):
        before = newest.get((run.point, run.vantage))
        newest[run.point, run.vantage] = run
        if before is not None:
            run.known_at = max(run.known_at, before.known_at)
        held = before is not None and run.samples[0] - before.samples[-1] <= VALID_S * S
        body = {
            "t": run.samples[0],
            "point": run.point,
            "vantage": run.vantage,
            "from": before.outcome[0] if before is not None and held else "unknown",
            "to": run.outcome[0],
            "reason": run.outcome[1],
            "rung": run.outcome[2],
            "valid": VALID_S,
            "camera": run.camera,
            "last": None if before is None else before.samples[-1],
            "n": None if before is None else len(before.samples),
            "boot": "b" if run.vantage == "local" else None,
            "mono": run.samples[0] - world.start(-1) if run.vantage == "local" else None,
        }
        world.rows.append((run.known_at, "tr", body))


def _ledger(
    rng: random.Random, world: World, codes: list[str], cameras: dict[str, list[tuple[str, int, int | None]]]
) -> None:
    """The ledger as it is known at the end of each day: a camera's move may be written down late or backdated."""
    facts: dict[str, dict[str, Any]] = {}
    for code in codes:
        accepted = world.first - timedelta(days=rng.randrange(5, 300))
        retired = world.first + timedelta(days=rng.randrange(1, world.days + 1)) if rng.random() < 0.2 else None
        facts[code] = {
            "accepted_on": str(accepted),
            "area": rng.choice(("东城", "西城")),
            "billed_from": None,
            "billed_until": None,
            "category": "",
            "contract": "xinjian",
            "phase": rng.choice(("phase-1", "phase-2")),
            "price": "",
            "retired_on": None if retired is None else str(retired),
            "supplier": "supplier",
        }
    known_on = {code: rng.randrange(world.days) if rng.random() < 0.2 else 0 for code in codes}
    moves_on = {code: rng.randrange(world.days) for code in codes}
    for number in range(world.days):
        ledger: dict[str, dict[str, Any]] = {}
        for code in codes:
            if known_on[code] > number:
                continue
            stays: list[list[Any]] = [[name, start, end] for name, start, end in cameras[code]]
            if len(stays) > 1 and moves_on[code] > number:
                stays = [[stays[0][0], stays[0][1], None]]
            retired = facts[code]["retired_on"]
            until = None if retired is None else midnight(date.fromisoformat(retired), ZONE) * S
            ledger[code] = {"facts": [[world.start(-30), until, facts[code]]], "pauses": [], "stays": stays}
        world.ledger[world.day(number)] = ledger


def _imports(rng: random.Random, world: World, codes: list[str]) -> None:
    """Files of runs that others recorded, of the days before the log or of some days within, each known later."""
    for number in range(rng.randrange(3)):
        known = rng.randrange(world.days)
        rows: list[list[Any]] = []
        for code in rng.sample(codes, max(1, len(codes) // 2)):
            at = world.start(known - rng.randrange(1, 5)) + rng.randrange(SECONDS_A_DAY) * S
            for _ in range(rng.randrange(1, 4)):
                last = at + rng.choice((0, 3600, 90_000)) * S
                state, reason, rung = rng.choice(OUTCOMES)
                rows.append(
                    [code, f"platform-{number}", at, last, 1 + (last - at) // (300 * S), state, reason, rung, 650]
                )
                at = last + rng.choice((600, 4000)) * S
        _import(world, "runs", sorted(rows), world.start(known) + rng.randrange(SECONDS_A_DAY) * S)
        if rng.random() < 0.5:
            start = world.start(known) - rng.randrange(SECONDS_A_DAY) * S
            gap = [f"platform-{number}", rng.choice((None, codes[0])), start, start + 1800 * S, "maintenance"]
            _import(world, "gaps", [gap], world.start(known) + rng.randrange(SECONDS_A_DAY) * S)


def _import(world: World, what: str, rows: list[list[Any]], at: int) -> None:
    data = "".join(canonical(row) + "\n" for row in rows).encode()
    world.blobs.append(data)
    world.rows.append((at, "att", _att(what, f"file-{len(world.blobs)}", data, {"rows": len(rows), "source": ""})))


def _att(what: str, name: str, data: bytes, of: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": what,
        "id": name,
        "version": 0,
        "sha256": hashlib.sha256(data).hexdigest(),
        "media": "application/x-ndjson",
        "actor": "张三",
        "of": of,
    }


def _corrections(rng: random.Random, world: World, codes: list[str]) -> None:
    """Exclusions and reclassifications of the past and of days to come; some are withdrawn."""
    for number in range(rng.randrange(2 * world.days)):
        at = world.start(0) + rng.randrange(world.days * SECONDS_A_DAY) * S
        start = at + rng.randrange(-6 * SECONDS_A_DAY, 2 * SECONDS_A_DAY) * S + rng.randrange(S)
        what = rng.choice(("exclude", "exclude", "reclassify"))
        body = _adj(what, rng.choice(codes), start, start + rng.choice((5, 900, 40_000, 200_000)) * S, at, str(number))
        if what == "reclassify":
            body["to"] = rng.choice(("online", "offline"))
        body["id"] = claim_id(body)
        world.rows.append((at, "adj", body))
        if rng.random() < 0.3:
            later = at + rng.randrange(3 * SECONDS_A_DAY) * S
            back = {**body, "what": "revoke", "to": "", "target": body["id"], "claimed_at": later}
            world.rows.append((later + 1, "adj", {**back, "id": claim_id(back)}))


def _adj(what: str, point: str, start: int, end: int, at: int, cause: str) -> dict[str, Any]:
    return {
        "what": what,
        "point": point,
        "start": start,
        "end": end,
        "cause": f"停电 {cause}",
        "claimed_by": "张三",
        "claimed_at": at - 60 * S,
        "document": "",
        "to": "",
        "approver": "李四",
        "target": "",
    }


def _documents(rng: random.Random, world: World, names: list[str]) -> None:
    """Records of which no seconds follow."""
    data = "证明 a paper\n".encode()
    world.blobs.append(data)
    world.rows.append((world.start(0) + 1, "att", _att("document", "paper", data, {"pages": 1})))
    for number in range(world.days):
        at = world.start(number) + rng.randrange(SECONDS_A_DAY) * S
        if rng.random() < 0.3:
            world.rows.append((at, "clk", {"vantage": names[0], "t": at, "step_us": rng.randrange(-S, S)}))
        batches = {
            "vantage": names[-1],
            "first": number,
            "last": number,
            "n": 7,
            "sha256": "0" * 64,
            "key": "",
            "sig": "",
        }
        world.rows.append((at, "agt", batches))
