"""The columns of 点位台账 / 一机一档: Chinese heading, English field, other names in use, and how a cell is read.

An empty cell of a column that is there says "empty"; a column that is not there says nothing. Three exceptions: an
empty 密码, 用户名 or 原设备编码 never takes away what is stored (exports carry no login).
In files every last day is inclusive: 计费止 (billed_until) and 暂停计费 name the last day, while 停用日期
(retired_on) names the first day no longer in service.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from monitor.points import EXTRA


class Reading(StrEnum):
    """How a column's cells are read; parse.py has a parser for each."""

    NUMBERING = "numbering"
    TEXT = "text"
    CODE = "code"
    GB_CODE = "gb_code"
    DATE = "date"
    LAST_DAY = "last_day"
    LONGITUDE = "longitude"
    LATITUDE = "latitude"
    IPV4 = "ipv4"
    PORT = "port"
    PATH = "path"
    RTSP_URL = "rtsp_url"
    MACS = "macs"
    PAUSES = "pauses"
    SECRET = "secret"  # noqa: S105


class Place(StrEnum):
    """Where a column's values go."""

    NOWHERE = "nowhere"
    POINT = "point"
    FACT = "fact"
    CAMERA = "camera"
    LOGIN = "login"


class ColumnSpec(NamedTuple):
    """One column. `key` is the fact or camera field that it fills; `export` says whether exports carry it."""

    header: str
    field: str
    key: str
    reading: Reading
    place: Place
    aliases: tuple[str, ...] = ()
    export: bool = True


def _fact(
    header: str, field: str, *aliases: str, key: str = "", reading: Reading = Reading.TEXT, export: bool = True
) -> ColumnSpec:
    return ColumnSpec(header, field, key or field, reading, Place.FACT, aliases, export)


def _extra(header: str, field: str, *aliases: str, reading: Reading = Reading.TEXT) -> ColumnSpec:
    return ColumnSpec(header, field, EXTRA + field, reading, Place.FACT, aliases)


def _camera(header: str, field: str, *aliases: str, reading: Reading = Reading.TEXT, export: bool = True) -> ColumnSpec:
    return ColumnSpec(header, field, field, reading, Place.CAMERA, aliases, export)


def _point(header: str, field: str, *aliases: str, reading: Reading = Reading.TEXT, export: bool = True) -> ColumnSpec:
    return ColumnSpec(header, field, field, reading, Place.POINT, aliases, export)


COLUMNS: tuple[ColumnSpec, ...] = (
    ColumnSpec("序号", "no", "no", Reading.NUMBERING, Place.NOWHERE, ("number", "seq")),
    _point("点位编号", "code", "point", "point_code", "点位编码", "点位号", reading=Reading.CODE),
    _fact("设备编码", "gb_code", "device_code", "国标编码", "设备国标编码", reading=Reading.GB_CODE),
    _fact("原设备编码", "former_gb_code", "原国标编码", reading=Reading.GB_CODE),
    _fact("设备名称", "name", "point_name", "点位名称", "监控点名称", "名称"),
    _fact("监控点位类型", "class", "category", "point_class", "点位类型"),
    _extra("管理单位", "manager"),
    _fact("承建单位", "supplier", "供应商"),
    _extra("维护单位", "maintainer"),
    _extra("所属辖区公安机关", "police"),
    _fact("安装地址", "address", "地址", "安装位置"),
    _fact("经度", "lon", "longitude", "lng", key="lon_e7", reading=Reading.LONGITUDE),
    _fact("纬度", "lat", "latitude", key="lat_e7", reading=Reading.LATITUDE),
    _extra("立杆编号", "pole"),
    _extra("采集区域类型", "scene"),
    _extra("摄像机类型", "camera_type"),
    _extra("功能类型", "function"),
    _extra("监控方位", "direction"),
    _camera("厂商", "make", "manufacturer", "vendor", "设备厂商", "品牌"),
    _camera("型号", "model", "设备型号"),
    _camera("IPv4", "ipv4", "ip", "IP地址", "IPv4地址", reading=Reading.IPV4),
    _camera("MAC", "macs", "mac", "MAC地址", reading=Reading.MACS),
    _extra("接入网络", "network"),
    _extra("录像保存天数", "retention_days"),
    _extra("启用时间", "enabled_on", "启用日期", "上线", "上线时间", "上线日期", reading=Reading.DATE),
    _extra("设备状态", "status", "状态"),
    _extra("备注", "remark", "note"),
    _fact("期次", "phase"),
    _fact("合同编号", "contract", "政府采购合同编号"),
    _extra("单价", "unit_price"),
    _fact("街道/社区", "area", "街道", "区域", "所属区域"),
    _extra("社区", "community"),
    _camera("序列号", "serial", "sn", "设备序列号"),
    _extra("取电方式", "power_supply"),
    _extra("电费承担方", "power_payer"),
    _fact("初验日期", "first_accepted_on", "初验", "初验时间", reading=Reading.DATE),
    _fact("终验日期", "accepted_on", "终验", "终验时间", "验收日期", reading=Reading.DATE),
    _fact("验收单号", "acceptance_no"),
    _fact("计费起", "billed_from", "计费起日", "计费起始", "计费开始日期", reading=Reading.DATE),
    _fact("计费止", "billed_until", "计费止日", "计费截止", "计费结束日期", reading=Reading.LAST_DAY),
    _point("暂停计费", "pauses", "billing_pauses", reading=Reading.PAUSES),
    _fact("停用日期", "retired_on", "停用时间", "拆除日期", reading=Reading.DATE),
    _point("变更日期", "change_on", "effective_from", "生效日期", reading=Reading.DATE, export=False),
    _extra("变更记录", "change_log"),
    _fact("审批文号", "document", "批准文号", "变更审批文号"),
    _fact("上联设备", "upstream", "上联", "接入交换机"),
    _camera("RTSP地址", "rtsp_url", "rtsp", "取流地址", "视频流地址", reading=Reading.RTSP_URL),
    _camera("RTSP端口", "port", "rtsp_port", "端口", reading=Reading.PORT, export=False),
    _camera("RTSP路径", "path", "rtsp_path", "取流路径", reading=Reading.PATH, export=False),
    _camera("ONVIF地址", "onvif_addr", "onvif"),
    ColumnSpec(
        "用户名", "username", "username", Reading.TEXT, Place.LOGIN, ("user", "账号", "用户", "登录用户名"), False
    ),
    ColumnSpec(
        "密码",
        "password",
        "password",
        Reading.SECRET,
        Place.LOGIN,
        ("passwd", "口令", "登录密码", "摄像机密码", "设备密码"),
        False,
    ),
)

BY_FIELD = {column.field: column for column in COLUMNS}
BY_KEY = {column.key: column for column in COLUMNS}
EXPORTED: tuple[ColumnSpec, ...] = tuple(column for column in COLUMNS if column.export)

_PARENTHESES = re.compile(r"\([^()]*\)")
_NOISE = re.compile(r"[\s_\-*★☆:]+")


def plain_header(text: str) -> str:
    """Return a heading as it is compared: full-width forms, blanks, marks and case do not matter."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def without_note(text: str) -> str:
    """Return a heading without its note in brackets: 设备编码（20位） is 设备编码."""
    return _PARENTHESES.sub("", unicodedata.normalize("NFKC", text))


KNOWN: dict[str, str] = {
    plain_header(name): column.field for column in COLUMNS for name in (column.header, column.field, *column.aliases)
}
