"""What one row of a points file does to its point: facts, camera, stays and pauses, against what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from monitor.finding import Finding
from monitor.model import MICROSECONDS
from monitor.period import midnight
from monitor.points import (
    EXTRA,
    CameraSpec,
    Change,
    Cipher,
    Fact,
    Facts,
    Kind,
    Pause,
    Piece,
    Stay,
    Stored,
    StoredPoint,
)
from monitor.roster.camera import CameraPlan, plan_camera
from monitor.roster.cells import Complain
from monitor.roster.columns import BY_KEY
from monitor.roster.dated import covering, difference, end_stays, fact, merged, occupy, rewrite, with_rows
from monitor.roster.difference import shown_fact, shown_pauses
from monitor.roster.parse import PointsFile
from monitor.roster.rows import PointRow, life_findings

_PLACE = frozenset({"address", "lon_e7", "lat_e7"})
_FIRST_DATES = ("first_accepted_on", "accepted_on", "billed_from", EXTRA + "enabled_on")


@dataclass(slots=True)
class Draft:
    """A row's effect while the plan is being made. `at` and `start` are microseconds; `line` 0 has no row."""

    code: str
    line: int
    effective: date
    at: int
    start: int
    row: PointRow | None
    point: StoredPoint | None
    kinds: set[Kind] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    pauses: tuple[Pause, ...] | None = None
    camera: CameraPlan | None = None


class Planner:
    """Turns rows into drafts against what is stored; errors and warnings go to `findings`."""

    def __init__(
        self, stored: Stored, source: PointsFile, effective_from: date, cipher: Cipher | None, zone: str
    ) -> None:
        self.stored = stored
        self.source = source
        self.findings: list[Finding] = list(source.findings)
        self._seen = frozenset(source.findings)
        self._effective_from = effective_from
        self._cipher = cipher
        self._zone = zone
        self._by_gb: dict[str, list[StoredPoint]] = {}
        for point in stored.points.values():
            code = str(point.pieces[-1].facts.get("gb_code") or "") if point.pieces else ""
            if code:
                self._by_gb.setdefault(code, []).append(point)

    def complainer(self, line: int, name: str) -> Complain:
        """Return a complaint about a field of a row."""
        heading = self.source.heading(name) if name else ""

        def complain(message: str, remedy: str, level: str = "error") -> None:
            self.findings.append(Finding(self.source.file, line, heading, message, remedy, level))

        return complain

    def instant(self, day: date) -> int:
        """Return a day's first instant in the contract's zone."""
        return midnight(day, self._zone) * MICROSECONDS

    def draft(self, row: PointRow) -> Draft:
        """Work out what one row does to its point."""
        point = self._resolve(row)
        on = row.change_on or self._effective_from
        draft = Draft(point.code if point else row.code, row.line, on, self.instant(on), 0, row, point)
        if point is None or not point.pieces:
            self._new(draft, row)
        else:
            self._known(draft, row, point)
        self._pauses(draft, row, point)
        told = {name for kind in draft.kinds for name in _TOLD.get(kind, ())}
        if Kind.NEW not in draft.kinds and any(change.field not in told for change in draft.changes):
            draft.kinds.add(Kind.CHANGED)
        if not draft.kinds:
            draft.kinds.add(Kind.UNCHANGED)
        return draft

    def _resolve(self, row: PointRow) -> StoredPoint | None:
        """Find the row's point: by code, or for a file that has only 设备编码 by that code, new or former."""
        point = self.stored.points.get(row.code)
        if point is not None or not row.by_gb:
            return point
        for code in (row.code, str(row.facts.get("former_gb_code") or "")):
            found = self._by_gb.get(code, [])
            if len(found) == 1:
                return found[0]
            if code and code in self.stored.points:
                return self.stored.points[code]
        return None

    def _first_day(self, draft: Draft, facts: Facts) -> date:
        days = [day for name in _FIRST_DATES if (day := _day(facts.get(name))) is not None]
        return min([draft.effective, *days])

    def _new(self, draft: Draft, row: PointRow) -> None:
        stated = dict(row.facts)
        if row.in_use is False and not stated.get("retired_on"):
            stated["retired_on"] = draft.effective
        facts = merged({}, stated)
        draft.effective = self._first_day(draft, facts)
        draft.at = draft.start = self.instant(draft.effective)
        draft.kinds.add(Kind.NEW)
        draft.pieces = [Piece(None, draft.start, None, facts)]
        draft.changes = [Change(BY_KEY[key].field, "", shown_fact(key, value)) for key, value in facts.items() if value]
        draft.stays = end_stays([Stay(None, draft.start, None, None)], None, self._end(facts))
        if draft.stays:
            self.set_camera(draft, row, None)

    def _known(self, draft: Draft, row: PointRow, point: StoredPoint) -> None:
        index = covering(point.pieces, draft.at)
        old = point.pieces[index or 0].facts
        changes = difference(old, self._stated(draft, row, old))
        facts = merged(old, changes)
        if changes:
            found = life_findings(self.source.file, row.line, self.source.heading, facts)
            self.findings += [finding for finding in found if finding not in self._seen]
        first = self._first_day(draft, facts)
        earlier = self.instant(first) < point.pieces[0].start
        draft.start = self.instant(first) if earlier else point.pieces[0].start
        draft.changes = [
            Change(BY_KEY[key].field, shown_fact(key, fact(old, key)), shown_fact(key, value))
            for key, value in changes.items()
        ]
        if earlier:
            draft.changes.append(Change("valid_from", "", first.isoformat()))
        draft.pieces = list(point.pieces)
        if changes or earlier:
            draft.pieces = rewrite(point.pieces, draft.start, draft.at, changes)
        draft.kinds |= _kinds(old, changes)
        stays = list(point.stays)
        if earlier:
            stays = occupy(stays, draft.start, draft.at, None)
        end = self._end(facts)
        draft.stays = end_stays(stays, self._end(old), end)
        if end is None or end > draft.at:
            self._serve(draft, row, end)
        draft.stays = with_rows(point.stays, draft.stays)

    def _stated(self, draft: Draft, row: PointRow, old: Facts) -> dict[str, Fact]:
        """Return the row's facts after the rules that look at what is stored: retirement and former codes."""
        stated = dict(row.facts)
        retired = _day(fact(old, "retired_on"))
        asks_back = row.in_use is True or ("retired_on" in stated and row.in_use is None)
        if row.in_use is False and not stated.get("retired_on"):
            stated["retired_on"] = retired or draft.effective
        elif retired and retired < draft.effective and asks_back and not stated.get("retired_on"):
            self.complainer(row.line, "retired_on" if "retired_on" in stated else "status")(
                f"点位已于 {retired} 停用，编号不再使用 this point was retired; its code is not used again",
                f"新点位用新编号；若停用有误，停用日期留空、变更日期写 {retired} 或更早 use a new code; to correct a "
                "mistake, leave 停用日期 empty and let the change take effect on that day or earlier",
            )
        if not stated.get("former_gb_code"):
            stated.pop("former_gb_code", None)
            before = fact(old, "gb_code")
            if before and "gb_code" in stated and stated["gb_code"] != before:
                stated["former_gb_code"] = before
        return stated

    def _serve(self, draft: Draft, row: PointRow, end: int | None) -> None:
        """Let the row's camera serve the point from the row's instant on."""
        index = covering(draft.stays, draft.at)
        known = None if index is None else draft.stays[index].camera
        if known is None and not any(row.camera.values()):
            return
        self.set_camera(draft, row, known)
        camera = draft.camera
        if camera is None:
            return
        if camera.replaced:
            draft.kinds.add(Kind.REPLACED)
        if camera.write is not None and camera.write.id is None:
            draft.stays = end_stays(occupy(draft.stays, draft.at, draft.at, (None,)), None, end)

    def set_camera(self, draft: Draft, row: PointRow, known: int | None) -> None:
        """Plan the camera of a draft against a stored one, and list its changes."""
        camera = self.stored.cameras[known] if known is not None else None
        names = ("rtsp_url", "ipv4") if "rtsp_url" in self.source.headers else ("ipv4", "rtsp_url")
        login = "username" if "username" in self.source.headers else "rtsp_url"
        draft.camera = plan_camera(
            row, camera, self._cipher, self.complainer(row.line, names[0]), self.complainer(row.line, login)
        )
        draft.changes = [change for change in draft.changes if change.field not in _CAMERA]
        draft.changes += draft.camera.changes

    def _pauses(self, draft: Draft, row: PointRow, point: StoredPoint | None) -> None:
        old = tuple(sorted((item.pause for item in point.pauses), key=lambda pause: pause.first)) if point else ()
        if row.pauses is None or row.pauses == old:
            return
        draft.pauses = row.pauses
        draft.changes.append(Change("pauses", shown_pauses(old), shown_pauses(row.pauses)))

    def _end(self, facts: Facts) -> int | None:
        day = _day(facts.get("retired_on"))
        return self.instant(day) if day else None

    def spec_of(self, draft: Draft, stay: Stay) -> CameraSpec:
        """Return what will be known of the camera of a draft's stay."""
        write = draft.camera.write if draft.camera else None
        if write is not None and stay.camera == write.id:
            return write.spec
        return self.stored.cameras[stay.camera].spec if stay.camera is not None else CameraSpec()


_CAMERA = frozenset({"make", "model", "serial", "macs", "rtsp_url", "onvif_addr", "username", "password"})
_TOLD = {  # the fields whose change a kind already tells; any other change makes the row "changed" too
    Kind.RELOCATED: ("address", "lon", "lat"),
    Kind.REPLACED: tuple(_CAMERA),
    Kind.RECODED: ("gb_code", "former_gb_code"),
    Kind.RETIRED: ("retired_on", "status"),
    Kind.RESTORED: ("retired_on", "status"),
}


def _kinds(old: Facts, changes: Facts) -> set[Kind]:
    kinds = set()
    if any(fact(old, key) for key in _PLACE & changes.keys()):
        kinds.add(Kind.RELOCATED)
    if "gb_code" in changes and fact(old, "gb_code"):
        kinds.add(Kind.RECODED)
    if "retired_on" in changes:
        kinds.add(Kind.RETIRED if changes["retired_on"] else Kind.RESTORED)
    return kinds


def _day(value: Fact) -> date | None:
    if isinstance(value, str) and value:
        return date.fromisoformat(value)
    return value if isinstance(value, date) else None
