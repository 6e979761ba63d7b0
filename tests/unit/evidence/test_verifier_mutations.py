"""Whatever is done to a pack, the shipped verifier refuses it.

Two who tamper: an outsider, who has the pack alone; and the operator, who signs anew what he changed with the collector's key,
notes and manifest, but has no witness's key. CAMSLA_MUTATIONS says how many mutations there are (100,000: make mutations).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from monitor.canonical import canonical
from monitor.evidence import note as notes
from monitor.evidence import verifier
from monitor.evidence.keys import PrivateKey
from monitor.evidence.tree import EMPTY, Frontier
from tests import forged_packs as packs
from tests.settled_packs import settled_pack

MUTATIONS = int(os.environ.get("CAMSLA_MUTATIONS", "2000"))
CHUNKS = 20
SEEDS = (1, 3, 5, 9)


@dataclass
class Base:
    """An honest pack, what it takes to sign it again, and its trust.json."""

    pack: bytes
    trust: bytes
    key: PrivateKey
    members: dict[str, bytes] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def days(self) -> list[str]:
        days: list[str] = self.manifest["days"]
        return days

    def lines(self, day: str) -> list[bytes]:
        return self.members[f"log/{day}/records.ndjson"].split(b"\n")[:-1]

    def needed(self) -> list[str]:
        """The blobs without which nothing is recomputed: the statement, its inputs, imports."""
        records = (json.loads(line) for day in self.days for line in self.lines(day))
        imports = {f"blobs/{r['sha256']}" for r in records if r["k"] == "att" and r["what"] in {"runs", "gaps"}}
        return sorted({self.document("statement"), self.document("inputs"), *imports})

    def document(self, what: str) -> str:
        """The blob of the statement or of its inputs."""
        return f"blobs/{self.manifest['statement']['sha256' if what == 'statement' else 'inputs_sha256']}"


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    found = []
    for seed in SEEDS:
        pack, log, _ = settled_pack(tmp_path_factory.mktemp("pack"), seed, points=3, begun="2020-06-29", days=5)
        base = Base(pack, json.dumps(log.trust()).encode(), log.key, packs.unzipped(pack))
        base.manifest = json.loads(base.members["manifest.json"])
        assert verifier.check(pack, base.trust).exit == 0
        found.append(base)
    return found


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same signatures are verified over and over: pure functions may be remembered."""
    monkeypatch.setattr(verifier, "verify", functools.lru_cache(10_000)(verifier.verify))


def test_an_outsider_is_never_believed(bases: list[Base], chunk: int) -> None:
    _refused(bases, chunk, outsider)


def test_the_operator_is_never_believed(bases: list[Base], chunk: int) -> None:
    _refused(bases, chunk, operator)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chunk" in metafunc.fixturenames:
        metafunc.parametrize("chunk", range(CHUNKS))


def _refused(bases: list[Base], chunk: int, tampered: Callable[[random.Random, Base], tuple[str, bytes]]) -> None:
    rng = random.Random(f"{tampered.__name__} {chunk}")
    for number in range(-(-MUTATIONS // (2 * CHUNKS))):
        base = rng.choice(bases)
        what, pack = tampered(rng, base)
        if pack == base.pack:
            continue
        report = verifier.check(pack, base.trust)
        assert report.exit == 1, f"accepted: chunk {chunk}, mutation {number}, {what}"
        assert report.count, what


# -- the outsider


def outsider(rng: random.Random, base: Base) -> tuple[str, bytes]:
    kind = rng.choice((_bits, _bits, _bytes, _cut, _grown, _members, _zipped_again))
    return kind.__name__, kind(rng, base)


def _bits(rng: random.Random, base: Base) -> bytes:
    data = bytearray(base.pack)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _bytes(rng: random.Random, base: Base) -> bytes:
    at, width = rng.randrange(len(base.pack)), rng.choice((1, 4, 100))
    return base.pack[:at] + rng.choice((b"", rng.randbytes(width))) + base.pack[at + width :]


def _cut(rng: random.Random, base: Base) -> bytes:
    return base.pack[: rng.randrange(len(base.pack))] if rng.random() < 0.5 else base.pack[rng.randrange(1, 200) :]


def _grown(rng: random.Random, base: Base) -> bytes:
    more = rng.choice((b"\0", b"PK\5\6" + b"\0" * 18, rng.randbytes(30)))
    return rng.choice((base.pack + more, more + base.pack))


def _members(rng: random.Random, base: Base) -> bytes:
    """Members dropped, added, exchanged; the manifest is left as it is."""
    members = dict(base.members)
    a, b = rng.sample(sorted(members), 2)
    how = rng.randrange(4)
    if how == 0:
        del members[a]
    elif how == 1:
        members[f"{a}{rng.choice(('x', '/x', '.1'))}"] = members[a]
    elif how == 2:
        members[a], members[b] = members[b], members[a]
    else:
        members[a] = _bits(rng, Base(members[a] or b"x", b"", base.key))
    return packs.zipped(members)


def _zipped_again(rng: random.Random, base: Base) -> bytes:
    """The same content with other compression: the manifest's signature is of the packed bytes."""
    name = rng.choice(sorted(name for name, body in base.members.items() if len(body) > 400 and name != "manifest.sig"))
    return packs.zipped(base.members, stored=frozenset({"manifest.sig", name}))


# -- the operator


def operator(rng: random.Random, base: Base) -> tuple[str, bytes]:
    kind = rng.choice((_records, _records, _records, _documents, _days, _notes, _manifest))
    members, manifest = dict(base.members), json.loads(base.members["manifest.json"])
    kind(rng, base, members, manifest)
    if members == base.members and manifest == base.manifest:
        return kind.__name__, base.pack
    return kind.__name__, packs.signed(members, manifest, base.key)


def _records(rng: random.Random, base: Base, members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Lines removed, doubled, inserted, exchanged, changed; with the notes of all days from there on made and signed anew."""
    day = rng.choice(base.days)
    lines = base.lines(day)
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(6)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[other])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines[at] = _number_changed(rng, lines[at])
    elif how == 4:
        lines[at] = _text_changed(rng, lines[at])
    else:
        lines[at] = _bits(rng, Base(lines[at], b"", base.key)).replace(b"\n", b"")
    members[f"log/{day}/records.ndjson"] = b"".join(line + b"\n" for line in lines)
    if lines != base.lines(day) and rng.random() < 0.8:
        sealed_again(rng, base, members)


def sealed_again(rng: random.Random, base: Base, members: dict[str, bytes]) -> None:
    """Make frontier, man, checkpoint and prev.note of each day fit its lines, signed by the collector; old co-signatures stay."""
    tree, before = EMPTY, b""
    keep = rng.random() < 0.7
    for day in base.days:
        name = f"log/{day}/records.ndjson"
        lines = members[name].split(b"\n")[:-1]
        lines[-1:] = [_counted(line, tree, len(lines)) for line in lines[-1:]]
        members[name] = b"".join(line + b"\n" for line in lines)
        members[f"log/{day}/frontier.json"] = tree.line() + b"\n"
        members[f"log/{day}/prev.note"] = before
        tree = tree.appended(lines)
        text = notes.Checkpoint.of(base.manifest["origin"], tree, f"day {day}").text()
        old = notes.Note.parse(base.members[f"log/{day}/checkpoint.note"])
        kept = old.signatures[1:] if keep or text == old.text else ()
        before = members[f"log/{day}/checkpoint.note"] = notes.Note(text, (notes.sign(text, base.key), *kept)).encode()


def _counted(line: bytes, tree: Frontier, count: int) -> bytes:
    try:
        man = json.loads(line)
    except ValueError:
        return line
    if not isinstance(man, dict) or man.get("k") != "man":
        return line
    man |= {"first": tree.size, "count": count}
    man["prev"] = {"size": tree.size, "root": tree.root().hex() if tree.size else ""}
    return canonical(man).encode()


def _number_changed(rng: random.Random, line: bytes) -> bytes:
    record = json.loads(line)
    places = [name for name, value in record.items() if type(value) is int]
    name = rng.choice(places)
    record[name] += rng.choice((-1, 1, 60, 86_400, 10**6))
    return canonical(record).encode()


def _text_changed(rng: random.Random, line: bytes) -> bytes:
    record = json.loads(line)
    name = rng.choice(sorted(record))
    value = record[name]
    if type(value) is str:
        record[name] = rng.choice(("", "online", "offline", "zz", value[:-1], value + "0", "0" * 64))
    elif type(value) is list:
        record[name] = rng.choice(([], value * 2, value[:-1]))
    else:
        record[name] = rng.choice((None, "", [], {}, True, 1.0))
    return canonical(record).encode()


def _documents(rng: random.Random, base: Base, members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """The statement by one fen, or its inputs by one second, under its new digest; or a blob that is gone."""
    what = rng.choice(("statement", "inputs"))
    name = base.document(what)
    if rng.random() < 0.2:
        del members[rng.choice(base.needed())]  # a paper that nothing is computed from may be left out of a pack
        return
    document = json.loads(members.pop(name))
    places = list(_amounts(document))
    holder, key = rng.choice(places)
    holder[key] = _one_more(rng, holder[key])
    body = canonical(document).encode()
    digest = hashlib.sha256(body).hexdigest()
    members[f"blobs/{digest}"] = body
    manifest["statement"]["sha256" if what == "statement" else "inputs_sha256"] = digest
    if rng.random() < 0.5:  # and the log says so as well
        old = name.removeprefix("blobs/").encode()
        for day in base.days:
            place = f"log/{day}/records.ndjson"
            members[place] = members[place].replace(old, digest.encode())
        sealed_again(rng, base, members)


def _amounts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where figures stand in a document."""
    for key, its in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if type(its) is int or (isinstance(its, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", its)):
            yield value, key
        else:
            yield from _amounts(its)


def _one_more(rng: random.Random, figure: Any) -> Any:
    if isinstance(figure, int):
        return figure + rng.choice((-1, 1))
    if "." in figure:
        whole, _, cents = figure.partition(".")
        digit = (int(cents) + 1) % 10 ** len(cents)
        return f"{whole}.{digit:0{len(cents)}d}"
    return str(int(figure) + 1)


def _days(rng: random.Random, base: Base, members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Days exchanged, left out in the middle, or at the beginning."""
    a, b = rng.sample(base.days, 2)
    how = rng.randrange(4)
    if how == 0:
        for name in packs.FILES:
            one, two = f"log/{a}/{name}", f"log/{b}/{name}"
            members[one], members[two] = members[two], members[one]
    elif how == 1:
        name = rng.choice(packs.FILES)
        members[f"log/{a}/{name}"], members[f"log/{b}/{name}"] = members[f"log/{b}/{name}"], members[f"log/{a}/{name}"]
    else:
        gone = base.days[0] if how == 2 else rng.choice(base.days[:-1])
        for name in packs.FILES:
            del members[f"log/{gone}/{name}"]
        if rng.random() < 0.8:
            manifest["days"] = [day for day in base.days if day != gone]
        if how == 2 and rng.random() < 0.5:
            manifest["first_size"] = json.loads(members[f"log/{base.days[1]}/frontier.json"])["size"]


def _notes(rng: random.Random, base: Base, members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Signatures of the last checkpoint left out, replaced, by others' keys, of other texts; or another text."""
    name = f"log/{base.days[-1]}/checkpoint.note"
    note = notes.Note.parse(members[name])
    signatures = list(note.signatures)
    at = rng.randrange(len(signatures))
    text, how = note.text, rng.randrange(6)
    stranger = PrivateKey(signatures[at].name, rng.randbytes(32))
    if how == 0:
        del signatures[at]
    elif how == 1:
        signatures[at] = notes.sign(text, stranger) if at == 0 else notes.cosign(text, stranger, 1_600_000_000)
    elif how == 2:
        blob = bytearray(signatures[at].blob)
        blob[rng.randrange(len(blob))] ^= 1 << rng.randrange(8)
        signatures[at] = notes.Signature(signatures[at].name, bytes(blob))
    elif how == 3:
        other = notes.Note.parse(base.members[f"log/{base.days[0]}/checkpoint.note"])
        signatures[at] = other.signatures[at]
    elif how == 4:
        lines = text.split("\n")
        place = rng.randrange(len(lines) - 1)
        lines[place] = rng.choice(("", "0", lines[place] + "0", base64.b64encode(rng.randbytes(32)).decode()))
        text = "\n".join(lines)
        signatures[0] = notes.sign(text, base.key)
    else:
        raw = members[name]
        place = rng.randrange(len(raw))
        members[name] = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        return
    members[name] = notes.Note(text, tuple(signatures)).encode()


def _manifest(rng: random.Random, base: Base, members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """What the manifest says of the pack."""
    name = rng.choice(
        ("origin", "contract", "period", "zone", "first_size", "state", "statement", "points", "days", "format")
    )
    changes: dict[str, tuple[Any, ...]] = {
        "origin": ("camsla.local/other", ""),
        "contract": ("other",),
        "period": ("2020Q1", "2020-06", "x", "2020-06-01..2020-06-30"),
        "zone": ("Asia/Tokyo", "No/Where", ""),
        "first_size": (1, -1, True),
        "state": ("0" * 64, "x"),
        "statement": tuple(
            {**base.manifest["statement"], key: value} for key, value in (("version", 1), ("id", "xinjian/2020Q1"))
        ),
        "points": ("P-00000",),
        "days": ([], base.days[::-1], base.days[1:], [*base.days, "2020-07-09"]),
        "format": ("camsla-pack/2",),
    }
    manifest[name] = rng.choice(changes[name])


def test_the_amounts_of_documents_are_found(bases: list[Base]) -> None:
    document = json.loads(bases[0].members[bases[0].document("statement")])
    assert sum(1 for _ in _amounts(document)) > 20
    assert _one_more(random.Random(1), "12.99") == "12.00"
    assert Path(verifier.__file__).name == "verifier.py"
