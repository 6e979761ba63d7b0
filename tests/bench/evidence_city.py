"""A city's quarter as a pack, made quickly from what is invented: to measure readers of packs, not writers.

`python -m tests.bench.evidence_city out.zip trust.json [points] [outages per point] [days]` writes a pack of a log that begins
with the quarter: every point has a `sum` a day and two `tr` an outage, most days a restart leaves a gap, and the statement is
settled by the product from counts that are known without reading the log.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
import sys
import zlib
from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from monitor.evidence import note as notes
from monitor.evidence.keys import PrivateKey
from monitor.evidence.tree import EMPTY, Frontier
from monitor.rates import Seconds
from settlement.contract import Terms
from settlement.inputs import Inputs, settle_inputs
from settlement.rules import PointFact, measured_rate, roster_facts
from tests import forged_packs as packs

ORIGIN, QUARTER, FIRST = "camsla.local/city", "2020Q3", date(2020, 7, 1)
S, DAY, VALID = 1_000_000, 86_400, 130
GAP_AT, GAP_S, DARK = (
    3 * 3600,
    20,
    150,
)  # a restart at 03:00: 20 s, and nothing is known until the next sample but `valid` at most
START = 1_593_532_800
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class City:
    """What is invented: per point its runs as (first, last, n, state), alternately online and offline, in whole seconds."""

    def __init__(self, points: int, outages: int, days: int, seed: int = 1) -> None:
        self.rng, self.days = random.Random(seed), days
        self.codes = [f"P{n:06d}" for n in range(points)]
        self.runs = [self._runs(outages) for _ in self.codes]
        self.down = [[(a, b + 30) for a, b, _, state in its if state == "offline"] for its in self.runs]
        self.dark = [(START + n * DAY + GAP_AT, START + n * DAY + GAP_AT + DARK) for n in range(days) if n % 5]

    def _runs(self, outages: int) -> list[tuple[int, int, int, str]]:
        edges = [START]
        for k in range(outages):
            low, high = self.days * k // outages, max(self.days * (k + 1) // outages, self.days * k // outages + 1)
            day = START + self.rng.randrange(low, high) * DAY
            slot = k % 3 if high - low < 2 else 0
            first = day + 5 * 3600 + slot * 5 * 3600 + self.rng.randrange(3600)
            edges += [first, first + self.rng.randrange(300, 12_000)]
        edges = sorted(set(edges)) if outages else edges
        ends = [*edges[1:], START + self.days * DAY + 400]
        rows = zip(edges, ends, strict=True)
        return [(a, b - 30, 1 + (b - 30 - a) // 60, "offline" if n % 2 else "online") for n, (a, b) in enumerate(rows)]

    def offline(self, point: int, a: int, b: int) -> int:
        """Offline seconds of [a, b)."""
        down, found = self.down[point], 0
        for place in range(bisect_right(down, a, key=itemgetter(1)), len(down)):
            start, end = down[place]
            if start >= b:
                break
            found += min(end, b) - max(start, a)
        return found

    def opened(self, point: int, k: int) -> dict[str, Any]:
        """What the opening of a point's run k says, but for its place in the log."""
        first, _, _, state = self.runs[point][k]
        before = self.runs[point][k - 1] if k else None
        return {
            "t": first * S,
            "point": self.codes[point],
            "vantage": "local",
            "from": before[3] if before else "unknown",
            "to": state,
            "reason": "ok" if state == "online" else "timeout",
            "rung": "describe",
            "valid": VALID,
            "camera": "",
            "last": before[1] * S if before else None,
            "n": before[2] if before else None,
            "boot": "f3a1",
            "mono": first * S - 1_590_000_000 * S,
        }

    def grown(self, point: int, k: int, end: int) -> tuple[int, int, int, str]:
        """A point's run k as it is known 300 s after `end`."""
        first, last, count, state = self.runs[point][k]
        if last > end + 300:
            last = first + (end + 300 - first) // 60 * 60
            count = 1 + (last - first) // 60
        return first, last, count, state

    def gap(self, start: int) -> dict[str, Any]:
        """What is said of the gap of a restart."""
        return {"vantage": "local", "point": None, "start": start * S, "end": (start + GAP_S) * S, "cause": "restart"}

    def ledger(self) -> dict[str, dict[str, Any]]:
        """What the ledger says of every point."""
        dates = {"accepted_on": "2020-01-05", "billed_from": None, "billed_until": None, "retired_on": None}
        texts = {
            "area": "东城",
            "category": "",
            "contract": "xinjian",
            "phase": "phase-1",
            "price": "",
            "supplier": "s",
        }
        facts = [[1_577_808_000 * S, None, {**dates, **texts}]]
        return {code: {"facts": facts, "pauses": [], "stays": []} for code in self.codes}


def write(out: Path, trust: Path, points: int, outages: int, days: int) -> dict[str, int]:
    """Write pack and trust.json; return how many lines there are."""
    city = City(points, outages, days)
    rng = random.Random(2)
    key, supplier, evaluator = (PrivateKey(name, rng.randbytes(32)) for name in (ORIGIN, "supplier", "evaluator"))
    witnesses = {"supplier": supplier, "evaluator": evaluator}
    trust.write_text(
        json.dumps(
            {
                "format": "camsla-trust/1",
                "origin": ORIGIN,
                "collector": key.public(1).text(),
                "witnesses": [{"role": role, "key": its.public(4).text()} for role, its in witnesses.items()],
                "require": list(witnesses),
            }
        )
    )
    blobs = _documents(city)
    writer = _Writer(out)
    manifest = {"days": [str(FIRST + timedelta(n)) for n in range(days + 1)], "first_size": 0, "state": ""}
    for name, body in sorted((f"blobs/{hashlib.sha256(body).hexdigest()}", body) for body in blobs.values()):
        writer.add(name, body)
    tree, before = EMPTY, b""
    log = _Log(city, key.public(1).text(), blobs)
    for number in range(days + 1):
        day = str(FIRST + timedelta(number))
        lines = log.day(number, tree)
        after = tree.appended(lines)
        text = notes.Checkpoint.of(ORIGIN, after, f"day {day}").text()
        signed = notes.Note(text).with_signature(notes.sign(text, key))
        for its in witnesses.values():
            signed = signed.with_signature(notes.cosign(text, its, START + (number + 1) * DAY + 600))
        writer.add(f"log/{day}/checkpoint.note", signed.encode())
        writer.add(f"log/{day}/frontier.json", tree.line() + b"\n")
        writer.add(f"log/{day}/prev.note", before)
        writer.add(f"log/{day}/records.ndjson", b"".join(line + b"\n" for line in lines))
        tree, before = after, signed.encode()
    statement = {
        "id": f"xinjian/{QUARTER}",
        "version": 0,
        "sha256": hashlib.sha256(blobs["statement"]).hexdigest(),
        "inputs_sha256": hashlib.sha256(blobs["inputs"]).hexdigest(),
    }
    writer.close(packs.manifest_of(ORIGIN, manifest, period=QUARTER, statement=statement), key)
    return {"lines": tree.size, "bytes": out.stat().st_size}


def _documents(city: City) -> dict[str, bytes]:
    terms = Terms.model_validate(
        {
            "contract": "xinjian",
            "tax_rate": "0.06",
            "target": "0.9",
            "prepay_share": "0.9",
            "phases": [{"id": "phase-1", "unit_price": "628.00", "in_service_from": "2020-01-01", "months": 48}],
        }
    )
    end = START + city.days * DAY
    off = dark = 0
    for n in range(len(city.codes)):
        hidden = [(a, b) for a, b in city.dark]
        down = city.offline(n, START, end)
        down -= sum(city.offline(n, a, b) for a, b in hidden) if any(s[3] == "offline" for s in city.runs[n]) else 0
        off += down
        dark += sum(b - a for a, b in hidden)
    every = len(city.codes) * city.days * DAY
    rate = measured_rate(every - off - dark, every - dark)
    facts = roster_facts(
        [PointFact(code, ((FIRST.toordinal(), (FIRST + timedelta(93)).toordinal()),)) for code in city.codes], rate
    )
    fields = {name: getattr(facts, name) for name in facts.__slots__}
    whole = type(facts)(**{**fields, "own_rate": rate, "seconds": Seconds(every - off - dark, off, dark, 0)})
    inputs = Inputs(terms, 1, QUARTER, {"phase-1": whole}, software="bench")
    _, document, _ = settle_inputs(inputs)
    said = {"contract": terms.document(), "inputs": inputs.to_document(), "statement": document}
    return {name: _encode(value).encode() for name, value in said.items()}


class _Log:
    """The lines of each day."""

    def __init__(self, city: City, key: str, blobs: dict[str, bytes]) -> None:
        self.city, self.key, self.blobs = city, key, blobs
        self.seq, self.tip = [0] * len(city.codes), [""] * len(city.codes)
        self.at = [0] * len(city.codes)  # how many runs are known
        self.att: dict[str, str] = {}
        self.gaps: list[list[Any]] = []
        self.sums: list[dict[str, list[Any]]] = [{} for _ in city.codes]
        self.ros: list[dict[str, Any]] = []

    def day(self, number: int, tree: Frontier) -> list[bytes]:
        city, first = self.city, tree.size
        start = START + number * DAY
        end, label, closing = start + DAY, str(FIRST + timedelta(number)), (start + DAY) * S - 1
        rows: list[tuple[int, int, dict[str, Any]]] = []
        for n, runs in enumerate(city.runs):
            while self.at[n] < len(runs) and runs[self.at[n]][0] < end:
                rows.append((runs[self.at[n]][0], n, {}))
                self.at[n] += 1
        rows.sort(key=lambda row: row[:2])
        lines: list[bytes] = []
        for at, n, _ in rows:
            lines.append(self._tr(n, at))
        gap = [row for row in city.dark if start <= row[0] < end]
        for a, _ in gap:
            self.gaps.append(["local", None, a * S, (a + GAP_S) * S, "restart"])
            lines.append(_encode({"k": "gap", "at": (a + 60) * S, **city.gap(a)}).encode())
        if number == city.days:
            lines += self._documents((start + 3600) * S)
        if number == 0:
            self.ros = [{"point": code, "rev": 1, **its} for code, its in city.ledger().items()]
            lines += [_encode({"k": "ros", "at": closing, **fields}).encode() for fields in self.ros]
        for n in range(len(city.codes)):
            lines.append(self._sum(n, label, start, end, closing, gap))
        state = ""
        if number == 0 or (FIRST + timedelta(number + 1)).day == 1:
            state = hashlib.sha256(_encode(self._state(label, end, first + len(lines) + 1)).encode()).hexdigest()
        prev = {"size": first, "root": tree.root().hex() if first else ""}
        man = {"k": "man", "at": closing, "day": label, "first": first, "count": len(lines) + 1, "prev": prev}
        man |= {
            "points": len(city.codes),
            "software": "bench",
            "zone": "Asia/Shanghai",
            "archive": None,
            "state": state,
        }
        return [*lines, _encode(man).encode()]

    def _tr(self, n: int, at: int) -> bytes:
        runs = self.city.runs[n]
        k = bisect_left(runs, at, key=itemgetter(0))
        self.seq[n] += 1
        chain = {"k": "tr", "at": at * S + 500_000, "seq": self.seq[n], "prev": self.tip[n]}
        line = _encode({**chain, **self.city.opened(n, k)}).encode()
        self.tip[n] = hashlib.sha256(b"\0" + line).hexdigest()
        return line

    def _grown(self, n: int, end: int) -> tuple[int, int, int, str]:
        return self.city.grown(n, self.at[n] - 1, end)

    def _sum(self, n: int, label: str, start: int, end: int, closing: int, gap: list[tuple[int, int]]) -> bytes:
        _, last, count, _ = self._grown(n, end)
        off = self.city.offline(n, start, end) if len(self.city.runs[n]) > 1 else 0
        un = sum(b - a for a, b in gap)
        off -= sum(self.city.offline(n, a, b) for a, b in gap) if off else 0
        if end > START + self.city.days * DAY:  # the day of the statement: nobody watched beyond its first minutes
            held = self.city.runs[n][-1][1] + VALID
            on, un = held - start, end - held
        else:
            on = DAY - off - un
        numbers = {"on": on, "off": off, "un": un, "ex": 0}
        body = {
            "k": "sum",
            "at": closing,
            "day": label,
            "point": self.city.codes[n],
            "rev": 0,
            **numbers,
            "seq": self.seq[n],
        }
        line = _encode({**body, "tip": self.tip[n], "open": [["local", last * S, count]], "prev": ""}).encode()
        self.sums[n][label] = [0, *numbers.values(), hashlib.sha256(b"\0" + line).hexdigest()]
        return line

    def _documents(self, at: int) -> list[bytes]:
        lines = []
        for k, what in enumerate(("contract", "inputs", "statement", "issued")):
            sha = hashlib.sha256(self.blobs["statement" if what == "issued" else what]).hexdigest()
            name, version = ("xinjian", 1) if what == "contract" else (f"xinjian/{QUARTER}", 0)
            self.att[f"{what} {name} {version}"] = sha
            body = {"k": "att", "at": at + k, "what": what, "id": name, "version": version, "sha256": sha}
            lines.append(_encode({**body, "media": "application/json", "actor": "a", "of": {}}).encode())
        return lines

    def _state(self, label: str, end: int, size: int) -> dict[str, Any]:
        horizon, points = end - 3 * DAY, {}
        for n, code in enumerate(self.city.codes):
            runs = [*self.city.runs[n][: self.at[n] - 1], self._grown(n, end)]
            k = max(
                (k for k, r in enumerate(runs) if r[0] <= horizon and r[3] == "online" and r[1] - r[0] >= 3600),
                default=0,
            )
            told = [
                ["local", a * S, b * S, c, state, "ok" if state == "online" else "timeout", "describe", VALID, ""]
                for a, b, c, state in runs[k:]
            ]
            days = [str(date.fromisoformat(label) - timedelta(back)) for back in range(3)]
            sums = {day: self.sums[n][day] for day in days if day in self.sums[n]}
            points[code] = {"ros": self.ros[n], "seq": self.seq[n], "tip": self.tip[n], "runs": told, "sums": sums}
        said = {"format": "camsla-state/1", "origin": ORIGIN, "day": label, "size": size, "points": points}
        return {**said, "gaps": self.gaps, "adj": [], "att": self.att, "key": self.key}


class _Writer:
    """A canonical ZIP written as it goes; members come in order but for the manifest, which comes last in order here too."""

    def __init__(self, path: Path) -> None:
        self.file, self.directory, self.count = path.open("wb"), bytearray(), 0
        self.files: dict[str, str] = {}
        self.packed = hashlib.sha256()

    def add(self, name: str, body: bytes, *, stored: bool = False) -> None:
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        data, method = deflate.compress(body) + deflate.flush(), 8
        if stored or len(data) >= len(body):
            data, method = body, 0
        head = (20, 2048, method, 0, 33, zlib.crc32(body), len(data), len(body), len(name), 0)
        self.directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *head, 0, 0, 0, 0, self.file.tell()) + name.encode()
        self.file.write(struct.pack("<4s5H3L2H", b"PK\3\4", *head) + name.encode() + data)
        self.count += 1
        if name != "manifest.sig":
            self.files[name] = hashlib.sha256(body).hexdigest()
            self.packed.update(data)

    def close(self, manifest: dict[str, Any], key: PrivateKey) -> None:
        line = (_encode({**manifest, "files": self.files}) + "\n").encode()
        self.add("manifest.json", line)
        head = f"camsla-pack/1\n{manifest['origin']}\n{manifest['contract']} {manifest['period']}\n"
        text = f"{head}{hashlib.sha256(line).hexdigest()}\n{self.packed.hexdigest()}\n"
        self.add(
            "manifest.sig", packs.note(text, [(key.name, key.public(1).hash + key.sign(text.encode()))]), stored=True
        )
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, self.count, self.count, len(self.directory), self.file.tell(), 0)
        self.file.write(self.directory + end)
        self.file.close()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[3:]] + [11_045, 1, 92][len(sys.argv) - 3 :]
    print(write(Path(sys.argv[1]), Path(sys.argv[2]), *numbers))
