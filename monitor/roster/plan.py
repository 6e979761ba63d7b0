"""The difference between a points file and the stored ledger: what an import would do, or all that forbids it.

Nothing here writes. A dry run prints the plan that the import itself carries out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from monitor.finding import InputError
from monitor.period import ZONE
from monitor.points import Change, Cipher, Entry, Kind, Plan, Stay, Stored
from monitor.roster.address import stream_of
from monitor.roster.camera import is_same_device
from monitor.roster.draft import Draft, Planner
from monitor.roster.parse import PointsFile

MAX_FINDINGS = 10_000


class _Claim(NamedTuple):
    """Somebody's time at a stream address. `changed` says that this file brings it about."""

    start: int
    end: int | None
    code: str
    line: int
    stay: Stay
    changed: bool


def plan_import(
    stored: Stored,
    source: PointsFile,
    effective_from: date,
    cipher: Cipher | None = None,
    zone: str = ZONE,
) -> Plan:
    """Compare a file with the ledger as stored.

    A row takes effect on its 变更日期, else on `effective_from`; a new point from its earliest date if that is
    earlier. `cipher` is needed if the file holds passwords. Raises InputError with every finding of the file and of the
    comparison (errors and warnings) if there is any error.
    """
    planner = Planner(stored, source, effective_from, cipher, zone)
    drafts = [planner.draft(row) for row in source.rows]
    _same_point_twice(planner, drafts)
    _repeated_gb_codes(planner, drafts)
    moved = _addresses(planner, drafts)
    findings = sorted(planner.findings)
    if any(finding.level == "error" for finding in findings):
        raise InputError(findings[:MAX_FINDINGS])
    entries = tuple(_entry(draft) for draft in [*drafts, *moved])
    return Plan(source.file, source.sha256, effective_from, zone, entries, tuple(findings[:MAX_FINDINGS]))


def _same_point_twice(planner: Planner, drafts: Sequence[Draft]) -> None:
    """A file by 设备编码 can name one point by its new and by its former code."""
    seen: dict[int, Draft] = {}
    for draft in drafts:
        if draft.point is None:
            continue
        first = seen.setdefault(draft.point.id, draft)
        if first is not draft and draft.row is not None and first.row is not None and first.row.code != draft.row.code:
            message = f"与第 {first.line} 行是同一点位 {draft.code!r} the same point as on row {first.line}"
            planner.complainer(draft.line, "gb_code")(message, "只留一行 keep one row")


def _repeated_gb_codes(planner: Planner, drafts: Sequence[Draft]) -> None:
    """Warn of a 设备编码 that two points carry: the platform's export could not tell them apart."""
    holders: dict[str, str] = {}
    in_file = {draft.code for draft in drafts}
    for point in planner.stored.points.values():
        if point.code not in in_file and point.pieces:
            holders[str(point.pieces[-1].facts["gb_code"])] = point.code
    for draft in drafts:
        code = str(draft.pieces[-1].facts["gb_code"])
        if code and holders.setdefault(code, draft.code) != draft.code:
            message = f"设备编码与点位 {holders[code]!r} 相同 the same device code as that point"
            planner.complainer(draft.line, "gb_code")(message, "核对国标编码 check the GB code", "warning")


def _addresses(planner: Planner, drafts: Sequence[Draft]) -> list[Draft]:
    """Find two points with one stream address at one time.

    If the file moves a known device (same serial or MAC) from a point that it does not name, that point's stay ends and
    the device comes along with its row; returns the drafts of the points so left. All else is an error.
    """
    claims: dict[str, list[_Claim]] = {}
    in_file = {draft.code for draft in drafts}
    for draft in drafts:
        kept = {stay.id for stay in draft.point.stays} if draft.point else set()
        touched = draft.camera is not None and draft.camera.write is not None
        for stay in draft.stays:
            changed = touched or stay.id not in kept
            claim = _Claim(stay.start, stay.end, draft.code, draft.line, stay, changed)
            _claim(claims, planner.spec_of(draft, stay).rtsp_url, claim)
    for point in planner.stored.points.values():
        if point.code not in in_file:
            for stay in point.stays:
                url = planner.stored.cameras[stay.camera].spec.rtsp_url if stay.camera is not None else ""
                _claim(claims, url, _Claim(stay.start, stay.end, point.code, 0, stay, False))
    by_code = {draft.code: draft for draft in drafts}
    moved: dict[str, Draft] = {}
    blamed: set[int] = set()
    for rivals in claims.values():
        for one, other in _clashes(rivals):
            late = max(one, other, key=lambda claim: (claim.changed, claim.line))
            early = other if late is one else one
            if late.line in blamed:
                continue
            if early.line == 0 and _follow(planner, by_code[late.code], early, moved):
                continue
            blamed.add(late.line)
            place = f"（第 {early.line} 行 row {early.line}）" if early.line else ""
            message = f"地址与点位 {early.code!r}{place} 重复 the same address as that point"
            name = "rtsp_url" if "rtsp_url" in planner.source.headers else "ipv4"
            remedy = "改正地址；设备迁来须序列号或 MAC 一致 correct it; a device that moved needs its serial or MAC"
            planner.complainer(late.line, name)(message, remedy)
    return list(moved.values())


def _claim(claims: dict[str, list[_Claim]], url: str, claim: _Claim) -> None:
    stream = stream_of(url)
    if stream is not None:
        claims.setdefault(stream.url, []).append(claim)


def _clashes(rivals: Sequence[_Claim]) -> list[tuple[_Claim, _Claim]]:
    """Return the pairs of different points that overlap in time, where this file has a hand in it."""
    if len({claim.code for claim in rivals}) < 2:
        return []
    found = []
    latest: _Claim | None = None
    for claim in sorted(rivals, key=lambda c: (c.start, c.line)):
        if latest is not None and (latest.end is None or claim.start < latest.end):
            if claim.code != latest.code and (claim.changed or latest.changed):
                found.append((latest, claim))
        if latest is None or (latest.end is not None and (claim.end is None or claim.end > latest.end)):
            latest = claim
    return found


def _follow(planner: Planner, draft: Draft, early: _Claim, moved: dict[str, Draft]) -> bool:
    """Let the device of a point outside the file follow to the draft's point; say whether it is the same device."""
    camera, row = early.stay.camera, draft.row
    if camera is None or row is None or draft.camera is None or early.code in moved or early.start > draft.at:
        return False
    if not is_same_device(planner.stored.cameras[camera].spec, draft.camera.spec):
        return False
    planner.set_camera(draft, row, camera)
    draft.stays = [stay._replace(camera=camera) if stay.camera is None else stay for stay in draft.stays]
    point = planner.stored.points[early.code]
    old = moved[early.code] = Draft(early.code, draft.line, draft.effective, draft.at, draft.at, None, point)
    old.kinds = {Kind.VACATED}
    old.changes = [Change("camera", early.code, draft.code)]
    old.pieces = list(point.pieces)
    for stay in point.stays:
        if stay != early.stay:
            old.stays.append(stay)
        elif stay.start < draft.at:
            old.stays.append(stay._replace(id=None, end=draft.at))
    return True


def _entry(draft: Draft) -> Entry:
    point = draft.point
    old_pauses = {item.pause: item.id for item in point.pauses} if point else {}
    pauses = draft.pauses if draft.pauses is not None else tuple(old_pauses)
    return Entry(
        code=draft.code,
        line=draft.line,
        kinds=tuple(kind for kind in Kind if kind in draft.kinds),
        effective=draft.effective,
        changes=tuple(draft.changes),
        point_id=point.id if point else None,
        drop_pieces=_gone([p.id for p in point.pieces] if point else [], [p.id for p in draft.pieces]),
        add_pieces=tuple(piece for piece in draft.pieces if piece.id is None),
        drop_stays=_gone([s.id for s in point.stays] if point else [], [s.id for s in draft.stays]),
        add_stays=tuple(stay for stay in draft.stays if stay.id is None),
        drop_pauses=tuple(number for pause, number in old_pauses.items() if pause not in pauses),
        add_pauses=tuple(pause for pause in pauses if pause not in old_pauses),
        camera=draft.camera.write if draft.camera else None,
    )


def _gone(before: Sequence[int | None], after: Sequence[int | None]) -> tuple[int, ...]:
    kept = set(after)
    return tuple(number for number in before if number is not None and number not in kept)
