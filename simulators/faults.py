"""Scripted and random faults: what goes wrong, with whom, when and for how long.

A fault script is JSON or CSV (by its file name's ending). JSON: a list, CSV: a table, of events with the keys

    cameras   `all`, a number, a span `3-9`, a share `10%` (chosen by the seed), or several of these separated by
              blanks, `;` or `,`; in JSON also a number or a list of numbers. Numbers count from 1.
    switches  upstream switches, selected likewise: means every camera behind them
    suppliers suppliers, selected likewise: means every camera of theirs
    controls  control targets, selected likewise (only for control-down)
    fault     one of the names in kinds.py
    at_s      seconds after the fleet is ready, >= 0
    for_s     how long it lasts, > 0; left out (CSV: empty) means to the end
    offset_s  skew: how far the camera's clock is off; reboot: how far it is off afterwards (left out: reset to 2000)

Every event names at least one of cameras, switches, suppliers, controls. Of several faults on one camera at once a dead
line counts first, then a closed listener, then the fault that began last; clocks are skewed whatever else is wrong.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from simulators.kinds import KINDS
from simulators.refusal import BadInput

MAX_EVENTS = 100_000


class Event(NamedTuple):
    """One fault on some cameras (numbers from 1): seconds after ready, and duration; None lasts to the end."""

    at_s: float
    for_s: float | None
    fault: str
    cameras: tuple[int, ...]
    switches: tuple[int, ...] = ()
    suppliers: tuple[int, ...] = ()
    controls: tuple[int, ...] = ()
    offset_s: float | None = None


class Reach(NamedTuple):
    """How many of each there are to select from."""

    cameras: int
    switches: int = 0
    suppliers: int = 0
    controls: int = 0


class RandomFaults(NamedTuple):
    """Faults by rate: mean events per camera and hour, mean length in seconds, and the kinds drawn from evenly."""

    per_hour: float
    mean_s: float
    kinds: tuple[str, ...]

    def of_camera(self, seed: int, number: int) -> Iterator[tuple[float, float, str]]:
        """Yield (seconds to wait, seconds to last, fault) for ever; the same seed and camera give the same."""
        rng = random.Random(f"random faults/{seed}/{number}")
        while True:
            wait_s = rng.expovariate(self.per_hour / 3600)
            # A log-normal with sigma 1 has the mean exp(mu + 1/2): many short ones, a few long ones.
            length_s = self.mean_s * rng.lognormvariate(-0.5, 1.0)
            yield wait_s, length_s, rng.choice(self.kinds)


def load_script(path: Path, reach: Reach | int, seed: int) -> list[Event]:
    """Read a fault script for a fleet of such a reach (or of so many cameras); BadInput names every wrong event."""
    within = Reach(reach) if isinstance(reach, int) else reach
    rows = _rows(path)
    if len(rows) > MAX_EVENTS:
        raise BadInput([f"{path}: {len(rows)} 项 events，最多 at most {MAX_EVENTS}"])
    complaints: list[str] = []
    events: list[Event] = []
    for number, (place, row) in enumerate(rows):
        event, wrong = _event(row, within, random.Random(f"selector/{seed}/{number}"))
        events.append(event)
        complaints += [f"{path}:{place}: {text}" for text in wrong]
    if complaints:
        raise BadInput(complaints)
    return events


def _rows(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([f"{path}: 读不出 unreadable: {error}"]) from error
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines(), restkey="surplus")
        return [(str(reader.line_num), {k: v for k, v in row.items() if v}) for row in reader]
    if path.suffix != ".json":
        raise BadInput([f"{path}: 故障脚本须为 .json 或 .csv; a fault script is JSON or CSV"])
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput([f"{path}:{error.lineno}: JSON 有误 not JSON: {error.msg}"]) from error
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BadInput([f"{path}: 须为事件列表 must be a list of events"])
    return [(f"[{number}]", row) for number, row in enumerate(data)]


_KEYS = frozenset({*Reach._fields, "fault", "at_s", "for_s", "offset_s"})


def _event(row: Mapping[str, object], reach: Reach, rng: random.Random) -> tuple[Event, list[str]]:
    """Return a script's event and what is wrong with it; the event is of use only if nothing is."""
    wrong = [f"未知的键 unknown key {key!r}" for key in sorted(row.keys() - _KEYS)]
    fault = str(row.get("fault", ""))
    if fault not in KINDS:
        wrong.append(f"未知的故障 unknown fault {fault!r}: {', '.join(KINDS)}")
    at_s = _seconds(row.get("at_s"))
    if at_s is None or at_s < 0:
        wrong.append("at_s 须为 >= 0 的秒数 must be seconds >= 0")
    for_s = _seconds(row.get("for_s"))
    if row.get("for_s") is not None and (for_s is None or for_s <= 0):
        wrong.append("for_s 须为 > 0 的秒数 must be seconds > 0")
    offset_s = _seconds(row.get("offset_s"))
    if (fault == "skew" or row.get("offset_s") is not None) and (offset_s is None or fault not in {"skew", "reboot"}):
        wrong.append("offset_s 须为秒数，仅用于 must be seconds, for skew and reboot only")
    chosen, complaints = _chosen(row, reach, rng)
    if fault in KINDS:
        stray = {word for word, numbers in zip(Reach._fields, chosen, strict=True) if numbers}
        if stray - KINDS[fault].concerns:
            complaints.append(f"{fault} 针对 concerns {', '.join(sorted(KINDS[fault].concerns))}")
    cameras, switches, suppliers, controls = chosen
    event = Event(at_s or 0.0, for_s, fault, cameras, switches, suppliers, controls, offset_s)
    return event, wrong + complaints


def _chosen(row: Mapping[str, object], reach: Reach, rng: random.Random) -> tuple[list[tuple[int, ...]], list[str]]:
    """Return what an event selects, in the order of Reach, and the complaints."""
    complaints: list[str] = []
    chosen: list[tuple[int, ...]] = []
    named = [word for word in Reach._fields if row.get(word) is not None]
    for word, many in zip(Reach._fields, reach, strict=True):
        numbers = select(row.get(word), many, rng) if word in (named or ["cameras"]) else ()
        if isinstance(numbers, str):
            complaints.append(f"{word}: {numbers}")
            numbers = ()
        chosen.append(numbers)
    return chosen, complaints


def _seconds(value: object) -> float | None:
    """Return a finite number of seconds, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if abs(seconds) < 1e9 else None  # NaN and infinities fail the comparison


def select(selector: object, cameras: int, rng: random.Random) -> tuple[int, ...] | str:
    """Return the numbers 1..`cameras` that a selector means, in order, or the complaint about it."""
    terms = selector if isinstance(selector, list) else re.split(r"[\s;,]+", str(selector or "").strip())
    chosen: set[int] = set()
    for term in map(str, terms):
        numbers = _term(term, cameras, rng)
        if numbers is None:
            return f"选择 {term!r} 有误 wrong selector: all | 7 | 3-9 | 10%; 1..{cameras}"
        chosen.update(numbers)
    return tuple(sorted(chosen))


def _term(term: str, cameras: int, rng: random.Random) -> range | list[int] | None:
    if term == "all":
        return range(1, cameras + 1)
    if match := re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", term, re.ASCII):
        low, high = int(match[1]), int(match[2] or match[1])
        return range(low, high + 1) if 1 <= low <= high <= cameras else None
    if (match := re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)%", term, re.ASCII)) and float(match[1]) <= 100:
        return rng.sample(range(1, cameras + 1), round(float(match[1]) * cameras / 100))
    return None
