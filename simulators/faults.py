"""Scripted and random faults: what goes wrong, with which cameras, when and for how long.

A fault script is JSON or CSV (by its file name's ending). JSON: a list, CSV: a table, of events with the keys

    cameras   `all`, a number, a span `3-9`, a share `10%` (chosen by the seed), or several of these separated by
              blanks, `;` or `,`; in JSON also a number or a list of numbers. Numbers count from 1.
    fault     one of the names below
    at_s      seconds after the fleet is ready, >= 0
    for_s     how long it lasts, > 0; left out (CSV: empty) means to the end

Of several faults on one camera at once the one that began last counts, except that a closed listener always counts.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from simulators.refusal import BadInput


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does to the truth (`state`), and whether it closes the listening socket."""

    state: Literal["online", "offline", "unknown"]
    closes: bool
    meaning: str


KINDS: Mapping[str, Kind] = {
    "refuse": Kind("offline", True, "the listener is closed; connections in progress are cut"),
    "reboot": Kind("offline", True, "like refuse; nonces issued before are forgotten afterwards"),
    "silent": Kind("offline", False, "accepts connections and never says a byte"),
    "hang": Kind("offline", False, "answers OPTIONS, never anything else"),
    "reset": Kind("offline", False, "resets the connection on the first request"),
    "drip": Kind("offline", False, "sends each reply one byte a second"),
    "404": Kind("offline", False, "DESCRIBE is answered 404"),
    "malformed": Kind("offline", False, "answers what is not RTSP, or cuts the reply short"),
    "oversized": Kind("offline", False, "DESCRIBE is answered with up to 1 GiB of body or of header lines"),
    "401": Kind("unknown", False, "every password is wrong"),
    "slow": Kind("online", False, "answers correctly, 1.5 s late"),
}

MAX_EVENTS = 100_000


class Event(NamedTuple):
    """One fault on some cameras (numbers from 1): seconds after ready, and duration; None lasts to the end."""

    at_s: float
    for_s: float | None
    fault: str
    cameras: tuple[int, ...]


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


def load_script(path: Path, cameras: int, seed: int) -> list[Event]:
    """Read a fault script for a fleet of so many cameras; BadInput names every wrong event."""
    rows = _rows(path)
    if len(rows) > MAX_EVENTS:
        raise BadInput([f"{path}: {len(rows)} 项 events，最多 at most {MAX_EVENTS}"])
    complaints: list[str] = []
    events: list[Event] = []
    for number, (place, row) in enumerate(rows):
        event, wrong = _event(row, cameras, random.Random(f"selector/{seed}/{number}"))
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


def _event(row: Mapping[str, object], cameras: int, rng: random.Random) -> tuple[Event, list[str]]:
    """Return a script's event and what is wrong with it; the event is of use only if nothing is."""
    wrong = [f"未知的键 unknown key {key!r}" for key in sorted(row.keys() - {"cameras", "fault", "at_s", "for_s"})]
    fault = str(row.get("fault", ""))
    if fault not in KINDS:
        wrong.append(f"未知的故障 unknown fault {fault!r}: {', '.join(KINDS)}")
    at_s = _seconds(row.get("at_s"))
    if at_s is None or at_s < 0:
        wrong.append("at_s 须为 >= 0 的秒数 must be seconds >= 0")
    for_s = _seconds(row.get("for_s"))
    if row.get("for_s") is not None and (for_s is None or for_s <= 0):
        wrong.append("for_s 须为 > 0 的秒数 must be seconds > 0")
    chosen = select(row.get("cameras"), cameras, rng)
    if isinstance(chosen, str):
        wrong.append(chosen)
        chosen = ()
    return Event(at_s or 0.0, for_s, fault, chosen), wrong


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
    """Return the camera numbers a selector means, in order, or the complaint about it."""
    terms = selector if isinstance(selector, list) else re.split(r"[\s;,]+", str(selector or "").strip())
    chosen: set[int] = set()
    for term in map(str, terms):
        numbers = _term(term, cameras, rng)
        if numbers is None:
            return f"摄像机选择 {term!r} 有误 wrong selector: all | 7 | 3-9 | 10%; 1..{cameras}"
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
