"""What headings, phases and footers are called in the authority's files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from console.authority.periods import When, number_of, when_of
from monitor.roster.columns import plain_header, without_note
from monitor.roster.table import Value
from settlement.contract import Terms

Field = Literal[
    "phase",
    "point",
    "device",
    "name",
    "period",
    "rate",
    "fault",
    "points",
    "due",
    "online",
    "offline",
    "checks",
    "checks_online",
    "checks_offline",
    "time",
    "time_online",
    "time_offline",
    "ignore",
]
FIELDS: Mapping[Field, tuple[str, ...]] = {
    "phase": ("期次", "期别", "项目期次", "建设期次", "建设期", "所属期次", "phase"),
    "point": ("点位编号", "点位编码", "点位号", "点位代码", "point", "point_code", "code"),
    "device": (
        "设备编码",
        "设备编号",
        "国标编码",
        "设备国标编码",
        "国标ID",
        "设备ID",
        "通道编码",
        "通道编号",
        "通道国标编码",
        "摄像机编码",
        "摄像机编号",
        "gb_code",
        "device_code",
    ),
    "name": ("点位名称", "设备名称", "通道名称", "摄像机名称", "监控点名称", "名称", "name"),
    "period": (
        "月份",
        "季度",
        "年月",
        "期间",
        "时间",
        "统计月份",
        "统计期间",
        "统计周期",
        "统计时间",
        "考核月份",
        "考核周期",
        "考核期间",
        "period",
        "month",
    ),
    "rate": (
        "在线率",
        "平均在线率",
        "月在线率",
        "月度在线率",
        "月平均在线率",
        "季度在线率",
        "季度平均在线率",
        "核定在线率",
        "公安核定在线率",
        "综合在线率",
        "设备在线率",
        "点位在线率",
        "视频在线率",
        "rate",
        "online_rate",
    ),
    "fault": ("故障率", "平均故障率", "离线率", "掉线率", "fault_rate"),
    "points": (
        "点数",
        "总点数",
        "考核点数",
        "监控点数",
        "监控点数量",
        "点位数",
        "点位数量",
        "点位个数",
        "点位总数",
        "考核点位数",
        "监控点位数",
        "摄像机数",
        "摄像机数量",
        "摄像机总数",
        "摄像头数",
        "摄像头数量",
        "摄像头总数",
        "路数",
        "视频路数",
        "points",
    ),
    "due": (
        "应在线数",
        "应在线",
        "应在线点位数",
        "应在线设备数",
        "应检数",
        "总数",
        "设备总数",
        "设备数",
        "设备数量",
        "due",
    ),
    "online": ("在线数", "实际在线数", "实在线数", "在线点位数", "在线设备数", "正常数", "online"),
    "offline": ("离线数", "掉线数", "不在线数", "故障数", "离线设备数", "离线点位数", "offline"),
    "checks": ("检测次数", "应检测次数", "巡检次数", "总次数", "应在线次数", "checks"),
    "checks_online": ("在线次数", "正常次数", "checks_online"),
    "checks_offline": ("离线次数", "掉线次数", "异常次数", "checks_offline"),
    "time": ("应在线时长", "应在线时间", "总时长", "统计时长", "time"),
    "time_online": ("在线时长", "在线时间", "实际在线时长", "time_online"),
    "time_offline": ("离线时长", "离线时间", "故障时长", "掉线时长", "time_offline"),
    "ignore": (
        "序号",
        "备注",
        "说明",
        "街道",
        "社区",
        "街道社区",
        "区域",
        "辖区",
        "所属辖区",
        "所属区域",
        "派出所",
        "所属派出所",
        "分局",
        "地址",
        "安装地址",
        "经度",
        "纬度",
        "厂商",
        "型号",
        "IP",
        "IP地址",
        "承建单位",
        "运营商",
        "供应商",
        "是否达标",
        "达标情况",
        "考核结果",
        "状态",
        "排名",
        "no",
    ),
}
WORDS: Mapping[str, Field] = {plain_header(word): field for field, words in FIELDS.items() for word in words}
FIGURES = frozenset(FIELDS) - {"phase", "point", "device", "name", "period", "ignore"}
"""Fields that hold figures; the others say what the figures are of."""
TIMES = frozenset({"time", "time_online", "time_offline"})

TOTAL = re.compile(r"^(合计|总计|小计|共计|汇总|平均|全部|全区|全市|全县|总体|[本全]?[月季年]度?(平均|合计|小计))")
SIGNATURE = re.compile(
    r"^(填表|填报|制表|统计人|审核|复核|审批|经办|负责人|单位负责人|主管|领导|联系人|联系电话|电话|备注:|注:|注\d|说明:|日期:|时间:|盖章|\(盖章\)|单位:|打印)"
)


class Heading(NamedTuple):
    """What one heading cell says: a field, a period, a phase; and whether percent or a unit of time stands in it."""

    field: Field | None
    when: When | None
    phase: str | None
    percent: bool
    unit_s: int | None

    @property
    def says(self) -> bool:
        """Tell whether anything was understood."""
        return self.field is not None or self.when is not None or self.phase is not None


_UNITS = (
    (re.compile(r"小时|hours?|\(h\)"), 3_600),
    (re.compile(r"分钟|分\)|min"), 60),
    (re.compile(r"秒|\(s\)"), 1),
    (re.compile(r"\(天\)|\(日\)"), 86_400),
)


class Vocabulary:
    """The words of one contract's files: the built-in headings, a saved mapping's, and what phases are called."""

    def __init__(self, terms: Terms, columns: Mapping[str, Field], phases: Mapping[str, str]) -> None:
        self._words = {**WORDS, **{plain_header(word): field for word, field in columns.items()}}
        self._phases = phase_words(terms, phases)

    def phase_of(self, text: str) -> str | None:
        """Return the contract's phase of a word, the word itself if it only looks like a phase, None for anything else."""
        plain = plain_header(text)
        if plain in self._phases:
            return self._phases[plain]
        return text.strip() if _PHASE.fullmatch(plain) else None

    def heading(self, value: Value) -> Heading:
        """Read a heading cell: 7月, 在线率(%), 一期在线率, 2020年7月 在线时长（小时）."""
        if not isinstance(value, str):
            when = when_of(value) if isinstance(value, (datetime, date)) else None
            return Heading(None, when, None, percent=False, unit_s=None)
        noted = unicodedata.normalize("NFKC", value)
        percent = "%" in noted
        unit = next((seconds for pattern, seconds in _UNITS if pattern.search(noted.casefold())), None)
        if plain_header(value) in self._words:  # a saved mapping may name a heading with its note
            return Heading(self._words[plain_header(value)], None, None, percent, unit)
        plain = plain_header(without_note(value)).replace("%", "")
        when = when_of(without_note(value))
        if when is not None:
            return Heading(None, when, None, percent, unit)
        phase = self.phase_of(plain)
        if phase is not None:
            return Heading(None, None, phase, percent, unit)
        field, when, phase = self._parts(plain)
        return Heading(field, when, phase, percent, unit)

    def _parts(self, plain: str) -> tuple[Field | None, When | None, str | None]:
        """Take a heading apart: a period or a phase or both before a field."""
        for size in range(len(plain), 1, -1):
            field = self._words.get(plain[-size:])
            if field is None or field == "ignore":
                continue
            rest = plain[:-size].rstrip("的")
            if not rest:
                return field, None, None
            when, phase = when_of(rest), self.phase_of(rest)
            for cut in range(1, len(rest)):
                if when is not None or phase is not None:
                    break
                first, second = rest[:cut], rest[cut:]
                when, phase = when_of(first), self.phase_of(second)
                if when is None or phase is None:
                    when, phase = when_of(second), self.phase_of(first)
                if when is None or phase is None:
                    when = phase = None
            if when is not None or phase is not None:
                return field, when, phase
        return self._words.get(plain), None, None


_PHASE = re.compile(r"第?(\d{1,2}|[一二三四五六七八九十]{1,3})期(工程|项目|点位)?")


def phase_words(terms: Terms, mapped: Mapping[str, str]) -> dict[str, str]:
    """What each phase may be called: its id and title, 一期, 第一期, 1期 by the number in either, and the mapping's words."""
    words: dict[str, str] = {}
    for phase in terms.phases:
        for word in _names(phase.id, phase.title):
            words.setdefault(plain_header(word), phase.id)
    words |= {plain_header(word): phase for word, phase in mapped.items()}
    return words


def _names(name: str, title: str) -> Iterable[str]:
    yield name
    if title:
        yield title
    number = _numbered(title) or _numbered(name)
    if number is not None:
        chinese = "〇一二三四五六七八九十"[number] if number <= 10 else str(number)
        for text in {chinese, str(number)}:
            for end in ("", "工程", "项目", "点位"):
                yield f"{text}期{end}"
                yield f"第{text}期{end}"


def _numbered(text: str) -> int | None:
    plain = plain_header(text)
    found = _PHASE.match(plain)
    if found:
        return number_of(found[1])
    digits = re.search(r"phase(\d{1,2})$", plain)
    return int(digits[1]) if digits else None
