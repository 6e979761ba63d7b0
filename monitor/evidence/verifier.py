"""camsla 证据验证器: checks an evidence pack offline, trusting only trust.json. One file, standard library, Python 3.8+.

    python3 -I -S verifier.py pack.zip --trust trust.json [--json] [--prove POINT DAY]
    python3 -I -S verifier.py keygen NAME --out FILE              见证密钥 a witness's key
    python3 -I -S verifier.py cosign NOTE --key FILE [--time S]   见证签名 a witness's signature line

Exit: 0 everything holds · 1 something does not (named: file, line, leaf) · 2 called wrongly · 3 all that was checked holds, but
something could not be recomputed (named). Proven: nothing was changed, removed, reordered or inserted after a witnessed
checkpoint; seconds, rates and amounts follow from the records. Not proven: that a camera truly was down, that probes were
honest, anything before sealing. The format is docs/evidence-format.md. This file shares no code with the product on purpose,
and is laid out by hand: its length is part of its promise.

Sections: 0 findings · 1 container · 2 keys and notes · 3 tree · 4 lines · 5 what the vantages say together · 6 state ·
7 days · 8 rates · 9 money · 10 the statement · 11 the way through, proofs, witnesses, command line.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import mmap
import os
import re
import struct
import sys
import time
import zlib
from bisect import bisect_left, bisect_right, insort
from collections import namedtuple
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from math import ceil, floor, gcd
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence

Json = Any
MICRO, DAY_US, FOREVER, MAX_INT = 1_000_000, 86_400_000_000, 1 << 62, 1 << 53
MAX_PACK, MAX_UNPACKED, MAX_MEMBERS, MAX_LINE, MAX_DAYS = 4 << 30, 8 << 30, 65_534, 64 << 20, 2_000

# -- 0 findings -------------------------------------------------------------------------------------------------------------

STEPS = (
    "容器与清单 container and manifest", "签名与见证 signatures and witnesses", "Merkle 树 tree", "逐行记录 lines and records",
    "链 chains", "每日秒数 seconds of every day", "月末状态 state documents", "在线率 rates", "应付金额 amounts",
)
SHOWN = 20

class Bad(Exception):
    """Something does not hold: the step, where (file and record; "" where the caller knows), and what."""

    def __init__(self, step: int, where: str, what: str) -> None:
        super().__init__(what)
        self.step, self.where, self.what = step, where, what

def need(holds: Any, step: int, where: str, what: str) -> None:
    """Bad unless it holds."""
    if not holds:
        raise Bad(step, where, what)

class Report:
    """What each step found. A step that was not reached has not passed."""

    def __init__(self) -> None:
        self.failures: dict[int, list[str]] = {n: [] for n in range(1, 10)}
        self.missing: dict[int, list[str]] = {n: [] for n in range(1, 10)}
        self.facts: dict[int, list[str]] = {n: [] for n in range(1, 10)}
        self.reached: set[int] = set()
        self.count = 0
        self.proof: list[str] = []

    def fail(self, step: int, where: str, what: str) -> None:
        """Note a failure; of each step the first are kept, all are counted."""
        self.count += 1
        self.reached.add(step)
        self.failures[step] += [f"{where}: {what}"] if len(self.failures[step]) < SHOWN else []

    def lack(self, step: int, what: str) -> None:
        """Note what cannot be recomputed: the pack then never passes with 0."""
        self.missing[step] += [what] if what not in self.missing[step] else []

    def step(self, number: int, where: str, work: Callable[[], Any]) -> Any:
        """Run a step; whatever goes wrong inside is a named failure, never a traceback. None if it failed."""
        self.reached.add(number)
        try:
            return work()
        except Bad as bad:
            self.fail(bad.step, bad.where or where, bad.what)
        except Exception as error:
            self.fail(number, where, f"无法理解 cannot be understood: {type(error).__name__}: {str(error)[:160]}")
        return None

    @property
    def exit(self) -> int:
        """1 if anything failed or was not reached, else 3 if anything is missing, else 0."""
        return 1 if self.count or len(self.reached) < 9 else 3 if any(self.missing.values()) else 0

    def lines(self) -> Iterator[str]:
        """Yield a line per step, below it its failures and what is missing, and the verdict."""
        for n, title in enumerate(STEPS, 1):
            mark = "✗" if self.failures[n] else "–" if n not in self.reached else "!" if self.missing[n] else "✓"
            told = "；".join(self.facts[n]) if n in self.reached else "未查到此步 not reached"
            yield f"{mark} {n} {title}" + (f"：{told}" if told else "")
            yield from (f"    ✗ {text}" for text in self.failures[n])
            yield from (f"    ! 未能重算 NOT RECOMPUTED: {text}" for text in self.missing[n])
        yield {0: "✓ 全部成立 everything holds", 1: f"✗ 不成立 DOES NOT HOLD: {self.count:,} 处 findings",
               3: "! 已查部分成立，但有内容未能重算 what was checked holds, but something was NOT RECOMPUTED"}[self.exit]

def sha256(data: bytes) -> bytes:
    """32 bytes."""
    return hashlib.sha256(data).digest()

# -- 1 container ------------------------------------------------------------------------------------------------------------

LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
FIXED, CLOCK = (20, 1 << 11), (0, 33)  # version and flags; 1980-01-01 00:00
NAME = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
PIECE = 1 << 18
DAY_FILES = ("checkpoint.note", "frontier.json", "prev.note", "records.ndjson")

Member = namedtuple("Member", "method crc packed size start")  # where a member's data lie and what they must unpack to

class Pack:
    """A ZIP of the one canonical form: every byte of it is data of a member or follows from one. Nothing is ever written."""

    def __init__(self, data: Any) -> None:
        need(END.size <= len(data) <= MAX_PACK, 1, "pack", "大小不对 not the size of a pack")
        self.data = data
        self.members: dict[str, Member] = {}
        at, unpacked, last, directory = 0, 0, "", bytearray()
        while data[at : at + 4] == b"PK\3\4":
            need(at + LOCAL.size <= len(data) and len(self.members) < MAX_MEMBERS, 1, f"pack @{at}", "被截断 cut short")
            _, version, flags, method, hour, day, crc, packed, size, length, extra = LOCAL.unpack_from(data, at)
            start = at + LOCAL.size + length
            raw, unpacked = bytes(data[start - length : start]), unpacked + size
            name = raw.decode("ascii", "replace")
            fits = NAME.fullmatch(name) and length <= 200 and not {".", ".."} & set(name.split("/"))
            need(fits, 1, f"pack @{at}", f"成员名不允许 a name that is not allowed: {name[:80]!r}")
            fits = (version, flags, hour, day, extra) == (*FIXED, *CLOCK, 0) and method in {0, 8} and name > last
            need(fits, 1, name, "文件头不规范或次序不对 local header not canonical, or out of order")
            fits = start + packed <= len(data) and unpacked <= MAX_UNPACKED and (method or packed == size)
            need(fits, 1, name, "被截断或解压后过大 cut short, or unpacks to too much")
            self.members[name] = Member(method, crc, packed, size, start)
            directory += CENTRAL.pack(b"PK\1\2", 20, *FIXED, method, *CLOCK, crc, packed, size, length, 0, 0, 0, 0, 0, at) + raw
            at, last = start + packed, name
        count = len(self.members)
        directory += END.pack(b"PK\5\6", 0, 0, count, count, len(directory), at, 0)
        fits = len(data) - at == len(directory) and data[at:] == directory
        need(fits, 1, "pack", "目录不规范，或有多余内容 directory not canonical, or something more is there")

    def unpacked(self, name: str) -> Iterator[bytes]:
        """Yield what a member's data unpack to, in pieces of bounded size."""
        method, _, packed, _, start = self.members[name]
        inflate = zlib.decompressobj(-15)
        for at in range(start, start + packed, PIECE):
            piece = bytes(self.data[at : min(at + PIECE, start + packed)])
            while method and piece:
                yield inflate.decompress(piece, 4 * PIECE)
                piece = inflate.unconsumed_tail
            yield piece
        if method:
            yield inflate.flush()
            need(inflate.eof and not inflate.unused_data, 1, name, "压缩数据不完整或有多余 cut short, or more behind it")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's bytes in pieces, held against the size and checksum that it states."""
        need(name in self.members, 1, name, "缺少成员 no such member")
        its, seen, length = self.members[name], 0, 0
        try:
            for piece in self.unpacked(name):
                seen, length = zlib.crc32(piece, seen), length + len(piece)
                need(length <= its.size, 1, name, "解压后大于所记 unpacks to more than it states")
                yield piece
        except zlib.error as error:
            raise Bad(1, name, f"压缩数据损坏 damaged: {error}") from None
        need((seen, length) == (its.crc, its.size), 1, name, "大小或校验和不符 size or checksum differ")

    def read(self, name: str) -> bytes:
        """Return a member's bytes; no document is longer than the longest line."""
        need(name not in self.members or self.members[name].size <= MAX_LINE, 1, name, "成员过大 too large")
        return b"".join(self.chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a member's lines without LF."""
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            need(len(rest) <= MAX_LINE, 4, name, "行过长 a line is too long")
            yield from whole
        need(not rest, 4, name, "最后一行不完整 the last line is cut short")

    def json(self, name: str, step: int, shape: str = "", end: bytes = b"\n") -> Json:
        """Read a member that is one canonical line of a shape."""
        raw = self.read(name)
        need(raw.endswith(end), step, name, "缺换行 no LF at its end")
        try:
            value = parse(raw[: len(raw) - len(end)])
        except (ValueError, RecursionError) as error:
            raise Bad(step, name, str(error)[:200]) from None
        if shape:
            fit(value, shape, step, name)
        return value

def read_manifest(pack: Pack) -> dict[str, Json]:
    """Return the manifest: canonical, every member with its digest, none missing or extra, no day missing."""
    where = "manifest.json"
    manifest = pack.json(where, 1, MANIFEST)
    days, points, first = [to_date(day) for day in manifest["days"]], manifest["points"], manifest["first_size"]
    need(manifest["format"] == "camsla-pack/1" and 0 < len(days) <= MAX_DAYS, 1, where, "格式或日期不对 wrong format or days")
    fits = points is None or (all(type(code) is str for code in points) and points == sorted(set(points)))
    need(fits, 1, where, "点位不对 wrong points")
    need(all(b - a == timedelta(1) for a, b in zip(days, days[1:])), 1, where, "缺日或次序不对 a day is missing or out of order")
    need(not first or days[0] <= period_of(manifest["period"])[0], 1, where, "缺期初各日 the period's first days are missing")
    there, listed = set(pack.members) - {where, "manifest.sig"}, manifest["files"]
    for name in sorted(there ^ listed.keys()):
        raise Bad(1, name, "清单中没有 not in the manifest" if name in there else "缺少成员 missing from the pack")
    for name in sorted(there):
        seen = hashlib.sha256()
        for chunk in pack.chunks(name):
            seen.update(chunk)
        fits = seen.hexdigest() == listed[name] and (not name.startswith("blobs/") or name == f"blobs/{listed[name]}")
        need(fits, 1, name, "内容与清单或名称不符 content is not that of the manifest, or of its name")
    wanted = {f"log/{day}/{file}" for day in days for file in DAY_FILES}
    wanted |= {"log/state.json", "log/state.proof.json"} if first else set()
    for name in sorted(wanted ^ {name for name in there if name.startswith("log/")}):
        raise Bad(1, name, "日志缺文件或多文件 the log lacks this file, or has one too many")
    return dict(manifest)

# -- 2 keys and notes ---------------------------------------------------------------------------------------------------------

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # Ed25519 (RFC 8032): the field, the group's order
D = -121665 * pow(121666, P - 2, P) % P
Spot = Any  # extended coordinates (X, Y, Z, T)
ZERO: Spot = (0, 1, 1, 0)

def _spot(y: int, sign: int) -> Spot:
    """The point with this y and this sign of x; ValueError where there is none, or for a form that is not canonical."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - square) % P else x
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)

BASE = _spot(4 * pow(5, P - 2, P) % P, 0)

def _add(p: Spot, q: Spot) -> Spot:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)

def _times(s: int, p: Spot, t: int = 0, q: Spot = ZERO) -> bytes:
    """Compute s·p + t·q, written as 32 bytes."""
    table, r = (ZERO, p, q, _add(p, q)), ZERO
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        r, which = _add(r, r), (s >> bit & 1) | (t >> bit & 1) << 1
        r = _add(r, table[which]) if which else r
    scale = pow(r[2], P - 2, P)
    return int((r[1] * scale % P) | (r[0] * scale % P & 1) << 255).to_bytes(32, "little")

def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L

def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032, strict: canonical points, S < L, no cofactor."""
    s, y = int.from_bytes(signature[32:], "little"), int.from_bytes(public, "little")
    if len(public) != 32 or len(signature) != 64 or s >= L:
        return False
    try:
        x, y, z, t = _spot(y & (1 << 255) - 1, y >> 255)
    except ValueError:
        return False
    return _times(s, BASE, _hash(signature[:32], public, message), (P - x, y, z, P - t)) == signature[:32]

def sign(seed: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Return the public key and the signature (not in constant time: for a witness's own machine)."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public, r = _times(scalar, BASE), _hash(digest[32:], message)
    point = _times(r, BASE)
    return public, point + ((r + _hash(point, public, message) * scalar) % L).to_bytes(32, "little")

def unbase64(text: str) -> bytes:
    """Decode the one canonical form; ValueError otherwise."""
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError(f"not canonical base64: {text[:60]}")
    return data

class Key(NamedTuple):
    """A public key: its name, kind (1 signs, 4 co-signs) and 32 bytes."""

    name: str
    kind: int
    raw: bytes

    @property
    def id(self) -> tuple[str, bytes]:
        """Its name and the first four bytes of its hash, as signatures tell it."""
        return self.name, sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw)[:4]

    def text(self, data: bytes = b"") -> str:
        """As it is written; with `data`, that in place of its bytes."""
        return f"{self.name}+{self.id[1].hex()}+{base64.b64encode(bytes([self.kind]) + (data or self.raw)).decode()}"

def read_key(text: str, kind: int) -> Key:
    """Read a public key; ValueError if it is none of that kind."""
    name, _, rest = text.partition("+")
    data = unbase64(rest.partition("+")[2])
    key = Key(name, data[0], data[1:])
    if key.text() != text or len(data) != 33 or key.kind != kind or not re.fullmatch(r"[^\s+\x00-\x1f\x7f]+", name):
        raise ValueError(f"not a public key: {text[:80]!r}")
    return key

Note = namedtuple("Note", "text signatures")  # a C2SP signed note; of a signature: its name; key hash and rest

def read_note(raw: bytes, where: str) -> Note:
    """Read a note: exactly text, empty line, signature lines."""
    try:
        text, gap, tail = raw.decode().partition("\n\n")
        found = re.findall(r"— ([^\s+\x00-\x1f\x7f]+) ([A-Za-z0-9+/]+={0,2})\n", tail)
        if not gap or not text or not 0 < len(found) <= 64 or "".join(f"— {n} {s}\n" for n, s in found) != tail:
            raise ValueError
        return Note(text + "\n", [(name, unbase64(blob)) for name, blob in found])
    except ValueError:
        raise Bad(3, where, "不是签名文书 not a signed note") from None

def signers(note: Note, keys: Iterable[Key], where: str) -> dict[Key, int]:
    """Which of the keys signed, with the time of a witness; a signature of one of them that is not valid is Bad."""
    known: dict[Any, Key] = {key.id: key for key in keys}
    found: dict[Key, int] = {}
    for name, blob in note.signatures:
        key = known.get((name, blob[:4]))
        if key is not None:
            seconds, head = (int.from_bytes(blob[4:12], "big"), 12) if key.kind == 4 else (0, 4)
            said = (f"cosignature/v1\ntime {seconds}\n" if key.kind == 4 else "") + note.text
            need(verify(key.raw, said.encode(), blob[head:]), 2, where, f"签名无效 the signature is not valid: {name}")
            found.setdefault(key, seconds)
    return found

Checkpoint = namedtuple("Checkpoint", "origin size root day sm3")  # what a day's checkpoint says
CHECKPOINT = r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([^\n]{44})\nday ([0-9]{4}-[0-9]{2}-[0-9]{2})\n(?:sm3 ([^\n]{44})\n)?"

def read_checkpoint(text: str, where: str) -> Checkpoint:
    """Read the text of a checkpoint that seals a day."""
    try:
        origin, size, root, day, other = (re.fullmatch(CHECKPOINT, text) or _no(text)).groups()
        return Checkpoint(origin, int(size), unbase64(root), str(to_date(day)), unbase64(other) if other else None)
    except ValueError:
        raise Bad(3, where, "不是每日检查点 not a day's checkpoint") from None

Trust = namedtuple("Trust", "origin collector witnesses require")  # trust.json: whose keys count

def read_trust(raw: bytes) -> Trust:
    """Read trust.json; Bad for anything that would make trust void (no witness required, one key in two places)."""
    where, strict = "trust.json", json.JSONDecoder(object_pairs_hook=_once, parse_float=_no, parse_constant=_no)
    try:
        value = strict.decode(raw.decode())
        fit(value, "format:s origin:n collector:n witnesses:w require:l", 2, where)
        witnesses = [(row["role"], read_key(row["key"], 4)) for row in value["witnesses"]]
        trust = Trust(value["origin"], read_key(value["collector"], 1), witnesses, value["require"])
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        raise Bad(2, where, f"读不懂 cannot be read: {str(error)[:160]}") from None
    raws = [trust.collector.raw, *(key.raw for _, key in witnesses)]
    need(value["format"] == "camsla-trust/1" and trust.collector.name == trust.origin, 2, where, "格式或来源不对 format or origin")
    need(len(set(raws)) == len(raws), 2, where, "同一密钥用于两处 one key serves in two places")
    fits = trust.require and set(map(str, trust.require)) <= {role for role, _ in witnesses}
    need(fits, 2, where, "未要求见证，或要求的见证没有密钥 no witness is required, or one that has no key")
    return trust

# -- 3 tree -------------------------------------------------------------------------------------------------------------------

SM3 = hashlib.new("sm3") if "sm3" in hashlib.algorithms_available else None  # GB/T 32905, where OpenSSL has it

class Tree:
    """An append-only Merkle tree (RFC 9162) as the hashes of its perfect subtrees, largest first."""

    def __init__(self, size: int, stack: list[bytes], hasher: Any) -> None:
        self.size, self.stack, self._leaf, self._node = size, stack, hasher.copy(), hasher.copy()
        self._leaf.update(b"\0")
        self._node.update(b"\1")

    def leaf(self, line: bytes) -> bytes:
        """Hash a line."""
        seen = self._leaf.copy()
        seen.update(line)
        return bytes(seen.digest())

    def node(self, left: bytes, right: bytes) -> bytes:
        """Hash two subtrees into one."""
        seen = self._node.copy()
        seen.update(left + right)
        return bytes(seen.digest())

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append leaves' hashes, level by level."""
        size, stack, carry, left = self.size, self.stack, list(leaves), []
        self.size += len(leaves)
        while carry or size:
            carry = [stack.pop(), *carry] if size & 1 else carry
            left += [carry.pop()] if len(carry) & 1 else []
            carry, size = [self.node(a, b) for a, b in zip(carry[::2], carry[1::2])], size >> 1
        self.stack = left[::-1]

    def root(self) -> bytes:
        """Fold the subtrees."""
        result = self.stack[-1] if self.stack else sha256(b"")
        for left in self.stack[-2::-1]:
            result = self.node(left, result)
        return result

def follow(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield left, right and parent of every step of an inclusion path (RFC 9162 2.1.3.2). ValueError if it does not fit."""
    at, last = index, size - 1
    for other in path:
        if not 0 <= at <= last or last == 0:
            raise ValueError("the path does not fit")
        left, right = (other, leaf) if at & 1 or at == last else (leaf, other)
        while at == last and not at & 1:
            at, last = at >> 1, last >> 1
        leaf, at, last = sha256(b"\1" + left + right), at >> 1, last >> 1
        yield left, right, leaf
    if last or at:
        raise ValueError("the path is too short")

# -- 4 lines ------------------------------------------------------------------------------------------------------------------

def _no(text: str) -> Any:
    raise ValueError(f"不允许的值 a value that is not allowed: {text[:40]}")

def _whole(text: str) -> int:
    return int(text) if len(text) <= 17 and abs(int(text)) < MAX_INT else int(_no(text))

def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    return dict(pairs) if len(dict(pairs)) == len(pairs) else _no("duplicate key")

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # what `loads` ends in, without its looks at blanks
_decode = json.JSONDecoder(parse_float=_no, parse_constant=_no, parse_int=_whole).decode
encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

def parse(line: bytes) -> Json:
    """Read canonical JSON: decoded and encoded again it must be the same text (no duplicate key, no float). ValueError."""
    text = line.decode()
    value = _decode(text)
    if encode(value) != text:
        raise ValueError("不是规范写法 not canonical: encoded again it is another text")
    return value

def to_date(text: str) -> date:
    """Read YYYY-MM-DD; ValueError otherwise."""
    return date.fromisoformat(text if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else _no(text))

def _is_day(value: Json) -> bool:
    try:
        return type(value) is str and bool(to_date(value))
    except ValueError:
        return False

def _rows(checks: str) -> Callable[[Json], Any]:
    """Check a list of rows that have one value per letter."""
    def fits(row: Json) -> bool:
        return type(row) is list and len(row) == len(checks) and all(CHECKS[c](cell) for c, cell in zip(checks, row))

    return lambda rows: type(rows) is list and all(map(fits, rows))

HEX = re.compile("[0-9a-f]{64}").fullmatch
CHECKS: dict[str, Callable[[Json], Any]] = {  # the types of fields, each by a letter
    "i": lambda v: type(v) is int and v >= 0, "z": lambda v: type(v) is int, "I": lambda v: v is None or type(v) is int,
    "s": lambda v: type(v) is str, "n": lambda v: type(v) is str and v, "S": lambda v: v is None or (type(v) is str and v),
    "B": lambda v: v is None or type(v) is str, "x": lambda v: type(v) is str and HEX(v),
    "h": lambda v: v == "" or (type(v) is str and HEX(v)), "d": _is_day, "D": lambda v: v is None or _is_day(v),
    "e": lambda v: v in ("online", "offline", "unknown"), "l": lambda v: type(v) is list,
    "L": lambda v: v is None or type(v) is list, "H": lambda v: type(v) is list and all(map(CHECKS["x"], v)),
    "N": lambda v: v is None or CHECKS["H"](v), "J": lambda v: v is None or type(v) is dict,
    "a": lambda v: type(v) is list and v and all(map(_is_day, v)), "f": lambda v: not misfit(v, FACTS),
    "m": lambda v: type(v) is dict and all(type(x) is str and HEX(x) for x in v.values()),
    "o": lambda v: type(v) is dict and all(type(x) in (int, str) and k.isascii() for k, x in v.items()),
    "w": lambda v: type(v) is list and not any(misfit(row, "role:n key:n") for row in v),
    "t": lambda v: v is None or not misfit(v, "id:n version:i sha256:x inputs_sha256:x"),
    "F": _rows("zIf"), "P": _rows("dD"), "C": _rows("szI"), "O": _rows("nzi"), "R": _rows("nnzzienni"), "G": _rows("nSzIs"),
}
FACTS = "accepted_on:D area:B billed_from:D billed_until:D category:B contract:B phase:B price:B retired_on:D supplier:B"
MANIFEST = "format:s origin:n contract:s period:n zone:n days:a first_size:i state:h statement:t points:L files:m software:s"
KINDS = {kind: f"k:s at:z {shape}" for kind, shape in {
    "tr": "t:z point:n vantage:n from:e to:e reason:n rung:n valid:i camera:s last:I n:I seq:i prev:h boot:B mono:I",
    "gap": "vantage:n point:S start:z end:I cause:s", "clk": "vantage:n t:z step_us:z",
    "adj": "what:n point:n start:z end:z cause:s claimed_by:n claimed_at:z document:h to:s approver:n id:x target:h",
    "agt": "vantage:n first:i last:i n:i sha256:x key:s sig:s", "key": "old:n new:n old_sig:n new_sig:n",
    "att": "what:n id:s version:i sha256:h media:s actor:s of:o", "ros": "point:n rev:i facts:F pauses:P stays:C",
    "sum": "day:d point:n rev:i on:i off:i un:i ex:i seq:i tip:h open:O prev:h",
    "man": "day:d first:i count:i prev:J points:i software:s zone:n archive:J state:h",
}.items()}
RANK = {"ros": 1, "sum": 2, "man": 3}

def misfit(value: Json, shape: str) -> str:
    """What keeps an object from having exactly the shape's fields, each of its type; "" if nothing does."""
    fields = dict(pair.split(":") for pair in shape.split())
    if type(value) is not dict or value.keys() != fields.keys():
        odd = sorted(value.keys() ^ fields.keys())[:5] if type(value) is dict else type(value).__name__
        return f"字段缺少或多余 a field is missing or unknown: {odd}"
    wrong = next((name for name, check in fields.items() if not CHECKS[check](value[name])), None)
    return "" if wrong is None else f"字段 {wrong} 不对 this field cannot be {str(value[wrong])[:60]!r}"

def fit(value: Json, shape: str, step: int, where: str) -> None:
    """Bad unless the object has the shape."""
    wrong = misfit(value, shape)
    need(not wrong, step, where, wrong)

_N, _Z, _S = "(?:0|[1-9][0-9]{0,14}|[1-8][0-9]{15})", "(?:0|-?[1-9][0-9]{0,14}|[1-8][0-9]{15})", r'[^"\\\x00-\x1f]'
FORMS = {  # how values of these types are written, but for texts with escapes and lists that are not of one row
    "s": f'"{_S}*"', "n": f'"{_S}+"', "B": f'(?:null|"{_S}*")', "i": _N, "z": _Z, "I": f"(?:null|{_Z})",
    "h": '"(?:[0-9a-f]{64})?"', "d": '"[0-9]{4}-[0-9]{2}-[0-9]{2}"', "e": '"(?:online|offline|unknown)"',
    "O": rf'\[\["{_S}+",{_Z},{_N}\]\]',
}

def _form(kind: str) -> Callable[[str], Any]:
    pairs = sorted(pair.split(":") for pair in KINDS[kind].split())
    fields = (f'"{name}":' + (f'"{kind}"' if name == "k" else FORMS[check]) for name, check in pairs)
    return re.compile(r"\{" + ",".join(fields) + r"\}").fullmatch

SUM, TR = _form("sum"), _form("tr")

def read_record(line: bytes) -> dict[str, Json]:
    """Read a record of a known kind: canonical, with exactly its fields. Most lines are of two kinds and plainly written."""
    text = line.decode()
    if SUM(text) or TR(text):
        plain: dict[str, Json] = _scan(text, 0)[0]
        return plain
    r = parse(line)
    need(type(r) is dict and r.get("k") in KINDS, 4, "", f"未知的记录 unknown kind of record: {line[:60]!r}")
    fit(r, KINDS[r["k"]], 4, "")
    return dict(r)

# -- 5 what the vantages say together: steps 1 to 5 of the data model ------------------------------------------------------------

Span = Any  # (start, end): whole seconds [start, end); lists of spans are normal: sorted, apart, none empty
Run = Any  # (first, last, n, valid, state, reason, rung, camera), instants in µs
Held = Any  # (start, end, state, low, high, run): the run's samples low to high - 1 fall into these seconds
Piece = Any  # (start, end, state, samples or None without limit)

def midnight(day: date, zone: str) -> int:
    """The second at which a day begins in a zone."""
    if zone == "Asia/Shanghai" and day.year >= 1992:  # no daylight saving since
        return (day.toordinal() - 719_163) * 86_400 - 28_800
    try:
        from zoneinfo import ZoneInfo  # noqa: PLC0415  # not in Python 3.8

        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
    except Exception:
        raise Bad(4, "manifest.json", f"本机没有时区数据 this machine has no data of the time zone {zone!r}") from None

def normal(spans: Iterable[Span]) -> list[Span]:
    """Sort spans, merge those that meet, drop empty ones."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            start, end = result[-1][0], max(end, result.pop()[1])
        result.append((start, end))
    return result

def clip(spans: Iterable[Span], a: int, b: int) -> list[Span]:
    """What of spans lies in [a, b)."""
    return [(max(s, a), min(e, b)) for s, e in spans if s < b and e > a and a < b]

def subtract(spans: Sequence[Span], out: Sequence[Span]) -> list[Span]:
    """What of spans lies in none of the others."""
    result: list[Span] = []
    for start, end in spans:
        for a, b in out[max(0, bisect_right(out, (start, FOREVER)) - 1) :]:
            if a >= end:
                break
            result += [(start, a)] if start < a else []
            start = max(start, b)
        result += [(start, end)] if start < end else []
    return result

def total(spans: Iterable[Span]) -> int:
    """Their seconds."""
    return sum(e - s for s, e in spans)

def before(run: Run, second: int) -> int:
    """How many of a run's samples, evenly spaced, lie before a second."""
    first, last, n = run[0] // MICRO, run[1] // MICRO, run[2]
    return 0 if second <= first else n if second > last or n == 1 else -(-(second - first) * (n - 1) // (last - first))

def hold(runs: Sequence[Run], blind: Any, auth: bool, since: int) -> list[Held]:
    """Where one vantage's runs hold (steps 1–3): to the next run, last + valid, or a gap; after a gap from the next sample on.

    `blind` are gaps as (start, end, instant of the end), and their ends; what cannot matter from the second `since` on is passed over.
    """
    gaps, ends = blind
    result: list[Held] = []
    following = FOREVER
    for run in reversed(runs):
        at, last, valid, state = run[0] // MICRO, run[1] // MICRO, run[3], run[4]
        end, following = min(following, last + valid), at
        state = "offline" if auth and run[5] == "auth-rejected" else state
        if at >= end or state == "unknown":
            continue
        parts, low, high = [], 0, run[2]
        for k in range(max(bisect_right(ends, at), bisect_right(ends, since - valid)), len(gaps)):
            dark, light, until = gaps[k]
            if at >= end or dark >= end:
                high = before(run, dark)
                break
            if dark > at:
                parts.append((at, dark, state, low, before(run, dark), run))
            if until <= run[0]:  # the gap lies before the run: rounding alone let them share a second
                at = max(at, light)
            elif until > run[1]:  # the run's last sample lies before the gap's end
                at = end
            else:
                low, at = min(before(run, light), run[2] - 1), max(light, min(last, light + valid))
        if at < end:
            parts.append((at, end, state, low, high, run))
        result += reversed(parts)
    return result[::-1]

def samples(held: Sequence[Held], a: int, b: int, state: str) -> int:
    """How many samples of a state a vantage has in [a, b)."""
    found = 0
    for start, end, its, low, high, run in held[max(0, bisect_left(held, (a + 1,)) - 1) :]:
        if start >= b:
            break
        if end > a and its == state:
            found += max(0, (high if b >= end else min(high, before(run, b))) - (low if a <= start else max(low, before(run, a))))
    return found

def merge(vantages: Sequence[Sequence[Held]], quorum: int) -> list[Piece]:
    """Step 4: online if any vantage is, else offline if enough are; the samples are those of the largest vantage there."""
    edges: list[Any] = []
    for start, end, state, *_ in (held for its in vantages for held in its):
        good = int(state == "online")
        edges += [(start, good, 1 - good), (end, -good, good - 1)]
    pieces: list[Piece] = []
    on, off, since, state = 0, 0, 0, "unknown"
    edges = [*sorted(edges), (FOREVER, 0, 0)]
    for (at, more_on, more_off), following in zip(edges, edges[1:]):
        on, off = on + more_on, off + more_off
        now = "online" if on else "offline" if off >= quorum else "unknown"
        if following[0] > at and now != state:
            if state != "unknown":
                pieces.append((since, at, state, max(samples(its, since, at, state) for its in vantages)))
            since, state = at, now
    return pieces

def account(pieces: Iterable[Any], a: int, b: int, out: Sequence[Span]) -> tuple[int, int, int, int]:
    """Online, offline, unknown and excluded seconds of [a, b)."""
    out, found = clip(out, a, b), {"online": 0, "offline": 0}
    for start, end, state, *_ in pieces if a < b else ():
        if start < b and end > a and state in found:
            span = (max(start, a), min(end, b))
            found[state] += total(subtract([span], out)) if out else span[1] - span[0]
    on, off, ex = found["online"], found["offline"], total(out)
    return on, off, max(0, b - a) - ex - on - off, ex

# -- 6 state: what the records so far say -----------------------------------------------------------------------------------------

class Point:
    """What the log says of one point."""

    def __init__(self, code: str) -> None:
        self.code, self.seq, self.tip, self.whole = code, 0, "", True
        self.ros: Json = None
        self.runs: dict[str, list[Run]] = {}
        self.adj: dict[str, Json] = {}
        self.excluded: list[Span] = []
        self.given: list[Any] = []
        self.sums: dict[str, Any] = {}  # day: (rev, seconds, leaf hash)

    def stays(self, run: Run) -> list[list[Json]]:
        """A run's camera's stays at the point."""
        return [stay for stay in self.ros["stays"] if stay[0] == run[7]] if self.ros else []

    def uncut(self, run: Run) -> bool:
        """Whether the run's camera has one stay, without an end, that began before the run; or it is no camera's."""
        stays = self.stays(run) if run[7] else []
        return not run[7] or (len(stays) == 1 and stays[0][2] is None and stays[0][1] <= run[0])

    def served(self) -> dict[str, list[Run]]:
        """The runs, those of a camera cut to its stays at the point; a verdict is not held beyond the stay."""
        cut: dict[str, list[Run]] = {}
        for vantage, its in () if self.whole else self.runs.items():
            kept = cut[vantage] = [run for run in its if not run[7]]
            for run, (_, start, end) in ((one, stay) for one in its if one[7] for stay in self.stays(one)):
                if run[1] >= start and (end is None or run[0] < end):
                    last = run[1] if end is None else min(run[1], end - 1)
                    valid = run[3] if end is None else min(run[3], -(-(end - last) // MICRO))
                    kept.append((max(run[0], start), last, run[2], valid, *run[4:]))
            kept.sort()
        return self.runs if self.whole else cut

    def decide(self) -> None:
        """Take the spans of approved corrections, floored to the second, and whether runs must be cut to stays."""
        spans = [(c["start"] // MICRO, c["end"] // MICRO, c["to"]) for c in self.adj.values()]
        self.excluded = normal((a, b) for a, b, to in spans if not to)
        self.given = [(a, b, to) for a, b, to in spans if to and a < b]
        self.whole = all(self.uncut(run) for its in self.runs.values() for run in its)

class State:
    """What the records so far say. Methods raise Bad without a place: the caller knows file, line and leaf."""

    def __init__(self, pack: Pack, zone: str, visible: Any) -> None:
        self.pack, self.zone, self.visible, self.since = pack, zone, visible, ""
        self.points: dict[str, Point] = {}
        self.gaps: dict[str, dict[str | None, list[list[Json]]]] = {}
        self.open: dict[Any, list[Json]] = {}  # gaps that are not over
        self.dark: dict[tuple[str, str | None], Any] = {}
        self.adj: dict[str, Point] = {}
        self.att: dict[str, str] = {}
        self.keys: list[str] = []
        self.touched: dict[str, int] = {}
        self.days: dict[str, Span] = {}
        self.late: set[Any] | None = None  # runs imported after the statement's inputs were frozen, on the same day

    def frozen(self) -> State:
        """The gaps and corrections as they are; `with_runs` adds the rest at the day's end."""
        other = State(self.pack, self.zone, self.visible)
        other.gaps = {v: {p: [list(row) for row in rows] for p, rows in its.items()} for v, its in self.gaps.items()}
        for code, point in self.points.items():
            other.point(code).excluded, other.point(code).given = point.excluded, point.given
        return other

    def with_runs(self, now: State) -> None:
        """Take runs and ledger of the day's end, without what was imported late in it."""
        for code, point in now.points.items():
            mine, late = self.point(code), now.late or ()
            mine.ros, mine.whole = point.ros, point.whole
            mine.runs = {v: [r for r in its if (code, v, r[0]) not in late] if late else its[:] for v, its in point.runs.items()}

    def bounds(self, day: str) -> Span:
        """A day's seconds [start, end)."""
        if day not in self.days:
            first = to_date(day)
            self.days[day] = (midnight(first, self.zone), midnight(first + timedelta(1), self.zone))
        return self.days[day]

    def point(self, code: str) -> Point:
        """The point of a code, new if nothing named it before."""
        if code not in self.points:
            self.points[code] = Point(code)
        return self.points[code]

    def touch(self, code: str, instant: int) -> None:
        """From that instant on a point's seconds may be others than before."""
        self.touched[code] = min(instant, self.touched.get(code, FOREVER))

    def _clk(self, r: dict[str, Json], leaf: str) -> None:
        pass  # nothing follows of it

    def _tr(self, r: dict[str, Json], leaf: str) -> None:
        point, t = self.point(r["point"]), r["t"]
        follows, point.seq, point.tip = (r["seq"], r["prev"]) == (point.seq + 1, point.tip), r["seq"], leaf
        runs = point.runs.setdefault(sys.intern(r["vantage"]), [])
        if r["last"] is not None and r["n"] is not None and runs:
            self.grow(point, runs, r["last"], r["n"])
        run = (t, t, 1, r["valid"], sys.intern(r["to"]), sys.intern(r["reason"]), sys.intern(r["rung"]), r["camera"])
        insort(runs, run)
        point.whole = point.whole and point.uncut(run)
        self.touch(point.code, t)
        need(follows, 5, "", f"{point.code}: 链断 the chain is broken: seq or prev does not follow its last tr")

    def grow(self, point: Point, runs: list[Run], last: int, n: int) -> None:
        """Take how far the newest run of a vantage had grown."""
        old = runs[-1]
        if (last, n) != old[1:3]:
            need(last >= old[1] and n >= old[2], 5, "", f"{point.code}: 一段变短 a run has shrunk")
            runs[-1] = (old[0], last, n, *old[3:])
            self.touch(point.code, old[1])

    def _gap(self, r: dict[str, Json], leaf: str) -> None:
        self.blacken(r["vantage"], r["point"], r["start"], r["end"], r["cause"])

    def blacken(self, vantage: str, code: str | None, start: int, end: int | None, cause: str) -> None:
        """Take a gap, or the end of an open one."""
        need(end is None or end > start, 5, "", "缺测倒置 a gap ends before it starts")
        ended = self.open.pop((vantage, code, start, cause), None) if end is not None else None
        if ended is None:
            row = [start, end, cause]
            self.gaps.setdefault(vantage, {}).setdefault(code, []).append(row)
            self.open.update({(vantage, code, start, cause): row} if end is None else {})
        else:
            ended[1] = end
        self.dark = {key: its for key, its in self.dark.items() if key[0] != vantage}
        for name in [self.point(code).code] if code is not None else [p.code for p in self.points.values() if vantage in p.runs]:
            self.touch(name, end if ended and end is not None else start)

    def _adj(self, r: dict[str, Json], leaf: str) -> None:
        claim = {name: r[name] for name in "cause claimed_at claimed_by document end point start to what target".split()}
        kinds = {"exclude": ("",), "revoke": ("",), "reclassify": ("online", "offline")}
        fits = r["to"] in kinds.get(r["what"], ()) and r["end"] > r["start"] and bool(r["target"]) == (r["what"] == "revoke")
        need(fits and r["id"] == sha256(encode(claim).encode()).hex(), 5, "", "更正不成立 the correction does not fit itself or its id")
        need(r["approver"] != r["claimed_by"], 5, "", f"申请人自己批准 approved by who claimed it: {r['approver']}")
        point, start = self.point(r["point"]), r["start"]
        if r["what"] == "revoke":
            point = self.adj.pop(r["target"], point)
            need(r["target"] in point.adj, 5, "", "撤销的更正不存在 it revokes what is not there")
            start = point.adj.pop(r["target"])["start"]
        else:
            point.adj[r["id"]] = {name: r[name] for name in r if name not in ("k", "at")}
            self.adj[r["id"]] = point
        self.touch(point.code, start)
        point.decide()

    def _agt(self, r: dict[str, Json], leaf: str) -> None:
        text = f"camsla-agent/1\n{r['vantage']}\n{r['first']}\n{r['last']}\n{r['n']}\n{r['sha256']}\n"
        fits = not (r["key"] or r["sig"]) or verify(unbase64(r["key"]), text.encode(), unbase64(r["sig"]))
        need(fits, 5, "", "代理的签名无效 the agent's signature is not valid")

    def _key(self, r: dict[str, Json], leaf: str) -> None:
        text = f"camsla-key/1\n{r['old']}\n{r['new']}\n".encode()
        signed = (verify(read_key(r[k], 1).raw, text, unbase64(r[f"{k}_sig"])) for k in ("old", "new"))
        need(r["old"] == self.keys[-1] and all(signed), 5, "", "换钥无效 the rotation is not from the key in force, signed by both")
        self.keys.append(r["new"])

    def _att(self, r: dict[str, Json], leaf: str) -> None:
        name, sha, imports = f"{r['what']} {r['id']} {r['version']}", r["sha256"], {"runs": "R", "gaps": "G"}
        fixed = r["what"] in {"contract", "inputs", "statement", "issued"}
        need(not fixed or self.att.get(name, sha) == sha, 5, "", f"同一版本两份内容 one version with two contents: {name}")
        self.att[name] = sha
        last: Any = ()
        for number, line in enumerate(self.pack.lines(f"blobs/{sha}") if r["what"] in imports else (), 1):
            where, row = f"blobs/{sha}:{number}", parse(line)
            need(CHECKS[imports[r["what"]]]([row]), 4, where, f"行不对 a row cannot be {str(row)[:60]!r}")
            order = tuple((cell is not None, cell or 0) for cell in row)
            need(not last or order >= last, 4, where, "次序不对 out of order")
            last = order
            if r["what"] == "gaps":
                self.blacken(*row)
                continue
            code, vantage, first, end, n, *told, valid = row
            insort(self.point(code).runs.setdefault(sys.intern(vantage), []), (first, end, n, valid, *map(sys.intern, told), ""))
            self.touch(code, first)
            if self.late is not None:
                self.late.add((code, vantage, first))

    def _ros(self, r: dict[str, Json], leaf: str) -> None:
        point = self.point(r["point"])
        old = point.ros or {"rev": 0, "stays": []}
        need(r["rev"] == old["rev"] + 1, 5, "", f"{point.code}: 台账版本不连续 rev of its ros does not follow")
        point.ros = {name: r[name] for name in r if name not in ("k", "at")}
        if r["stays"] != old["stays"]:
            point.decide()
            self.touch(point.code, 0)

    def blind(self, vantage: str, code: str) -> Any:
        """The seconds that a vantage's gaps touch at a point, merged, with the instant of each end; and the ends for searching."""
        its = self.gaps.get(vantage, {})
        key = (vantage, code if code in its else None)
        if key not in self.dark:
            found: list[Any] = []
            rows = [*its.get(None, ()), *its.get(code, ())]
            for first, end, _ in sorted(rows, key=lambda row: row[0]):
                until = FOREVER * MICRO if end is None else end
                dark, light = first // MICRO, -(-until // MICRO)
                if dark < light and found and dark <= found[-1][1]:
                    dark, light, until = found[-1][0], max(light, found[-1][1]), max(until, found.pop()[2])
                found += [(dark, light, until)] if dark < light else []
            self.dark[key] = (found, [gap[1] for gap in found])
        return self.dark[key]

    def pieces(self, point: Point, a: int, b: int, auth: bool = False, quorum: int = 1) -> list[Piece]:
        """What the vantages say together in [a, b), and what reclassifications give to unknown seconds."""
        held = []
        for vantage, runs in point.served().items():
            cut = runs[max(0, bisect_left(runs, ((a + 1) * MICRO,)) - 1) : bisect_left(runs, (b * MICRO,))]
            held.append(hold(cut, self.blind(vantage, point.code), auth, a))
        alone = len(held) == 1 and quorum == 1
        pieces = [(s, e, state, high - low) for s, e, state, low, high, _ in held[0]] if alone else merge(held, quorum)
        for to in ("online", "offline") if point.given else ():
            new = subtract(normal((s, e) for s, e, its in point.given if its == to), normal((s, e) for s, e, *_ in pieces))
            pieces = sorted([*pieces, *((s, e, to, None) for s, e in new)], key=lambda piece: piece[0])
        return pieces

    def seconds(self, point: Point, a: int, b: int) -> tuple[int, int, int, int]:
        """Online, offline, unknown and excluded seconds of [a, b), raw, as known now."""
        return account(self.pieces(point, a, b), a, b, point.excluded)

    def sum(self, r: dict[str, Json], leaf: bytes) -> None:
        """Take a `sum`: its place in the chains, how far runs had grown, and its seconds recomputed."""
        day, point, told = r["day"], self.point(r["point"]), (r["on"], r["off"], r["un"], r["ex"])
        name, old = f"{point.code} {day}", point.sums.get(day)
        need([row[0] for row in r["open"]] == sorted(point.runs), 5, "", f"{name}: open 的视角不对 open names other vantages")
        for vantage, last, n in r["open"]:
            self.grow(point, point.runs[vantage], last, n)
        point.sums[day] = (r["rev"], told, leaf)
        need((r["seq"], r["tip"]) == (point.seq, point.tip), 5, "", f"{name}: seq 或 tip 不对 seq or tip is not that of its last tr")
        if old is None and day < self.since:
            return  # a day before what the state document tells
        follows = (0, "") if old is None else (old[0] + 1, old[2].hex())
        need((r["rev"], r["prev"]) == follows, 5, "", f"{name}: 版本链断 rev or prev does not follow its last sum")
        right = self.seconds(point, *self.bounds(day)) if day >= self.since else told
        if told != right:
            raise Bad(6, "", f"{name}: 记 {list(told)}，重算 recomputed {list(right)} (on, off, un, ex)")

    def close(self, day: str) -> Iterator[Bad]:
        """At a day's end: sums that are missing, and those of earlier days that late records made untrue."""
        for code, point in self.points.items():
            if self.visible is not None and code not in self.visible:
                continue
            a, b = self.bounds(day)
            facts, known = point.ros["facts"] if point.ros else (), point.runs or point.given or point.excluded
            meets = any(s < b * MICRO and (e is None or e > a * MICRO) for s, e, _ in facts)
            if day not in point.sums and (meets or (known and self.seconds(point, a, b) != (0, 0, b - a, 0))):
                yield Bad(5, "", f"{code}: 没有当日的 sum no sum of the day")
            at = self.touched.get(code, FOREVER) // MICRO
            if at >= a:
                continue
            firsts = [its[0][0] for its in point.runs.values() if its] + [c["start"] for c in point.adj.values()]
            at = max(at, min(firsts, default=a * MICRO) // MICRO)
            early = date(1970, 1, 1) + timedelta(at // 86_400 - 1)
            for label in (str(early + timedelta(n)) for n in range((to_date(day) - early).days)):
                a, b = self.bounds(label)
                told = point.sums.get(label, (0, (0, 0, b - a, 0)))[1]
                if b > at and label >= self.since and told != self.seconds(point, a, b):
                    yield Bad(6, "", f"{code}: {label} 的 sum 未更正 its sum of that day was not corrected")
        self.touched.clear()

    def document(self, origin: str, day: str, size: int) -> Json:
        """The state document: what a reader needs to begin after a day."""
        days = [str(to_date(day) - timedelta(n)) for n in range(3)]
        horizon, hour, points = self.bounds(days[2])[0] * MICRO, 3_600 * MICRO, {}
        for code, point in self.points.items():
            long = [(-r[0], vantage) for vantage, its in point.runs.items() for r in its
                    if r[0] <= horizon and r[4] == "online" and r[2] >= 10 and r[1] - r[0] >= hour]
            since, own = min(long) if long else (FOREVER, "")
            runs = []
            for vantage, its in sorted(point.runs.items()):
                at = bisect_left(its, (-since,)) if long else 0
                runs += [[vantage, r[0], r[1], r[2], *r[4:7], r[3], r[7]] for r in its[at if vantage == own else max(0, at - 1) :]]
            sums = {d: [point.sums[d][0], *point.sums[d][1], point.sums[d][2].hex()] for d in days if d in point.sums}
            points[code] = {"ros": point.ros, "seq": point.seq, "tip": point.tip, "runs": runs, "sums": sums}
        gaps = [[v, code, *row] for v, its in self.gaps.items() for code, rows in its.items() for row in rows]
        gaps.sort(key=lambda row: [(cell is not None, cell or 0) for cell in row])
        adj = [self.adj[name].adj[name] for name in sorted(self.adj)]
        return {"format": "camsla-state/1", "origin": origin, "day": day, "size": size, "points": points, "gaps": gaps, "adj": adj,
                "att": self.att, "key": self.keys[-1]}

    def load(self, doc: Json) -> None:
        """Begin from a state document."""
        self.att, self.keys, self.since = dict(doc["att"]), [doc["key"]], str(to_date(doc["day"]) - timedelta(2))
        for row in doc["gaps"]:
            self.blacken(*row)
        self.touched.clear()
        for code, its in doc["points"].items():
            point = self.point(code)
            point.ros, point.seq, point.tip = its["ros"], its["seq"], its["tip"]
            for vantage, first, last, n, verdict, reason, rung, valid, camera in its["runs"]:
                run = (first, last, n, valid, *map(sys.intern, (verdict, reason, rung)), camera)
                point.runs.setdefault(sys.intern(vantage), []).append(run)
            point.sums = {d: (row[0], tuple(row[1:5]), bytes.fromhex(row[5])) for d, row in its["sums"].items()}
        for record in doc["adj"]:
            self.adj[record["id"]] = self.point(record["point"])
            self.adj[record["id"]].adj[record["id"]] = record
        for point in self.points.values():
            point.decide()

# -- 7 the days, one after the other ----------------------------------------------------------------------------------------------

class Log:
    """The log of a pack, read day by day."""

    def __init__(self, report: Report, pack: Pack, manifest: dict[str, Json], trust: Trust, prove: Any) -> None:
        self.report, self.pack, self.manifest, self.trust, self.prove = report, pack, manifest, trust, prove
        points = manifest["points"]
        self.state = State(pack, manifest["zone"], None if points is None else frozenset(points))
        self.notes: list[tuple[str, int, Note]] = []  # file, how many rotations came before it, note
        self.tree, self.other = Tree(0, [], hashlib.sha256()), None  # type: Tree, Tree | None
        self.known: State | None = None  # what was known when the statement's inputs were frozen
        self.proven: tuple[int, bytes] | None = None
        self.leaves: list[bytes] = []
        self.before: list[bytes] = []
        self.lines = self.sums = self.rotations = 0

    def read(self) -> bool:
        """Read all days."""
        for number, day in enumerate(self.manifest["days"]):
            self.open_day(day, number == 0)
            self.read_day(day)
            self.close_day(day)
        return True

    def open_day(self, day: str, first: bool) -> None:
        """Compare the tree so far with frontier.json and prev.note with the checkpoint before; begin from a state document."""
        where, note_where = f"log/{day}/frontier.json", f"log/{day}/prev.note"
        line, raw = self.pack.json(where, 3, "size:i sha256:H sm3:N"), self.pack.read(note_where)
        self.rotations = max(0, len(self.state.keys) - 1)
        hashes, others = ([bytes.fromhex(one) for one in line[name] or ()] for name in ("sha256", "sm3"))
        if first:
            self.tree, self.before = Tree(line["size"], hashes, hashlib.sha256()), list(hashes)
            self.other = Tree(line["size"], others, SM3) if SM3 and line["sm3"] is not None else None
        fits = (self.tree.size, self.tree.stack) == (line["size"], hashes) and len(hashes) == bin(line["size"]).count("1")
        fits = fits and (self.other is None or line["sm3"] is None or (self.other.stack == others and len(others) == len(hashes)))
        need(fits, 3, where, "与前日之后的树不符 not the tree of the day before")
        if line["size"] == 0:
            need(not raw and first and not self.manifest["state"], 3, note_where, "首日之前不应有内容 nothing comes before the first day")
            self.state.keys = [self.first_key(day)]
            return
        note = read_note(raw, note_where)
        if not first:
            need(note.text == self.notes[-1][2].text, 3, note_where, "不是前日的检查点 not the checkpoint of the day before")
            return
        said, yesterday = read_checkpoint(note.text, note_where), str(to_date(day) - timedelta(1))
        fits = said[:4] == (self.manifest["origin"], self.manifest["first_size"], self.tree.root(), yesterday)
        need(fits and said.size == self.tree.size, 3, note_where, "与起点的树不符 not the checkpoint of the tree before the first day")
        self.notes.append((note_where, 0, note))
        self.begin(said)

    def begin(self, said: Checkpoint) -> None:
        """Begin from the state document of the day before, proven by the `man` record that names it, in that day's tree."""
        where, proof_where = "log/state.json", "log/state.proof.json"
        proof = self.pack.json(proof_where, 7, "line:s leaf:i path:H")
        line = proof["line"].encode()
        man, leaf, path = parse(line), sha256(b"\0" + line), [bytes.fromhex(one) for one in proof["path"]]
        root = [leaf, *(parent for _, _, parent in follow(leaf, proof["leaf"], said.size, path))][-1]
        fits = root == said.root and man["k"] == "man" and man["day"] == said.day
        need(fits, 7, proof_where, "不在起点的树中 not in the tree before the first day")
        doc = self.pack.json(where, 7)
        fits = sha256(encode(doc).encode()).hex() == man["state"] == self.manifest["state"]
        need(fits, 7, where, "与其指纹不符 not of its digest")
        fits = (doc["format"], doc["origin"], doc["day"], doc["size"]) == ("camsla-state/1", said.origin, said.day, said.size)
        need(fits, 7, where, "不是该日之后的状态 not the state after that day")
        self.state.load(doc)

    def first_key(self, day: str) -> str:
        """The collector's key in force at the log's beginning: the trusted one, unless that is one it was rotated to."""
        note = read_note(self.pack.read(f"log/{day}/checkpoint.note"), f"log/{day}/checkpoint.note")
        if self.trust.collector.id not in [(name, blob[:4]) for name, blob in note.signatures]:
            for line in (line for its in self.manifest["days"] for line in self.pack.lines(f"log/{its}/records.ndjson")):
                if b'"k":"key"' in line:
                    return str(parse(line)["old"])
        return str(self.trust.collector.text())

    def read_day(self, day: str) -> None:
        """Read the lines of a day: form, order, chains, seconds."""
        name, state, tree, first = f"log/{day}/records.ndjson", self.state, self.tree, self.tree.size
        limit, visible, rank, revs, number, man = state.bounds(day)[1] * MICRO - 1, state.visible, 0, 0, 0, None
        leaves: list[bytes] = []
        others: list[bytes] = []
        for number, line in enumerate(self.pack.lines(name), 1):
            try:
                if line[:1] == b"~" and visible is not None:
                    need(HEX(line[1:].decode()), 4, "", "不是叶指纹 not a leaf hash")
                    leaves.append(bytes.fromhex(line[1:].decode()))
                    self.other = None
                    continue
                leaves.append(tree.leaf(line))
                if self.other is not None:
                    others.append(self.other.leaf(line))
                r = read_record(line)
                kind, mine = r["k"], RANK.get(r["k"], 0)
                if mine < rank or rank == 3 or (r["at"] != limit if mine else r["at"] > limit):
                    raise Bad(4, "", f"次序或 at 不对 {kind} is out of order, or its `at` is not of this day")
                rank = mine
                if visible is not None and kind in {"tr", "ros", "sum"}:
                    need(r["point"] in visible, 4, "", "不在所选点位之列 not one of the pack's points")
                if kind == "man":
                    man = r
                elif kind != "sum":
                    need(r.get("t", 0) <= limit + DAY_US, 4, "", "时钟相差过大 a clock far off: t lies more than a day ahead")
                    getattr(state, f"_{kind}")(r, leaves[-1].hex())
                    self.freeze(r)
                else:
                    need(r["day"] <= day, 4, "", "未来的 sum a sum of a day to come")
                    self.sums, revs = self.sums + 1, revs + (r["rev"] == 0)
                    if self.prove == (r["point"], r["day"]):
                        self.proven = (first + number - 1, line)
                    state.sum(r, leaves[-1])
            except Bad as bad:
                self.report.fail(bad.step, bad.where or f"{name}:{number} (leaf {first + number - 1})", bad.what)
            except Exception as error:
                self.report.fail(4, f"{name}:{number} (leaf {first + number - 1})", f"{type(error).__name__}: {str(error)[:160]}")
            need(self.report.count < 1_000, 4, name, "问题过多，不再往下读 too many findings, read no further")
        tree.extend(leaves)
        if self.other is not None:
            self.other.extend(others)
        self.leaves += leaves if self.prove else []
        self.lines += number
        if state.late is not None and self.known is not None:
            self.known.with_runs(state)
            state.late = None
        self.report.step(4, name, lambda: self.check_man(day, man, f"{name}:{number} (man)", first, number, revs))

    def freeze(self, r: dict[str, Json]) -> None:
        """At the `att` of the statement's inputs: what is known now is what its rates must follow from."""
        s = self.manifest["statement"]
        if s and r["k"] == "att" and (r["what"], r["id"], r["version"]) == ("inputs", s["id"], s["version"]):
            need(r["sha256"] == s["inputs_sha256"], 5, "", "输入不是清单所列 the inputs are not those of the manifest")
            self.known, self.state.late = self.state.frozen(), set()

    def check_man(self, day: str, man: Json, where: str, first: int, rows: int, revs: int) -> None:
        """The day's last record tells its range; at month ends it names the state document, which is made again."""
        for bad in self.state.close(day):
            self.report.fail(bad.step, f"log/{day}/records.ndjson", bad.what)
        need(man is not None, 4, where, "没有 man no man record ends the day")
        root = unbase64(self.notes[-1][2].text.split("\n")[2]).hex() if self.notes else ""
        told = (man["day"], man["first"], man["count"], man["prev"], man["zone"])
        fits = told == (day, first, rows, {"size": first, "root": root}, self.manifest["zone"])
        need(fits and (self.state.visible is not None or man["points"] == revs), 4, where, "man 与当日不符 man is not that of the day")
        due = first == 0 or (to_date(day) + timedelta(1)).day == 1
        need(bool(man["state"]) == due, 7, where, "首日与月末才有状态 the first day and month ends name a state, no other day")
        if due and self.state.visible is not None:
            self.report.lack(7, "状态含未列点位 state documents hold points that this pack leaves out")
        elif due:
            again = sha256(encode(self.state.document(self.manifest["origin"], day, self.tree.size)).encode()).hex()
            need(again == man["state"], 7, where, "状态文件重算不符 the state document, made again, has another digest")
            self.report.facts[7].append(day)

    def close_day(self, day: str) -> None:
        """The checkpoint after the day has the tree's size and roots."""
        where = f"log/{day}/checkpoint.note"
        note = read_note(self.pack.read(where), where)
        said = read_checkpoint(note.text, where)
        self.notes.append((where, self.rotations, note))
        fits = said[:4] == (self.manifest["origin"], self.tree.size, self.tree.root(), day)
        need(fits, 3, where, "大小或根与当日各行不符 its size or root is not that of the day's lines")
        same = said.sm3 is None or self.other is None or said.sm3 == self.other.root()
        need(same, 3, where, "SM3 根不符 its SM3 root is not that of the day's lines")

# -- 8 rates: the timeline under the contract's policy, and what was frozen of it --------------------------------------------------

def join(pieces: Iterable[Piece]) -> list[Piece]:
    """One unbroken row: equal neighbours merged, holes and unknown pieces one unknown piece, none at the ends."""
    result: list[Piece] = []
    for start, end, state, n in pieces:
        if state != "unknown" and start < end:
            if result and result[-1][1] < start:
                result.append((result[-1][1], start, "unknown", 0))
            if result and result[-1][2] == state:
                start, _, _, m = result.pop()
                n = None if None in (m, n) else m + n
            result.append((start, end, state, n))
    return [(start, end, state, n if n is None else max(n, 1)) for start, end, state, n in result]

def debounce(pieces: list[Piece], of: str, opposite: str, enclosed: str, exposed: str, least_s: int, least_n: int) -> list[Piece]:
    """Steps 6 and 7: what becomes of the pieces of each chain of a state that is too short or has too few samples."""
    changed: dict[int, str] = {}
    chain: list[int] = []
    for k in range(len(pieces) + 1):
        if k < len(pieces) and pieces[k][2] == of:
            chain.append(k)
        elif chain and (k == len(pieces) or pieces[k][2] == opposite):
            samples = [pieces[i][3] for i in chain]
            if total(pieces[i][:2] for i in chain) < least_s or (None not in samples and sum(samples) < least_n):
                sides = [pieces[i][2] if 0 <= i < len(pieces) else "" for i in (chain[0] - 1, chain[-1] + 1)]
                changed.update(dict.fromkeys(chain, enclosed if sides == [opposite, opposite] else exposed))
            chain = []
    return join((a, b, changed.get(k, state), n) for k, (a, b, state, n) in enumerate(pieces)) if changed else pieces

def timeline(state: State, point: Point, policy: dict[str, Json]) -> tuple[list[Piece], list[list[Span]]]:
    """A point's pieces after debouncing, and its confirmed outages as their offline spans."""
    quorum = policy["quorum"] if policy["vantages"] == "quorum" else 1
    pieces = join(state.pieces(point, 0, FOREVER, policy["auth_rejected"] == "offline", quorum))
    pieces = debounce(pieces, "offline", "online", "online", "unknown", policy["minimum_outage_s"], policy["confirm_samples"])
    pieces = debounce(pieces, "online", "offline", "offline", "online", policy["minimum_recovery_s"], policy["recovery_samples"])
    outages: list[list[Span]] = []
    last = "online"
    for start, end, verdict, _ in pieces:
        if verdict == "offline":
            outages += [[]] if last == "online" else []
            outages[-1].append((start, end))
        last = last if verdict == "unknown" else verdict
    return pieces, outages

def in_contract(point: Point, terms: dict[str, Json], a: int, b: int) -> Iterator[tuple[int, int, dict[str, Json]]]:
    """The spans of a point's facts within [a, b) in which it belongs to the contract."""
    phases = {phase["id"] for phase in terms["phases"]}
    for start, end, facts in point.ros["facts"] if point.ros else ():
        since, until = max(a, start // MICRO), b if end is None else min(b, end // MICRO)
        if since < until and facts["phase"] in phases and facts["contract"] in ("", None, terms["contract"]):
            yield since, until, facts

class Survey:
    """What a contract's points were in some windows: seconds by window, phase and point, and outages."""

    def __init__(self, state: State, terms: dict[str, Json], windows: dict[str, Span]) -> None:
        self.policy = terms["policy"]
        self.seconds: Json = {label: {} for label in windows}
        self.outages: Json = {label: {} for label in windows}
        low, high = min(a for a, _ in windows.values()), max(b for _, b in windows.values())
        for code, point in sorted(state.points.items()):
            its = list(in_contract(point, terms, low, high))
            pieces, outages = timeline(state, point, self.policy) if its else ([], [])
            out = [] if self.policy["exclusions"] == "counted" else point.excluded
            for since, until, facts in its:
                accepted, retired = (state.bounds(facts[name])[0] if facts[name] else FOREVER for name in ("accepted_on", "retired_on"))
                for label, (a, b) in windows.items():
                    row = self.seconds[label].setdefault(facts["phase"], {}).setdefault(code, [0, 0, 0, 0])
                    a, b = max(a, since, accepted), min(b, until, retired)
                    row[:] = [n + more for n, more in zip(row, account(pieces, a, b, out))]
                    for spans in outages if a < b else ():
                        first, last = spans[0][0], spans[-1][1]
                        inside = total(subtract(clip(spans, a, b), out))
                        if first < b and last > a and (inside or subtract(clip(spans, accepted, a), out)):
                            stamp = datetime.fromtimestamp(first, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
                            excused = clip(point.excluded, first, last) == [(first, last)]
                            found = self.outages[label].setdefault(facts["phase"], {}).setdefault(code, [])
                            found.append([f"{code}@{stamp}", first, last, inside, "", None, excused])

    def of(self, label: str, phase: str) -> Json:
        """A phase's seconds in a window, None if it has no points there."""
        rows = self.seconds[label].get(phase)
        return None if rows is None else [sum(column) for column in zip(*rows.values())]

    def counts(self, row: Sequence[int]) -> list[int]:
        """Step 10: good and counted."""
        on, off, un, ex = row
        ex = ex if self.policy["exclusions"] == "online" else 0
        un, good = (0 if self.policy["unknown"] == "excluded" else un), (un if self.policy["unknown"] == "online" else 0)
        return [on + ex + good, on + off + ex + un]

    def rate(self, row: Json) -> Json:
        """A measured rate as frozen inputs write it, None where nothing was counted."""
        return [*self.counts(row), "measured", ""] if row and self.counts(row)[1] else None

def later(first: date, months: int) -> date:
    """The day some months later, or that month's last one."""
    month = first.year * 12 + first.month - 1 + months
    last = (date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(1)).day
    return date(month // 12, month % 12 + 1, min(first.day, last))

def period_of(text: str) -> Span:
    """The first day of a period and the day after its last."""
    if re.fullmatch("[0-9]{4}Q[1-4]", text):
        first = date(int(text[:4]), 3 * int(text[5:]) - 2, 1)
        return first, later(first, 3)
    if re.fullmatch("[0-9]{4}-[0-9]{2}", text):
        return to_date(f"{text}-01"), later(to_date(f"{text}-01"), 1)
    first, last = map(to_date, text.split(".."))
    return first, last + timedelta(1)

def rosters(state: State, terms: dict[str, Json], first: date, after: date) -> dict[str, dict[str, Any]]:
    """By phase and code: [billed days, category, prices of the ledger], from a quarter's first day to the day after it."""
    result: dict[str, dict[str, Any]] = {}
    edges = [first + timedelta(n) for n in range((after - first).days + 2)]
    midnights = [midnight(day, state.zone) for day in edges]
    for code, point in sorted(state.points.items()):
        for a, b, facts in in_contract(point, terms, midnights[0], midnights[-1]):
            held = [edges[bisect_right(midnights, at) - 1].toordinal() for at in (a, b)]
            start = facts["billed_from"] or facts["accepted_on"]
            ends = [ordinal(facts[name]) for name in ("billed_until", "retired_on")]
            pauses = normal((ordinal(x), ordinal(y)) for x, y in point.ros["pauses"])
            days = subtract(normal([(ordinal(start), min(ends))]), pauses) if start else []
            row = result.setdefault(facts["phase"], {}).setdefault(code, [[], "", []])
            row[0] = normal([*row[0], *clip(days, *held)])
            row[1] = facts["category"] or row[1]
            price = (facts["price"] or "").strip().replace(",", "") if terms["prices_from"] == "ledger" else ""
            if price and (not row[2] or row[2][-1][1] != fen(price)):
                row[2].append((held[0], fen(price)))
    return result

def ordinal(day: Json) -> int:
    """The number of a day, of none the last there is."""
    return to_date(day).toordinal() if day else date.max.toordinal()

def frozen_facts(state: State, terms: dict[str, Json], quarter: str) -> tuple[dict[str, Json], Survey]:
    """The quarter's facts by phase as frozen inputs have them, as far as the log shows them."""
    first, after = period_of(quarter)
    days = [later(first, n) for n in range(4)]
    edges, labels = [midnight(day, state.zone) for day in days], [str(day)[:7] for day in days[:3]]
    looks = terms["grain"] == "month" or terms["rules"] or terms["escalations"] or terms["breaches"]
    months: dict[str, Span] = {label: span for label, *span in zip(labels, edges, edges[1:])} if looks else {}
    survey = Survey(state, terms, {quarter: (edges[0], edges[3]), **months})
    result = {}
    for phase, points in rosters(state, terms, first, after).items():
        lots = sorted({(tuple(billed), tuple(prices)) for billed, _, prices in points.values()})
        rows = []
        for label in months if any(phase in survey.seconds[label] for label in months) else ():
            seconds, outages = survey.of(label, phase) or [0, 0, 0, 0], survey.outages[label].get(phase, {})
            judged = [[code, *survey.counts(survey.seconds[label][phase][code]), outages[code]] for code in sorted(outages)]
            rows.append({"month": label, "rate": survey.rate(seconds), "seconds": seconds, "points": judged})
        seconds, groups = survey.of(quarter, phase), sorted({billed for billed, _ in lots})
        result[phase] = json.loads(encode({
            "groups": [[spans, sum(tuple(its[0]) == spans for its in points.values())] for spans in groups],
            "lots": [{"billed": billed, "prices": prices} for billed, prices in lots],
            "roster": [[code, lots.index((tuple(its[0]), tuple(its[2]))), its[1]] for code, its in points.items()],
            "own_rate": survey.rate(seconds), "rate": survey.rate(seconds), "seconds": seconds, "months": rows,
        }))
    return result, survey

def measured(facts: Json, own: bool, judged: bool, excused: Any) -> Json:
    """What of a phase's facts a log shows: `own` rates pay, points are `judged`; what the log wholly excludes is `excused`."""
    kept: dict[str, Json] = {name: facts[name] for name in ("groups", "lots", "roster", "own_rate", "seconds")}
    kept.update({"rate": facts["rate"]} if own else {})
    for month in (month for month in facts["months"] if month["seconds"] is not None):
        row = kept[f"months.{month['month']}"] = {"seconds": month["seconds"], "points": {}}
        row.update({"rate": month["rate"]} if own else {})
        for code, good, counted, outages in month["points"] or () if judged else ():
            told = {name: [*its, name not in excused or yes] for name, (*its, yes) in joined(outages).items()}
            row["points"][code] = [good, counted, told]
    return kept

def outages_of(facts: Json) -> Iterator[Json]:
    """All outages of a phase's months."""
    return (outage for month in facts["months"] for row in month["points"] or () for outage in row[3])

def joined(outages: Iterable[Sequence[Json]]) -> dict[str, list[Json]]:
    """Outages by incident: start, end, counted seconds, whether excused; parts of one are put together."""
    result: dict[str, list[Json]] = {}
    for row in outages:
        known = result.setdefault(row[0], [row[1], row[2], 0, False])
        known[2], known[3] = known[2] + row[3], known[3] or row[6]
    return result

# -- 9 money: integer fen, exact fractions, one rounding per line -------------------------------------------------------------------

Fee = Any  # {component: exact fen}, under "" where a price has none
Amount = Any  # {"": a line's gross, net and tax in fen, component: its part of them}
NOTHING: Amount = {"": (0, 0, 0)}

def exact(text: Json) -> Fraction:
    """Read a share or an amount exactly; no exponents, in which a few characters stand for gigabytes of digits."""
    fits = re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40}|/[0-9]{0,39}[1-9][0-9]{0,39})?", str(text))
    return Fraction(str(text) if fits else _no(str(text)))

def fen(yuan: str) -> int:
    """Read yuan exactly."""
    value = exact(yuan) * 100
    return int(value if value.denominator == 1 else _no(yuan))

def yuan(amount: int) -> str:
    """Write fen as yuan with two decimals."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"

def rounded(exact: Fraction) -> int:
    """Half up, symmetric for negatives."""
    size = floor(abs(exact) + Fraction(1, 2))
    return -size if exact < 0 else size

def add(*fees: Fee) -> Fee:
    """Sum by component."""
    result: Fee = {}
    for fee in fees:
        for name, its in fee.items():
            result[name] = result.get(name, 0) + its
    return result

def scale(fee: Fee, by: Any) -> Fee:
    """Multiply every component."""
    return {name: its * by for name, its in fee.items()}

def whole(fee: Fee) -> Fraction:
    """All components together."""
    return sum(fee.values(), Fraction(0))

def split(amount: int, weights: dict[str, Any]) -> dict[str, int]:
    """Spread an amount by weight, largest remainder, ties to the smaller name; a negative one as the negative of its size's."""
    if amount < 0:
        return {name: -part for name, part in split(-amount, weights).items()}
    common = 1
    for denominator in {Fraction(w).denominator for w in weights.values()}:
        common = common * denominator // gcd(common, denominator)
    wholes = {name: int(w * common) for name, w in weights.items()}
    everything = sum(wholes.values()) or 1
    parts = {name: amount * w // everything for name, w in wholes.items()}
    rests = sorted(wholes, key=lambda name: (-(amount * wholes[name] % everything), name)) if any(wholes.values()) else []
    for name in rests[: amount - sum(parts.values())]:
        parts[name] += 1
    return parts

def taxed(fee: Any, rate: Fraction, weights: Fee) -> Amount:
    """A line from its exact gross: net = gross / (1 + rate) rounded once, both spread over the components by weight."""
    gross = rounded(fee)
    net, weights = rounded(gross / (1 + rate)), {name: w for name, w in weights.items() if name}
    parts = split(gross, weights) if any(weights.values()) else {}
    nets = split(net, {name: abs(part) for name, part in parts.items()})
    return {"": (gross, net, gross - net), **{name: (part, nets[name], part - nets[name]) for name, part in parts.items()}}

def plus(a: Amount, b: Amount, sign: int = 1) -> Amount:
    """Add column by column; where one is not broken down the sum is not either, unless that one is nothing."""
    line = {name: tuple(x + sign * y for x, y in zip(a.get(name, (0, 0, 0)), b.get(name, (0, 0, 0)))) for name in {**a, **b}}
    unbroken = [its for its in (a, b) if len(its) == 1]
    return {"": line[""]} if len(unbroken) == 1 and any(unbroken[0][""]) else line

def written(amount: Amount) -> dict[str, Json]:
    """An amount as a document writes it."""
    rows = {name: dict(zip(("gross", "net", "tax"), map(yuan, columns))) for name, columns in amount.items()}
    return {**rows.pop(""), "components": rows}

def read_amount(row: dict[str, Json]) -> Amount:
    """An amount as frozen inputs hold it."""
    return {"": tuple(row["line"]), **{name: tuple(part) for name, *part in row["components"]}}

def day_count(spans: Sequence[Span], month: Span, rule: str) -> tuple[int, int]:
    """Of a month: the units for which spans of days are charged, and into how many it is divided."""
    a, b = month
    inside = clip(spans, a, b)
    days, units = total(inside), {"actual": b - a, "actual/30": 30, "half-month": 2, "full-month": 1, "next-month": 1}[rule]
    if days in {0, b - a}:
        return (units if days else 0), units
    halves = (inside[0][0] < a + 15) + (inside[-1][1] > a + 15)
    return {"half-month": halves, "full-month": 1, "next-month": int(inside[0][0] == a)}.get(rule, days), units

# -- 10 the statement ---------------------------------------------------------------------------------------------------------------

MAIN = ("pro-rata", "substituted-tiers")
RATE_RULES = (*MAIN, "per-percentage-point", "fee-brackets", "excess-surcharge")
MOVING = ("true_up", "retention_release", "interest", "adjustment", "next_prepayment")
KINDS_OF_LINES = ("payable", "deduction", "retention", *MOVING)
ALL = (0, 1, 2)

Part = namedtuple("Part", "units price fee")  # of a point's month under one price: units of a month, fen per month, the fee
Lot = namedtuple("Lot", "codes spans prices parts fees")  # points charged alike; one point's billed days, and by month its parts, fees
Verdict = namedtuple("Verdict", "rule months amount singly")  # what a rule takes, or (code, incident) of whom, if it judges points
Window = namedtuple("Window", "label fee rate rules left points")  # fee, what each rule took, what is left, by component; and by point

def beyond(value: Any, over: str, limit: Any) -> bool:
    """Whether a value lies beyond a limit as the contract compares it."""
    return bool(value > limit if over == ">" else value >= limit)

def band(rows: Sequence[dict[str, Json]], o: Fraction, over: str) -> Json:
    """The band in which a rate lies; None above the highest."""
    ordered = sorted(rows, key=lambda row: exact(row["from"]), reverse=True)
    if exact(ordered[0]["to"]) < 1 and beyond(o, over, exact(ordered[0]["to"])):
        return None
    return next((row for row in ordered if beyond(o, over, exact(row["from"]))), ordered[-1])

def by_rule(rule: dict[str, Json], fee: Fraction, yearly: Fraction, o: Fraction, terms: dict[str, Json]) -> Fraction:
    """What the reading, or a rule that judges a rate, takes of a fee at an online rate, before caps."""
    kind, over = rule["kind"], rule.get("over", "")
    target, prepaid, factor = (exact(terms[name]) for name in ("target", "prepay_share", "excess_surcharge"))
    if kind == "reading":
        short = max(Fraction(0), target - o)
        pays = {"A": o, "B": 1 if o >= target else o, "C": 1 - short, "D": min(Fraction(1), o / target), "E": min(o, prepaid),
                "G": prepaid * o, "H": max(Fraction(0), o - factor * short)}
        return fee * (1 - pays[terms["reading"]])
    count: Any = {"ceil": ceil, "floor": floor}.get(rule.get("rounding", ""), lambda units: units)
    if kind == "pro-rata":
        full = rule["full_from"] is not None and beyond(o, over, exact(rule["full_from"]))
        return Fraction(0) if full else fee * (1 - o)
    if kind == "substituted-tiers":
        pays = band(rule["tiers"], o, over)["pays"]
        return fee * (1 - (o if pays == "rate" else exact(pays)))
    if kind == "fee-brackets" and rule["mode"] == "bracket":
        row = band(rule["brackets"], o, over)
        return fee * exact(row["deducts"]) if row else Fraction(0)
    if kind == "fee-brackets":
        rows = [(exact(row["from"]), exact(row["to"]), exact(row["deducts"])) for row in rule["brackets"]]
        return fee * sum((high - max(low, o)) * share for low, high, share in rows if high > o)
    if kind == "excess-surcharge":
        allowed, fault = 1 - target if rule["allowed"] is None else exact(rule["allowed"]), 1 - o
        excess = fault - allowed if rule["mode"] == "marginal" else fault
        taken = fault >= allowed and beyond(fault, over, allowed)
        return fee * exact(rule["factor"]) * count(excess * 100) / 100 if taken else Fraction(0)
    below = exact(rule["below"])
    if not beyond(below - o, over, 0):
        return Fraction(0)
    points = count(((below if rule["counted_from"] is None else exact(rule["counted_from"])) - o) * 100)
    steps = [(0, exact(rule["share_per_point"])), *((step["beyond"], exact(step["share"])) for step in rule["steps"])]
    if rule["mode"] == "bracket":
        steps = [(0, next(share for start, share in reversed(steps) if start == 0 or beyond(points, over, start)))]
    ends = [*(start for start, _ in steps[1:]), points]
    cost = sum((min(end, points) - start) * share for (start, share), end in zip(steps, ends) if points > start)
    return (yearly if rule["of"] == "year" else fee) * Fraction(cost)

class PhaseQuarter:
    """One phase's quarter: what it is charged on, and its windows under the reading and the rules (None: not assessable)."""

    def __init__(self, inputs: dict[str, Json], phase: dict[str, Json], facts: dict[str, Json]) -> None:
        self.terms, self.phase, self.facts, self.quarter = inputs["terms"], phase, facts, inputs["quarter"]
        self.first = period_of(self.quarter)[0]
        start = to_date(phase["in_service_from"])
        self.term = (start.toordinal(), later(start, phase["months"]).toordinal())
        alike: dict[Any, list[str]] = {}
        for code, place, _ in facts["roster"]:
            prices = facts["lots"][place]["prices"] if self.terms["prices_from"] == "ledger" else []
            key = tuple(clip(facts["lots"][place]["billed"], *self.term)), tuple(map(tuple, prices))
            alike.setdefault(key, []).append(code)
        self.lots = []
        for (spans, prices), codes in sorted(alike.items()):
            parts = [self.parts(spans, prices, month) for month in self.cut(0)]
            self.lots.append(Lot(sorted(codes), spans, prices, parts, [add(*(part.fee for part in month)) for month in parts]))
        self.places = {code: lot for lot in self.lots if any(lot.parts) for code in lot.codes}
        self.whole = [add(*(scale(lot.fees[n], len(lot.codes)) for lot in self.lots)) for n in ALL]
        self.labels: dict[Any, str] = {ALL: self.quarter, **{(n,): str(later(self.first, n))[:7] for n in ALL}}
        months: Json = {month["month"]: month for month in facts["months"]}
        self.rates = {label: (months.get(label) or {"rate": None})["rate"] for label in self.labels.values()}
        self.rates[self.quarter] = facts["rate"]
        self.points: list[Any] = [{row[0]: row for row in (months.get(self.labels[n,]) or {}).get("points") or ()} for n in ALL]
        self.rules = [rule for rule in self.terms["rules"] if phase["id"] in rule["phases"] or not rule["phases"]]
        self.left: set[tuple[str, int]] = set()  # points that left the pool, with the month
        self.windows: list[Window] | None = []
        try:
            verdicts = [*self.eliminated(), *self.judged()] if whole(self.fee(ALL)) else []
            self.windows = [self.taken(verdicts, months) for months in self.windows_of(self.terms["grain"])]
        except ZeroDivisionError:
            self.windows = None

    def cut(self, ahead: int) -> list[Span]:
        """The months of the quarter, or of one some months ahead, as days."""
        days = [later(self.first, ahead + n).toordinal() for n in range(4)]
        return list(zip(days, days[1:]))

    def part(self, day: int, units: Fraction, prices: Sequence[Any]) -> Part:
        """Some units of a month at the price of a day: the contract's, or the ledger's in its place."""
        its = [self.phase, *(row for row in self.phase["prices"] if ordinal(row["from"]) <= day)][-1]
        price = [fen(its["unit_price"]), *(amount for first, amount in prices if first <= day)][-1]
        shares = {name: Fraction(fen(amount)) for name, amount in its["components"]}
        shares = shares if any(shares.values()) else {"": Fraction(1)}
        return Part(units, price, scale(shares, price * units / whole(shares)))

    def parts(self, spans: Sequence[Span], prices: Sequence[Any], month: Span) -> list[Part]:
        """Cut a month at the days on which a price changes; without a change it is one part."""
        billed, rule = clip(spans, *month), self.terms["day_count"]
        changes = {ordinal(row["from"]) for row in self.phase["prices"]} | {day for day, _ in prices}
        edges = [month[0], *sorted(day for day in changes if month[0] < day < month[1]), month[1]]
        cut = [(a, Fraction(total(clip(billed, a, b)), month[1] - month[0])) for a, b in zip(edges, edges[1:])]
        if billed and (len(edges) == 2 or rule != "actual"):
            cut = [(billed[0][0], Fraction(*day_count(spans, month, rule)))]
        return [self.part(day, units, prices) for day, units in cut if units]

    def prepaid(self, ahead: int) -> tuple[int, Fee, Fee]:
        """The points billed on a quarter's first day, their fee for their whole term in it, and weights of its components."""
        first = self.cut(ahead)[0][0]
        lots = [lot for lot in self.lots if clip(lot.spans, first, first + 1)]
        fees = [add(*(part.fee for month in self.cut(ahead) for part in self.parts([self.term], lot.prices, month))) for lot in lots]
        fee = add(*(scale(its, len(lot.codes)) for lot, its in zip(lots, fees)))
        return sum(len(lot.codes) for lot in lots), fee, fee if whole(fee) else self.part(first, Fraction(1), ()).fee

    def fee(self, months: Iterable[int]) -> Fee:
        """The full fee of some months (0 to 2)."""
        return add(*(self.whole[n] for n in months))

    def point_fee(self, code: str, months: Iterable[int]) -> Fee:
        """One point's fee, nothing if it is not billed."""
        return add(*(self.places[code].fees[n] for n in months)) if code in self.places else {}

    def pool(self, months: Sequence[int]) -> Fee:
        """The fee of all points but those that left the pool."""
        return add(self.fee(months), *(scale(self.point_fee(code, [n]), -1) for code, n in self.left if n in months))

    def windows_of(self, grain: str) -> list[tuple[int, ...]]:
        """The quarter's windows of a grain that have a fee."""
        return [months for months in ([ALL] if grain == "quarter" else [(0,), (1,), (2,)]) if whole(self.fee(months))]

    def rate(self, months: tuple[int, ...]) -> Json:
        """A window's rate: of a measured one, those that left are taken out."""
        rate = self.rates[self.labels[months]]
        gone = [self.points[n][code] for code, n in self.left if n in months and code in self.points[n]]
        if rate is None or rate[2] != "measured" or not gone:
            return rate
        good, counted = rate[0] - sum(row[1] for row in gone), rate[1] - sum(row[2] for row in gone)
        return [good, counted, *rate[2:]] if counted else None

    def eliminated(self) -> list[Verdict]:
        """Point elimination: the whole fee of each point whose outages without excuse lasted too long; it leaves the pool."""
        done = []
        for rule in (rule for rule in self.rules if rule["kind"] == "point-elimination"):
            for months in self.windows_of(rule["grain"]):
                singly = []
                for code in sorted({code for n in months for code in self.points[n] if code in self.places}):
                    parts: dict[str, Any] = {}
                    for row in sorted((row for n in months for row in self.points[n].get(code, [[]])[-1]), key=lambda row: row[:4]):
                        first, seconds, excused = parts.get(row[0], (row[1], 0, True))
                        parts[row[0]] = (min(first, row[1]), seconds + row[3], excused and row[6])
                    down = sorted((first, name, s) for name, (first, s, excused) in parts.items() if s and not excused)
                    if down and beyond(sum(s for *_, s in down), rule["over"], rule["hours"] * 3600):
                        singly.append((code, down[0][1]))
                done.append(Verdict(rule, months, Fraction(0), singly))
                self.left |= {(code, n) for code, _ in singly for n in months if whole(self.point_fee(code, [n]))}
        return done

    def judged(self) -> list[Verdict]:
        """The reading, then the rules that judge a rate, the main one first. ZeroDivisionError where no rate is known."""
        done = []
        rules = sorted((rule for rule in self.rules if rule["kind"] in RATE_RULES), key=lambda rule: rule["kind"] not in MAIN)
        reading = {"id": "reading", "kind": "reading", "grain": self.terms["grain"], "cap_share": None, "cap": None}
        for rule in ([reading] if self.terms["reading"] != "none" else []) + rules:
            for months in self.windows_of(rule["grain"]):
                fee, rate = whole(self.pool(months)), self.rate(months)
                if fee:
                    o = Fraction(*rate[:2]) if rate else Fraction(1, 0)
                    done.append(Verdict(rule, months, by_rule(rule, fee, self.yearly(months), o, self.terms), None))
        return done

    def yearly(self, months: Sequence[int]) -> Fraction:
        """Twelve months of each point's last price in the window, without those that left in all their months there."""
        fee = 0
        for lot in self.lots:
            billed = [n for n in months if lot.parts[n]]
            gone = sum(all((code, n) in self.left for n in billed) for code in lot.codes) if self.left else 0
            fee += 12 * (len(lot.codes) - gone) * lot.parts[billed[-1]][-1].price if billed else 0
        return Fraction(fee)

    def taken(self, verdicts: Sequence[Verdict], window: tuple[int, ...]) -> Window:
        """Caps, and what the verdicts take off one of the contract's windows: a quarter's verdict by the months' fees."""
        fee, pool = self.fee(window), self.pool(window)
        own: dict[str, Fee] = {}  # what was taken of points singly
        punished: dict[str, list[str]] = {}
        rules, of_pool = [], Fraction(0)
        for rule, months, amount, singly in verdicts:
            inside = [n for n in months if n in window]
            if not inside:
                continue
            part = whole(fee) / whole(self.fee(months)) if len(months) > len(window) else Fraction(1)
            shares = [(code, name, self.point_fee(code, inside)) for code, name in singly or ()]
            touched = whole(self.pool(inside) if singly is None else self.fee(inside))
            wanted = amount * part if singly is None else sum((whole(its) for *_, its in shares), Fraction(0))
            limits = [touched * exact(rule["cap_share"])] if rule["cap_share"] is not None else []
            limits += [fen(rule["cap"]) * part] if rule["cap"] is not None else []
            limits += [touched, whole(pool) - of_pool] if singly is None else []
            amount = min([wanted, *limits])
            for code, _, its in shares:
                own[code] = add(own.get(code, {}), scale(its, amount / wanted if wanted else 0))
                names = punished.setdefault(code, [])
                names += [rule["id"]] if whole(its) and amount and rule["id"] not in names else []
            of_pool += amount if singly is None else 0
            items = [{"point": code, "incident": name, "amount": yuan(rounded(whole(its))), "suppressed_by": ""} for code, name, its in shares]
            rules.append({"rule": rule["id"], "kind": rule["kind"], "window": self.labels[months], "unit": "fen",
                          "amount": yuan(rounded(amount)), "items": items})
        share = of_pool / whole(pool) if whole(pool) else Fraction(0)
        left = add(fee, scale(add(*own.values()), -1), scale(pool, -share))
        points: list[Any] = []
        alone = {*own, *(code for code, n in self.left if n in window)}
        for lot in self.lots:
            full = whole(add(*(lot.fees[n] for n in window)))
            for code in lot.codes if full else ():
                rows = [row for n in window for row in self.points[n].get(code, [[]])[-1] if row[3]]
                rest = full * (1 - share)
                if code in alone:
                    pooled = self.point_fee(code, [n for n in window if (code, n) not in self.left])
                    rest = max(Fraction(0), full - whole(own.get(code, {})) - share * whole(pooled))
                points.append((code, full, rest, len({row[0] for row in rows}), sum(row[3] for row in rows), punished.get(code, [])))
        have = sum((row[2] for row in points), Fraction(0))
        factor = whole(left) / have if have else Fraction(0)
        points = [(code, full, rest * factor, *told) for code, full, rest, *told in points]
        return Window(self.labels[window], fee, self.rate(window), rules, left, points)

    def lines(self, before: dict[str, Json]) -> list[tuple[str, str, Amount]]:
        """The phase's lines: kind, window, amount."""
        terms, phase, lines = self.terms, self.phase["id"], []  # type: Any, str, list[tuple[str, str, Amount]]
        tax, share, end = exact(terms["tax_rate"]), exact(terms["prepay_share"]), later(self.first, 3)
        issued = read_amount(before["prepaid"][phase]) if phase in before["prepaid"] else None
        cash = terms["payment"]["last_quarter"] == "cash"
        _, opening, shares = self.prepaid(0)
        if self.windows or (issued and any(issued[""]) and not whole(self.fee(ALL))):
            rows = [] if self.windows else [("", *[taxed(0, tax, shares)] * 2)]
            for window in self.windows or ():
                left = window.left if any(window.left.values()) else window.fee
                label = window.label if terms["grain"] == "month" else ""
                rows.append((label, taxed(whole(window.fee), tax, window.fee), taxed(whole(window.left), tax, left)))
            due = NOTHING
            for _, _, payable in rows:
                due = plus(due, payable)
            prepaid = issued or taxed(whole(opening) * share if cash or self.term[1] > end.toordinal() else 0, tax, shares)
            lines += [("prepayment", "", prepaid), *(("payable", label, payable) for label, _, payable in rows)]
            lines += [("deduction", label, plus(full, payable, -1)) for label, full, payable in rows]
            kept, clause = NOTHING, terms["retention"]
            if clause is not None and to_date(clause["released_on"]) > end:
                weights = {name: Fraction(its[0]) for name, its in due.items()}
                kept = taxed(due[""][0] * exact(clause["share"]), tax, weights)
                lines.append(("retention", "", kept))
            lines.append(("true_up", "", plus(plus(due, kept, -1), prepaid, -1)))
        points, following, shares = self.prepaid(3)
        if self.term[1] > end.toordinal() and (lines or points) and (cash or self.term[1] > later(self.first, 6).toordinal()):
            lines.append(("next_prepayment", "", taxed(whole(following) * share, tax, shares)))
        return lines

    def document(self, rows: list[Json], lines: list[Any]) -> dict[str, Json]:
        """The phase's part of the statement's document."""
        terms, facts, windows, full = self.terms, self.facts, self.windows or [], NOTHING
        points: dict[str, list[Any]] = {}
        for window in windows:
            full = plus(full, taxed(whole(window.fee), exact(terms["tax_rate"]), window.fee))
            fulls = split(rounded(whole(window.fee)), {row[0]: row[1] for row in window.points})
            dues = split(rounded(whole(window.left)), {row[0]: row[2] for row in window.points})
            for code, _, _, outages, offline, rules in window.points:
                row = points.setdefault(code, [0, 0, 0, 0, []])
                row[:] = [row[0] + fulls[code], row[1] + dues[code], row[2] + outages, row[3] + offline, list(dict.fromkeys(row[4] + rules))]
        parts = [(len(lot.codes), part) for lot in self.lots for month in lot.parts for part in month]
        months, prices = sum((n * part.units for n, part in parts), Fraction(0)), {part.price for _, part in parts}
        payable = sum(amount[""][0] for kind, _, amount in lines if kind == "payable")
        days = self.cut(0)
        on = [sum(len(lot.codes) for lot in self.lots if any(lot.parts) and bool(clip(lot.spans, day, day + 1)) is held)
              for day, held in ((days[0][0], True), (days[0][0], False), (days[2][1] - 1, False))]
        return {
            "phase": self.phase["id"], "title": self.phase["title"], "target": six(exact(terms["target"])), "lines": rows,
            "unit_price": yuan(prices.pop() if len(prices) == 1 else fen(self.phase["unit_price"])),
            "points": {**dict(zip(("opening", "added", "removed"), on)),
                       "point_months": f"{floor(months)}" + (f" {months % 1}" if months % 1 else "")},
            "full_fee": {name: its for name, its in written(full).items() if name != "components"},
            "component_names": [name for name in full if name],
            "rate": rate_document(windows[0].rate if len(windows) == 1 else facts["rate"]),
            "own_rate": rate_document(facts.get("own_rate")), "authority_rate": rate_document(facts.get("authority_rate")),
            "seconds": dict(zip(("online", "offline", "unknown", "excluded"), facts["seconds"])) if facts.get("seconds") else None,
            "windows": [{"window": w.label, "fee": yuan(rounded(whole(w.fee))), "payable": yuan(rounded(whole(w.left))),
                         "rate": rate_document(w.rate)} for w in windows],
            "rules": [rule for window in windows for rule in window.rules],
            "unit_price_after_deduction": yuan(rounded(Fraction(payable) / months)) if windows and months else None,
            "point_lines": [{"code": code, "full": yuan(row[0]), "payable": yuan(row[1]), "deduction": yuan(row[0] - row[1]),
                             "outages": row[2], "offline_s": row[3], "rules": row[4]} for code, row in sorted(points.items())],
        }

def six(share: Fraction) -> str:
    """Six places, half up."""
    return f"{rounded(share * 1_000_000) // 1_000_000}.{rounded(share * 1_000_000) % 1_000_000:06}"

def rate_document(rate: Json) -> Json:
    """A rate as documents write it."""
    names = ("good", "counted", "source", "reference")
    return None if rate is None else {**dict(zip(names, rate)), "value": six(Fraction(*rate[:2]))}

def settle(inputs: dict[str, Json]) -> dict[str, Json]:
    """The figures of a statement's document from its frozen inputs (no texts)."""
    terms, before, (_, end) = inputs["terms"], inputs["before"], period_of(inputs["quarter"])
    phases, done, everything, number = [], set(), [], 0
    for phase in terms["phases"]:
        name = phase["id"]
        owed = any(name in before[what] and any(before[what][name]["line"]) for what in ("prepaid", "retained"))
        facts = inputs["facts"].get(name) or ({"lots": [], "roster": [], "rate": None, "months": []} if owed else None)
        if facts is None:
            continue
        one, alone = PhaseQuarter(inputs, phase, facts), name in before["prepay_alone"]
        if alone and facts["rate"] is None:
            one.windows = None
        lines = one.lines(before) if one.windows is not None or alone else []
        done |= {name} if lines and one.windows is not None else set()
        kept, clause = before["retained"].get(name), terms["retention"]
        if kept and any(kept["line"]) and (clause is None or to_date(clause["released_on"]) <= end):
            lines.append(("retention_release", "", read_amount(kept)))
        rows = [{"n": number + n, "kind": kind, "window": label, **written(amount), "parent": ""}
                for n, (kind, label, amount) in enumerate(lines, 1)]
        number += len(rows)
        everything += [(kind, amount[""]) for kind, _, amount in lines]
        phases += [one.document(rows, lines)] if lines else []
    adjusted = [(row, read_amount(row)) for row in before["adjustments"]]
    everything += [(row["kind"], amount[""]) for row, amount in adjusted]
    sums = {kind: yuan(sum(line[0] for its, line in everything if its == kind)) for kind in ("prepayment", *KINDS_OF_LINES)}
    moved = [yuan(sum(line[n] for kind, line in everything if kind in MOVING)) for n in range(3)]
    return {
        "format": "camsla-statement/1", "quarter": inputs["quarter"], "revision": inputs["revision"], "reading": inputs["reading"],
        "contract": {"id": terms["contract"], "title": terms["title"], "version": inputs["contract_version"],
                     "purchaser": terms["purchaser"], "supplier": terms["supplier"]},
        "phases": phases,
        "totals": {"prepaid": sums.pop("prepayment"), **sums, "fault_deduction": sums["deduction"], "other_deduction": "0.00",
                   **dict(zip(("total", "net", "tax"), moved))},
        "adjustments": [{"n": number + n, "phase": row["phase"], "kind": row["kind"], **written(amount), "parent": row["parent"]}
                        for n, (row, amount) in enumerate(adjusted, 1)],
        "not_settled": [{"phase": phase["id"]} for phase in terms["phases"] if phase["id"] not in done],
        "inputs_sha256": sha256(encode(inputs).encode()).hex(),
    }

def not_recomputed(inputs: dict[str, Json]) -> Iterator[str]:
    """Name what of a contract this file does not compute: then no amount is compared."""
    terms: Json = inputs["terms"]
    for rule in terms["rules"]:
        odd = [name for name, usual in (("components", []), ("repeat", None)) if rule[name] != usual]
        if rule["kind"] not in (*RATE_RULES, "point-elimination", "late-payment") or odd:
            yield f"规则 rule {rule['id']} ({', '.join([rule['kind'], *odd])})"
    singles = [rule for rule in terms["rules"] if rule["kind"] == "point-elimination"]
    given = any(facts["rate"] and facts["rate"][2] != "measured" for facts in inputs["facts"].values())
    if singles and (len(singles) > 1 or singles[0]["pool"] != "leaves" or given):
        yield f"规则 rule {singles[0]['id']}: 不止一条、不出池或在线率外来 more than one, staying in the pool, or a rate from outside"
    if terms["escalations"]:
        yield "连续未达标加重 escalations"
    if any(not facts["rate"] and any(month["rate"] and month["rate"][2] != "measured" for month in facts["months"])
           for facts in inputs["facts"].values()):
        yield "由各月合成的季度在线率 a quarter's rate put together from its months"

TEXTS = {"why", "formula", "reason", "notices", "software"}

def differences(theirs: Json, mine: Json, place: str = "") -> Iterator[str]:
    """Where two documents differ, texts apart."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for key in sorted((theirs.keys() | mine.keys()) - TEXTS - ({"title"} if "rule" in mine else set())):
            yield from differences(theirs.get(key, "（无 none）"), mine.get(key, "（无 none）"), f"{place}.{key}" if place else key)
    elif isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        for n, (a, b) in enumerate(zip(theirs, mine)):
            name = b.get("code", b.get("phase", b.get("kind", n))) if isinstance(b, dict) else n
            yield from differences(a, b, f"{place}[{name}]")
    elif type(theirs) is not type(mine) or theirs != mine:
        yield f"{place}: 记 written {str(theirs)[:100]}，重算 recomputed {str(mine)[:100]}"

# -- 11 the way through, proofs, witnesses, command line ------------------------------------------------------------------------------

class Way:
    """The nine steps over one pack."""

    def __init__(self, data: Any, trust: bytes, prove: Any = None) -> None:
        report = self.report = Report()
        self.pack: Pack = report.step(1, "pack", lambda: Pack(data))
        self.manifest: Json = report.step(1, "manifest.json", lambda: read_manifest(self.pack)) if self.pack else None
        self.trust: Trust = report.step(2, "trust.json", lambda: read_trust(trust))
        if not self.manifest or not self.trust:
            return
        self.statement, self.inputs, facts = self.manifest["statement"], None, report.facts  # type: Json, Json, Any
        facts[1].append(f"{len(self.pack.members):,} 个成员 members，{len(self.manifest['days'])} 天 days")
        log = self.log = Log(report, self.pack, self.manifest, self.trust, prove)
        self.whole = report.step(3, "log", log.read)
        report.step(2, "log", self.signatures)
        if not self.whole:
            return
        report.reached |= {4, 5, 6, 7}
        other = "SM3 已核 checked" if log.other else "SM3 未核 not checked"
        facts[3].append(f"{log.tree.size:,} 叶 leaves，根 root {log.tree.root().hex()[:16]}…，{other}")
        facts[4].append(f"{log.lines:,} 行 lines")
        facts[6].append(f"{log.sums:,} 个点日 point-days")
        if log.state.visible is not None:
            report.lack(8, "只含部分点位 a pack of some points: rates of whole phases")
            report.lack(9, "只含部分点位 a pack of some points: amounts")
        report.step(8, "blobs", self.rates)
        report.step(9, "blobs", self.amounts)
        if prove:
            report.step(3, "prove", lambda: self.prove(*prove))

    def signatures(self) -> None:
        """The collector signed every checkpoint and the manifest, the required witnesses the last checkpoint."""
        trust, manifest, log, keys = self.trust, self.manifest, self.log, self.log.state.keys
        need(trust.origin == manifest["origin"], 2, "trust.json", "来源不是本包的 another origin than the pack's")
        if not keys:
            return  # the log could not be begun, which is said at its step
        need(trust.collector.text() in keys, 2, "trust.json", "采集方密钥与日志不符 the collector's key is not the log's, nor rotated to")
        found: dict[Key, int] = {}
        for where, rotations, note in log.notes:
            collector = read_key(keys[rotations], 1)
            found = signers(note, [collector, *(key for _, key in trust.witnesses)], where)
            need(collector in found or where.endswith("prev.note"), 2, where, "没有采集方的签名 not signed by the collector")
        where = log.notes[-1][0] if log.notes else "log"
        for role in trust.require if self.whole else ():  # else the last checkpoint was not reached
            signed = [found[key] for its, key in trust.witnesses if its == role and key in found]
            need(signed, 2, where, f"缺少见证 no co-signature of the required witness: {role}")
            late = max(signed) >= log.state.bounds(manifest["days"][-1])[0]
            need(late, 2, where, f"见证时钟相差过大 the witness's clock is far off, it signed before the day began: {role}")
            self.report.facts[2].append(f"{role} {datetime.fromtimestamp(max(signed), timezone.utc):%Y-%m-%d %H:%M}Z")
        where, member = "manifest.sig", self.pack.members.get("manifest.sig")
        need(member and member.method == 0, 2, where, "缺少，或被压缩 missing, or deflated")
        note, packed = read_note(self.pack.read(where), where), hashlib.sha256()
        for name, its in self.pack.members.items():
            packed.update(self.pack.data[its.start : its.start + its.packed] if name != where else b"")
        head = f"camsla-pack/1\n{manifest['origin']}\n{manifest['contract']} {manifest['period']}\n"
        text = f"{head}{sha256(self.pack.read('manifest.json')).hex()}\n{packed.hexdigest()}\n"
        need(note.text == text, 2, where, "不是本包的清单 it is not of this manifest and these bytes")
        need(signers(note, [read_key(key, 1) for key in keys], where), 2, where, "没有采集方的签名 not signed by the collector")

    def document(self, digest: str, step: int) -> Json:
        """A canonical document among the blobs."""
        return self.pack.json(f"blobs/{digest}", step, end=b"")

    def terms(self) -> Json:
        """The terms that the statement was made under, as the log has them; without a statement the contract's newest."""
        manifest, att, where = self.manifest, self.log.state.att, "blobs"
        if self.statement:
            where = f"blobs/{self.statement['inputs_sha256']}"
            inputs = self.inputs = self.document(self.statement["inputs_sha256"], 8)
            need(self.log.known, 8, where, "这些天的日志没有这份输入 the log of these days has no record of these inputs")
            terms = inputs["terms"]
            name = f"contract {terms['contract']} {inputs['contract_version']}"
            need(att.get(name) == sha256(encode(terms).encode()).hex(), 8, where, f"条款不是记录的版本 terms are not those of {name}")
            said = (f"{terms['contract']}/{inputs['quarter']}", inputs["revision"], inputs["quarter"], terms["contract"])
            fits = said == (self.statement["id"], self.statement["version"], manifest["period"], manifest["contract"])
            need(fits and inputs["format"] == "camsla-inputs/1", 8, where, "不是这一季的输入 not the inputs of this quarter")
            return terms
        versions = [name.rpartition(" ") for name in att if name.startswith(f"contract {manifest['contract']} ")]
        if not versions:
            self.report.lack(8, "日志中没有这份合同 the log has no record of the contract")
            return None
        newest: Any = max(versions, key=lambda its: int(its[2]))
        return self.document(att["".join(newest)], 8)

    def rates(self) -> None:
        """Step 8: the period's rates from what was known, beside what the statement froze."""
        report, log, manifest = self.report, self.log, self.manifest
        terms = self.terms() if log.state.visible is None else None
        if terms is None:
            return
        state, (first, after) = log.known if self.statement and log.known else log.state, period_of(manifest["period"])
        policy, where = terms["policy"], f"blobs/{self.statement['inputs_sha256']}" if self.statement else "blobs"
        if manifest["first_size"] and (policy["recovery_samples"] > 10 or policy["minimum_recovery_s"] > 3_600):
            report.lack(8, "恢复条件超过状态文件所存 a recovery beyond what the state document holds: needs the log from its beginning")
        if terms["zone"] != manifest["zone"]:
            report.lack(8, "合同与日志的时区不同 the contract's time zone is not the log's")
            return
        if str(after - timedelta(1)) > manifest["days"][-1]:
            report.lack(8, "期间未封存完 the period is not sealed to its end")
        windows = {manifest["period"]: (midnight(first, state.zone), midnight(after, state.zone))}
        theirs = self.inputs["facts"] if self.inputs else {}
        mine, survey = frozen_facts(state, terms, manifest["period"]) if self.inputs else ({}, Survey(state, terms, windows))
        for phase in sorted(survey.seconds[manifest["period"]]):
            good, counted = survey.counts(survey.of(manifest["period"], phase))
            report.facts[8].append(f"{phase} {good:,}/{counted:,}" + (f" = {six(Fraction(good, counted))}" if counted else ""))
        own, singly = terms["authority"]["pays"] == "own", any(rule["kind"] == "point-elimination" for rule in terms["rules"])
        for phase in sorted(theirs.keys() | mine.keys()):
            facts, again = (its.get(phase) for its in (theirs, mine))  # type: Json, Json
            if again is None and not (facts["roster"] or facts["groups"] or facts["lots"]):
                continue  # a phase without points: an earlier statement left something to it
            need(facts and again, 8, where, f"{phase}: 期次不符 the log and the inputs do not have the same phases")
            judged = singly or any(month["points"] is not None for month in facts["months"])
            told, shown = ({name for name, its in joined(rows).items() if its[3]} for rows in map(outages_of, (facts, again)))
            if told - shown:
                report.lack(9, "日志不含的免责 excuses of outages that the log does not hold")
            for place in differences(*(measured(its, own, judged, shown) for its in (facts, again))):
                report.fail(8, where, f"facts.{phase}.{place}")
            if not own or (facts["rate"] and facts["rate"][2] != "measured"):
                what = f"{facts['rate'][0]}/{facts['rate'][1]} {facts['rate'][3]}" if facts["rate"] else "—"
                report.lack(9, f"{phase}: 公安核定数取自其文件 the authority's figure is taken from its sealed file, compare it: {what}")

    def amounts(self) -> None:
        """Step 9."""
        report, statement, att = self.report, self.statement, self.log.state.att
        if not statement or self.log.state.visible is not None:
            report.facts[9] += [] if statement else ["本包没有结算单 the pack has no statement"]
            return
        where, inputs, name = f"blobs/{statement['sha256']}", self.inputs, f"{statement['id']} {statement['version']}"
        need(att.get(f"statement {name}") == statement["sha256"], 9, where, "日志中没有这份结算单 the log has no record of this statement")
        issued = {key: sha for key, sha in att.items() if key.startswith(f"issued {statement['id']} ")}
        need(not issued or issued == {f"issued {name}": statement["sha256"]}, 9, where, "出具的是另一份 another one was issued")
        report.facts[9].append("已出具 issued" if issued else "尚未出具 NOT ISSUED")
        document = self.document(statement["sha256"], 9)
        need(inputs["reading"] == inputs["terms"]["reading"], 9, where, "口径不是合同的 the reading is not the contract's")
        for file in ((inputs["evidence"].get("authority") or {}).get("files")) or ():
            need(file["sha256"] in att.values(), 9, where, f"公安文件未入日志 the authority's file is not in the log: {file['sha256'][:12]}")
        for phase, its in sorted(inputs["before"]["prepaid"].items()):
            self.prepaid(phase, its)
        for what, zh in (("retained", "以前留存 retained before"), ("adjustments", "以前期调整、利息 adjustments and interest")):
            if inputs["before"][what]:
                report.lack(9, f"{zh}: 取自冻结的输入 taken as frozen, added up only")
        earlier = any(facts["earlier"] for facts in inputs["facts"].values())
        if earlier and any(clause["consecutive"] > 1 for clause in inputs["terms"]["breaches"]):
            report.lack(9, "本期之前各月取自冻结的输入 months before the period are taken as frozen")
        lacking = list(not_recomputed(inputs))
        for what in lacking:
            report.lack(9, what)
        for place in () if lacking else differences(document, settle(inputs)):
            report.fail(9, where, place)
        totals = document["totals"]
        report.facts[9].append(f"{name} 口径 reading {inputs['reading']}，应付 payable {totals['payable']}，合计 total {totals['total']}")

    def prepaid(self, phase: str, its: Json) -> None:
        """A prepayment as an earlier statement issued it must be that statement's line; otherwise it is named."""
        contract, (quarter, _, revision) = self.inputs["terms"]["contract"], its["source"].rpartition("/")
        sha = self.log.state.att.get(f"issued {contract}/{quarter} {revision}", "")
        if not any(its["line"]) and not sha:
            return
        if f"blobs/{sha}" not in self.pack.members:
            self.report.lack(9, f"{phase}: 已预付取自冻结的输入 what was prepaid is taken as frozen ({its['source']})")
            return
        lines = [line for part in self.document(sha, 9)["phases"] if part["phase"] == phase for line in part["lines"]]
        found = [line for line in lines if line["kind"] == "next_prepayment"]
        told = {key: found[0][key] for key in ("gross", "net", "tax", "components")} if found else written(NOTHING)
        for place in differences(written(read_amount(its)), told, f"before.prepaid.{phase}"):
            self.report.fail(9, f"blobs/{sha}", place)

    def prove(self, code: str, day: str) -> None:
        """Print the inclusion of a point's sum in the last checkpoint's tree, to be checked by hand."""
        log, say = self.log, self.report.proof.append
        need(log.proven, 3, "prove", f"包中没有 no such sum in the pack: {code} {day}")
        index, line = log.proven  # type: ignore[misc]
        known, at, first = {}, 0, log.tree.size - len(log.leaves)
        for bit, node in zip((k for k in range(62, -1, -1) if first >> k & 1), log.before):
            known[at, at + (1 << bit)] = node
            at += 1 << bit
        path: list[bytes] = []

        def fold(lo: int, hi: int) -> bytes:
            if (lo, hi) in known or hi - lo == 1:
                return known[lo, hi] if (lo, hi) in known else log.leaves[lo - first]
            middle = lo + (1 << (hi - lo - 1).bit_length() - 1)
            left, right = fold(lo, middle), fold(middle, hi)
            if lo <= index < hi:
                path.append(right if index < middle else left)
            return log.tree.node(left, right)

        root, leaf = fold(0, log.tree.size), sha256(b"\0" + line)
        say(f"行 line (leaf {index} of {log.tree.size}):\n{line.decode()}\n叶 leaf:")
        say(f"(printf '\\000'; printf '%s' '{line.decode()}') | sha256sum   # {leaf.hex()}")
        for left, right, parent in follow(leaf, index, log.tree.size, path):
            say(f"printf '01{left.hex()}{right.hex()}' | xxd -r -p | sha256sum   # {parent.hex()}")
        say(f"根 root, third line of {log.notes[-1][0]}: {base64.b64encode(root).decode()} = {root.hex()}")

def check(data: Any, trust: bytes, prove: Any = None) -> Report:
    """Check a pack's bytes against a trust.json's bytes. Never raises for what they hold."""
    return Way(data, trust, prove).report

def keygen(name: str, path: str) -> None:
    """Write a witness's new private key, mode 0600, and print its public key for trust.json."""
    seed = os.urandom(32)
    key = Key(name, 4, sign(seed, b"")[0])
    read_key(key.text(), 4)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"PRIVATE+KEY+{key.text(seed)}\n")
    print(key.text())

def cosign(note_path: str, key_path: str, seconds: int) -> None:
    """Print a witness's signature line over a checkpoint; what is signed is told on stderr."""
    with open(note_path, "rb") as file:
        note = read_note(file.read(), note_path)
    with open(key_path, encoding="utf-8") as text:
        head, _, rest = text.read().strip().partition("PRIVATE+KEY+")
    name, data = rest.partition("+")[0], unbase64(rest.partition("+")[2].partition("+")[2])
    key = Key(name, 4, sign(data[1:], b"")[0])
    if head or len(data) != 33 or Key(name, data[0], key.raw).text(data[1:]) != rest:
        raise ValueError(f"不是私钥 not a private key: {key_path}")
    if not re.fullmatch(r"[^\n]+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n(?:(?:day|hour|sm3) [^\n]+\n)*", note.text):
        raise ValueError(f"不是检查点 not a checkpoint: {note_path}")
    print("\n".join(note.text.split("\n")[:4]), file=sys.stderr)
    blob = key.id[1] + seconds.to_bytes(8, "big") + sign(data[1:], f"cosignature/v1\ntime {seconds}\n{note.text}".encode())[1]
    print(f"— {name} {base64.b64encode(blob).decode()}")

def main(argv: Sequence[str]) -> int:
    """The command line; returns the exit code."""
    words = argparse.ArgumentParser(prog="verifier.py", description="证据包验证 check an evidence pack; keygen, cosign: for witnesses")
    witness = argv[0] if argv and argv[0] in {"keygen", "cosign"} else ""
    words.add_argument({"keygen": "NAME", "cosign": "NOTE"}.get(witness, "pack"))
    if witness == "keygen":
        words.add_argument("--out", required=True)
    elif witness:
        words.add_argument("--key", required=True)
        words.add_argument("--time", type=int, default=int(time.time()))  # on a witness's own machine
    else:
        words.add_argument("--trust", required=True)
        words.add_argument("--json", action="store_true")
        words.add_argument("--prove", nargs=2, metavar=("POINT", "DAY"))
    given = words.parse_args(argv[1:] if witness else argv)
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8", errors="replace")
    try:
        if witness:
            keygen(given.NAME, given.out) if witness == "keygen" else cosign(given.NOTE, given.key, given.time)
            return 0
        with open(given.trust, "rb") as trust, open(given.pack, "rb") as pack:
            size = os.fstat(pack.fileno()).st_size
            data: Any = mmap.mmap(pack.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            report = check(data, trust.read(1 << 20), tuple(given.prove) if given.prove else None)
    except (OSError, ValueError, Bad) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    if given.json:
        rows = [{"step": n, "title": title, "reached": n in report.reached, "facts": report.facts[n], "failures": report.failures[n],
                 "not_recomputed": report.missing[n]} for n, title in enumerate(STEPS, 1)]
        print(json.dumps({"exit": report.exit, "findings": report.count, "steps": rows, "proof": report.proof}, ensure_ascii=False, indent=1))
    else:
        print("\n".join([*report.lines(), *report.proof]))
    return report.exit

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
