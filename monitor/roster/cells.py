"""One parser per kind of cell. Each takes a cell as Excel or CSV holds it and a `Complain` to report to.

A parser returns None where the cell cannot be used, after complaining; messages never repeat what may hold a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from ipaddress import AddressValueError, IPv4Address
from itertools import pairwise

from monitor.points import Fact, Pause
from monitor.roster.table import FORMULA_ERRORS, MAX_CELL, Value

Complain = Callable[..., None]
"""complain(message, remedy, level="error")"""

EXCEL_EPOCH = date(1899, 12, 30)
FIRST_YEAR, LAST_YEAR = 1990, 2100
MAX_PAUSES = 200
MAX_SECRET = 256
FORMULA = "=+-@\t\r\0＝＋－＠"
"""First characters that a spreadsheet program may run as a formula; East Asian Excel takes the wide forms too."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED = re.compile(rf"'+[{re.escape(FORMULA)}]")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]+0{1,2}:00(?::00(?:\.0+)?)?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SPAN = re.compile(r"(?P<first>.+?)\s*(?:\.\.|…|~|～|至|—+|–)\s*(?P<last>.*)", re.S)
_MAC = re.compile(r"[0-9A-F]{12}")
_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,15}://[^\s/@]*:[^\s]*@")
_SEPARATORS = re.compile(r"[;；,，、\n]+")


def echo(text: str) -> str:
    """Return a cell's text as a message may repeat it: short, and not at all if it might hold a login."""
    return "…" if "@" in text or "://" in text else repr(text[:40])


def text_of(value: Value, complain: Complain) -> str | None:
    """Read any cell as trimmed text: whole numbers without `.0`, dates as ISO, our own formula escape undone."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, bool):
        text = "是" if value else "否"
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() else repr(value)
    elif isinstance(value, datetime):
        text = value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = str(value)
    if not text.isprintable() and _CONTROL.search(text):
        complain("含有控制字符 holds control characters", "删除不可见字符 remove invisible characters")
        return None
    if text in FORMULA_ERRORS:
        complain(f"公式出错 the formula has no value: {text}", "改正公式，或填入值 mend it, or write the value")
        return None
    if len(text) > MAX_CELL:
        complain(f"超过 {MAX_CELL:,} 字 too long", "缩短 shorten it")
        return None
    if "@" in text and _LOGIN.search(text):
        complain(
            "文字中带有登录口令，不能明文保存 the text holds a login and would be kept in clear",
            "删去口令，写入“密码”列 take it out and use the password column",
        )
        return None
    return text[1:] if text.startswith("'") and _ESCAPED.match(text) else text


def code_of(value: Value, complain: Complain) -> str | None:
    """Read a code; a number that Excel has already rounded is an error, since the true digits are gone."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 10**15:
        complain(
            "编码被 Excel 存成数字，末位已失真 Excel kept this code as a number and lost its last digits",
            "把该列设为文本后重新填写 set the column to text and enter it again",
        )
        return None
    text = text_of(value, complain)
    if text is not None and len(text) > 100:
        complain("编码过长 the code is too long", "≤ 100")
        return None
    return text


def gb_code_of(value: Value, complain: Complain) -> str | None:
    """Read a 20-digit GB/T 28181 code; another form is kept, with a warning."""
    text = code_of(value, complain)
    if text and not (len(text) == 20 and text.isascii() and text.isdigit()):
        complain(f"不是 20 位数字编码 not a 20-digit code: {echo(text)}", "核对国标编码 check the GB code", "warning")
    return text


def date_of(value: Value, complain: Complain) -> date | None:
    """Read a day: an Excel date or serial number, or 2020-07-01, 2020/7/1, 2020.7.1, 2020年7月1日, 20200701."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 20_000 <= value < 80_000:
        return EXCEL_EPOCH + timedelta(days=int(value))
    text = text_of(value, complain)
    if not text:
        return None
    found = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        complain(f"没有这个日期 no such date: {echo(text)}", "写作 2020-07-01 write it as 2020-07-01")
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        complain(f"年份不在 {FIRST_YEAR}–{LAST_YEAR} the year is out of range: {day}", "核对年份 check the year")
        return None
    return day


def last_day_of(value: Value, complain: Complain) -> date | None:
    """Read the offices' last day (计费止) and return the first day after it."""
    day = date_of(value, complain)
    return day + timedelta(days=1) if day else None


def pauses_of(value: Value, complain: Complain) -> tuple[Pause, ...] | None:
    """Read 暂停计费: `2020-07-05..2020-07-09;2020-08-01;2020-09-01..`, last days inclusive, the last may be open."""
    if not isinstance(value, str):
        day = date_of(value, complain)
        return (Pause(day, day + timedelta(days=1)),) if day else ()
    text = text_of(value, complain)
    if text is None:
        return None
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    if len(parts) > MAX_PAUSES:
        complain(f"超过 {MAX_PAUSES} 段 too many spans", "合并相邻的 join neighbours")
        return None
    pauses: list[Pause] = []
    for part in parts:
        span = _SPAN.fullmatch(part)
        first = date_of(span["first"] if span else part, complain)
        open_end = span is not None and not span["last"]
        last = None if open_end else date_of(span["last"] if span else part, complain)
        if first is None or (last is None and not open_end):
            return None
        if last is not None and last < first:
            complain(
                f"止日早于起日 ends before it starts: {echo(part)}", "起..止，止日计入 first..last, last day included"
            )
            return None
        pauses.append(Pause(first, last + timedelta(days=1) if last else None))
    pauses.sort(key=lambda pause: pause.first)
    for before, after in pairwise(pauses):
        if before.until is None or before.until > after.first:
            complain(f"暂停计费重叠 pauses overlap at {after.first}", "合并为一段 join them")
            return None
    return tuple(pauses)


def _degrees(value: Value, bound: int, complain: Complain) -> int | None:
    text = text_of(value, complain)
    if not text:
        return None
    try:
        degrees = Decimal(text)
        if not abs(degrees) <= bound:
            raise ValueError
    except (InvalidOperation, ValueError):
        remedy = f"十进制度，−{bound} 到 {bound} decimal degrees；经纬度勿对调 check that they are not swapped"
        complain(f"坐标无效 not a coordinate: {echo(text)}", remedy)
        return None
    return int((degrees * 10_000_000).to_integral_value(ROUND_HALF_UP))


def longitude_of(value: Value, complain: Complain) -> int | None:
    """Read decimal degrees as an integer of 1e-7 degrees."""
    return _degrees(value, 180, complain)


def latitude_of(value: Value, complain: Complain) -> int | None:
    """Read decimal degrees as an integer of 1e-7 degrees."""
    return _degrees(value, 90, complain)


def ipv4_of(value: Value, complain: Complain) -> str | None:
    """Read four plain decimal numbers; `127.1` and leading zeros are not accepted."""
    text = text_of(value, complain)
    if not text:
        return text
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        complain(f"不是 IPv4 地址 not an IPv4 address: {echo(text)}", "四段 0–255 four numbers from 0 to 255")
        return None


def port_of(value: Value, complain: Complain) -> str | None:
    """Read a port from 1 to 65535."""
    text = text_of(value, complain)
    if not text:
        return text
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 65_535):
        complain(f"端口无效 not a port: {echo(text)}", "1–65535")
        return None
    return str(int(text))


def macs_of(value: Value, complain: Complain) -> str | None:
    """Read one or more MAC addresses as AA:BB:CC:DD:EE:FF joined by commas, sorted; another form is kept, with a warning."""
    text = text_of(value, complain)
    if not text:
        return text
    macs = []
    for part in _SEPARATORS.split(text.upper()):
        plain = re.sub(r"[\s:.\-]", "", part)
        if not _MAC.fullmatch(plain):
            complain(f"MAC 地址形式不对 not a MAC address: {echo(part.strip())}", "AA:BB:CC:DD:EE:FF", "warning")
            return text
        macs.append(":".join(plain[at : at + 2] for at in range(0, 12, 2)))
    return ",".join(sorted(set(macs)))


def secret_of(value: Value, complain: Complain) -> str | None:
    """Read a password as it stands, blanks included."""
    if isinstance(value, float) and abs(value) >= 10**15:
        complain(
            "密码被 Excel 存成数字，已失真 Excel kept this as a number and lost digits", "把该列设为文本 set to text"
        )
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else "" if value is None else str(value)
    if not text.strip():
        return ""
    if _CONTROL.search(text) or "\n" in text or len(text) > MAX_SECRET:
        complain("密码含控制字符或过长 holds control characters or is too long", f"≤ {MAX_SECRET}")
        return None
    return text


def shown(value: Fact) -> str:
    """Return a fact as people read it in differences: dates as ISO, nothing as the empty string."""
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
