"""One table row → one point row: every cell parsed, and the cells checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from monitor.finding import Finding
from monitor.points import EXTRA, FACT_DEFAULTS, Fact, Facts, Pause, Secret
from monitor.roster import address, cells
from monitor.roster.address import Parsed
from monitor.roster.cells import Complain
from monitor.roster.columns import BY_FIELD, ColumnSpec, Place, Reading
from monitor.roster.table import Row, Value

RETIRED_WORDS = frozenset({"停用", "已停用", "拆除", "已拆除", "报废", "注销", "retired", "removed"})
IN_USE_WORDS = frozenset({"正常", "在用", "启用", "在线", "已启用", "in use", "active"})

_PARSERS: Mapping[Reading, Callable[[Value, Complain], object]] = {
    Reading.TEXT: cells.text_of,
    Reading.CODE: cells.code_of,
    Reading.GB_CODE: cells.gb_code_of,
    Reading.DATE: cells.date_of,
    Reading.LAST_DAY: cells.last_day_of,
    Reading.LONGITUDE: cells.longitude_of,
    Reading.LATITUDE: cells.latitude_of,
    Reading.IPV4: cells.ipv4_of,
    Reading.PORT: cells.port_of,
    Reading.PATH: address.path_of,
    Reading.RTSP_URL: address.url_of,
    Reading.MACS: cells.macs_of,
    Reading.PAUSES: cells.pauses_of,
    Reading.SECRET: cells.secret_of,
}


@dataclass(frozen=True, slots=True)
class PointRow:
    """What one row states. `camera` holds make, model, serial, macs, onvif_addr, ipv4, port, path and rtsp_url as far
    as they are stated; `by_gb` says that the code is the 设备编码; `in_use` is None unless 设备状态 says.
    """

    line: int
    code: str
    by_gb: bool = False
    facts: Facts = field(default_factory=dict)
    camera: Mapping[str, str] = field(default_factory=dict)
    username: str = ""
    password: Secret | None = None
    pauses: tuple[Pause, ...] | None = None
    change_on: date | None = None
    in_use: bool | None = None


class _Cell(NamedTuple):
    """How one column is read; made once, for files have half a million cells."""

    at: int
    column: ColumnSpec
    parse: Callable[[Value, Complain], object]
    complain: Complain


class RowReader:
    """Reads rows; collects their findings."""

    def __init__(
        self, file: str, key: str, columns: Sequence[tuple[int, ColumnSpec, str]], findings: list[Finding]
    ) -> None:
        self._file = file
        self._key = key
        self._headings = {column.field: heading for _, column, heading in columns}
        self._findings = findings
        self._line = 0
        self._cells = [_Cell(at, spec, _PARSERS[spec.reading], self._complainer(spec.field)) for at, spec, _ in columns]

    def _complainer(self, name: str) -> Complain:
        heading = self._heading(name)

        def complain(message: str, remedy: str, level: str = "error") -> None:
            self._findings.append(Finding(self._file, self._line, heading, message, remedy, level))

        return complain

    def row(self, item: Row) -> PointRow | None:
        """Return what the row states, or None if it does not say for which point."""
        self._line, values = item
        stated: dict[str, object] = {}
        facts: dict[str, Fact] = {}
        camera: dict[str, str] = {}
        width = len(values)
        for at, column, parse, complain in self._cells:
            before = len(self._findings)
            parsed = parse(values[at] if at < width else None, complain)
            if parsed is None and len(self._findings) > before:
                continue
            if column.place is Place.FACT:
                facts[column.key] = _fact(column, parsed)
                if column.field == self._key:
                    stated[column.field] = parsed
            elif column.place is Place.CAMERA:
                if isinstance(parsed, Parsed):
                    stated["login"] = parsed.login
                    parsed = parsed.url
                camera[column.key] = str(parsed)
            else:
                stated[column.field] = parsed
        return self._point(stated, facts, camera)

    def _point(self, stated: dict[str, object], facts: dict[str, Fact], camera: dict[str, str]) -> PointRow | None:
        code = str(stated.get(self._key) or "")
        if not code:
            if self._key in stated:
                self._complainer(self._key)("缺少编号 missing code", "每个点位须有编号 every point needs its code")
            return None
        self._check_host(camera)
        username, password = self._login(stated)
        status = str(facts.get(EXTRA + "status") or "").casefold()
        self._findings += life_findings(self._file, self._line, self._heading, facts)
        change_on = stated.get("change_on")
        return PointRow(
            self._line,
            code,
            self._key == "gb_code",
            facts,
            camera,
            username,
            Secret(password) if password else None,
            stated.get("pauses"),  # type: ignore[arg-type]
            change_on if isinstance(change_on, date) else None,
            False if status in RETIRED_WORDS else True if status in IN_USE_WORDS else None,
        )

    def _heading(self, name: str) -> str:
        return self._headings.get(name) or BY_FIELD[name].header

    def _check_host(self, camera: Mapping[str, str]) -> None:
        stream = address.stream_of(camera.get("rtsp_url", ""))
        ipv4 = camera.get("ipv4", "")
        if stream and ipv4 and stream.host != ipv4:
            message = f"IPv4 {ipv4} 与 RTSP 地址的主机 {stream.host} 不一致 differs from the address's host"
            self._complainer("ipv4")(message, "两处写成一致 make them agree")

    def _login(self, stated: Mapping[str, object]) -> tuple[str, str]:
        login = stated.get("login")
        login = login if isinstance(login, address.Login) else address.Login("", "")
        username, password = str(stated.get("username") or ""), str(stated.get("password") or "")
        for name, cell, found in (("username", username, login.username), ("password", password, login.password)):
            if cell and found and cell != found:
                message = "与 RTSP 地址中的登录信息不一致 differs from the login inside the RTSP address"
                self._complainer(name)(message, "只在一处填写 state it in one place")
        username, password = username or login.username, password or login.password
        if password and not username:
            self._complainer("password")("有密码而无用户名 a password without a username", "补上用户名 add it")
        return username, password


def _fact(column: ColumnSpec, parsed: object) -> Fact:
    if column.key.startswith(EXTRA):
        return cells.shown(parsed)  # type: ignore[arg-type]
    return parsed  # type: ignore[return-value]


def life_findings(file: str, line: int, heading: Callable[[str], str], facts: Facts) -> list[Finding]:
    """Check the dates of a point's life against each other."""
    dates = {name: value for name in FACT_DEFAULTS if isinstance(value := facts.get(name), date)}
    first, accepted = dates.get("first_accepted_on"), dates.get("accepted_on")
    start, until, retired = dates.get("billed_from"), dates.get("billed_until"), dates.get("retired_on")
    findings = []

    def add(name: str, message: str, remedy: str, level: str = "error") -> None:
        findings.append(Finding(file, line, heading(name), message, remedy, level))

    if start and until and until <= start:
        add(
            "billed_until",
            "计费止早于计费起 billing ends before it begins",
            "计费止为最后一天 name the last billed day",
        )
    if accepted and retired and retired < accepted:
        add("retired_on", "停用早于终验 retired before it was accepted", "核对两个日期 check both dates")
    if first and accepted and accepted < first:
        add("accepted_on", "终验早于初验 final acceptance before the first", "核对两个日期 check both dates", "warning")
    if accepted and start and accepted > start:
        add("accepted_on", "终验晚于计费起 accepted after billing began", "核对是否属实 check that it is so", "warning")
    return findings
