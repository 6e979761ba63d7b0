"""Step 1 and the manifest's signature: every member is named with its digest, and the whole as it is packed was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.packs.check_signatures import note_of
from console.packs.content import one_line
from console.packs.notebook import Notebook
from monitor.evidence.pack import SIGNATURE, PackError
from monitor.evidence.records import is_day
from monitor.evidence.unpack import PackReader
from monitor.finding import InputError
from monitor.period import parse_period

FORMAT = "camsla-pack/1"
MANIFEST = "manifest.json"
MAX_DAYS = 2_000
DAY_FILES = ("records.ndjson", "frontier.json", "prev.note", "checkpoint.note")
_KEYS = {
    "format": str,
    "origin": str,
    "contract": str,
    "period": str,
    "zone": str,
    "days": list,
    "first_size": int,
    "state": str,
    "statement": (dict, type(None)),
    "points": (list, type(None)),
    "files": dict,
    "software": str,
}


def manifest(pack: PackReader, book: Notebook) -> dict[str, Any] | None:
    """Return the manifest if it is one and every member is what it says; else None, with the failures noted."""
    found: dict[str, Any] = one_line(pack, MANIFEST)
    wrong = shape(found)
    if wrong:
        book.fail(1, MANIFEST, wrong)
        return None
    there = {name for name in pack.names if name not in (MANIFEST, SIGNATURE)}
    for name in sorted(there ^ found["files"].keys()):
        missing = "清单中没有 not in the manifest" if name in there else "缺少成员 missing from the pack"
        book.fail(1, name, missing)
    for name in sorted(_wanted(found) ^ {name for name in there if name.startswith("log/")}):
        book.fail(1, name, "日志缺文件或多文件 the log lacks it, or has it too many")
    for name in sorted(there & found["files"].keys()):
        _member(pack, name, found["files"][name], book)
    if SIGNATURE not in pack.members:
        book.fail(2, SIGNATURE, "缺少签名 missing")
    size = sum(member.size for member in pack.members.values())
    book.say(1, f"{len(pack.names):,} 个成员 members，解压后 unpacked {size:,} 字节 bytes")
    return None if book.failed(1) else found


def shape(found: Mapping[str, Any]) -> str:
    """Say what is wrong with a manifest's fields, "" if nothing."""
    if found.keys() != _KEYS.keys():
        return f"字段不对 wrong fields: {', '.join(sorted(found.keys() ^ _KEYS.keys()))[:120]}"
    for name, kind in _KEYS.items():
        if not isinstance(found[name], kind) or isinstance(found[name], bool):  # type: ignore[arg-type]
            return f"字段 {name} 不对 cannot be {str(found[name])[:60]!r}"
    days, points, statement = found["days"], found["points"], found["statement"]
    if found["format"] != FORMAT:
        return f"格式不是 the format is not {FORMAT}"
    if not 0 < len(days) <= MAX_DAYS or not all(is_day(day) for day in days):
        return "日期不对 the days are wrong"
    if any(date.fromisoformat(b) - date.fromisoformat(a) != timedelta(days=1) for a, b in pairwise(days)):
        return "缺日或次序不对 a day is missing or out of order"
    if points is not None and (not all(isinstance(code, str) for code in points) or points != sorted(set(points))):
        return "点位未排序 the points are not sorted"
    if not all(isinstance(digest, str) for digest in found["files"].values()):
        return "指纹不对 a digest is wrong"
    if not _measurable(found["period"], found["zone"]):
        return f"期间或时区不对 the period or the time zone is wrong: {found['period'][:40]!r}, {found['zone'][:40]!r}"
    if statement is not None and (
        statement.keys() != {"id", "version", "sha256", "inputs_sha256"} or type(statement["version"]) is not int
    ):
        return "结算单的字段不对 the statement's fields are wrong"
    if found["first_size"] < 0 or bool(found["first_size"]) != bool(found["state"]):
        return "首日之前的树与状态文件不符 the tree before the first day and its state document do not fit"
    return ""


def _measurable(period: str, zone: str) -> bool:
    try:
        ZoneInfo(zone)
        found = parse_period(period)
    except (InputError, ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return (found.last - found.first).days < MAX_DAYS


def _wanted(found: Mapping[str, Any]) -> set[str]:
    names = {f"log/{day}/{file}" for day in found["days"] for file in DAY_FILES}
    return names | ({"log/state.json", "log/state.proof.json"} if found["first_size"] else set())


def _member(pack: PackReader, name: str, digest: str, book: Notebook) -> None:
    seen = hashlib.sha256()
    try:
        for piece in pack.chunks(name):
            seen.update(piece)
    except PackError as error:
        book.fail(1, name, str(error))
        return
    if seen.hexdigest() != digest:
        book.fail(1, name, "内容与清单不符 its content is not that of the manifest")
    elif name.startswith("blobs/") and name != f"blobs/{digest}":
        book.fail(1, name, "名称与内容的指纹不符 its name is not its digest")


def signed_text(found: Mapping[str, Any], manifest_digest: str, packed: str) -> str:
    """Return what the collector signs of a pack."""
    return f"{FORMAT}\n{found['origin']}\n{found['contract']} {found['period']}\n{manifest_digest}\n{packed}\n"


def signature(pack: PackReader, found: Mapping[str, Any], book: Notebook) -> None:
    """Check the text of the manifest's signature against the pack; whose it is, is asked once the log's keys are known."""
    if SIGNATURE not in pack.members:
        return
    if pack.members[SIGNATURE].method != 0:
        book.fail(1, SIGNATURE, "应为不压缩 must be stored")
    digest = hashlib.sha256(pack.read(MANIFEST)).hexdigest()
    note = note_of(pack.read(SIGNATURE), SIGNATURE)
    if note.text != signed_text(found, digest, pack.data_digest()):
        book.fail(2, SIGNATURE, "签的不是本包 it was signed for another pack")
