"""Strict reading of small CSV files that people made: every complaint with its line, all of them at once.

UTF-8 (with or without BOM) or GB18030, as Chinese spreadsheets save them. The first line is the header. Limits: 50 MB,
200,000 rows and 1,000 complaints a file unless the caller says otherwise; the csv module's 131,072 characters a field.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from monitor.finding import Finding
from monitor.model import Instant
from monitor.period import FIRST_YEAR, LAST_YEAR

MAX_BYTES = 50_000_000
MAX_ROWS = 200_000
MAX_FINDINGS = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class Complaints:
    """What is wrong with one file. Keeps the first 1,000 complaints and counts the rest."""

    file: str
    kept: list[Finding] = field(default_factory=list)
    count: int = 0
    malformed: bool = False
    """The rows after some place could not be told apart."""

    def add(self, line: int, column: str, message: str, remedy: str) -> None:
        """Note one complaint; `line` 0 concerns the file as a whole."""
        self.count += 1
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(self.file, line, column, message, remedy))

    def findings(self) -> list[Finding]:
        """The complaints by line, and at the end how many more there were."""
        result = sorted(self.kept)
        if self.count > len(self.kept):
            more = self.count - len(self.kept)
            message = f"另有 {more} 处错误未列出 {more} more errors not listed"
            result.append(Finding(self.file, 0, "", message, "先改正已列出的 correct the listed ones first"))
        return result


class Row(NamedTuple):
    """A row's cells in the order of the columns asked for, stripped; `line` is where it begins, from 1."""

    line: int
    cells: tuple[str, ...]


class Content(NamedTuple):
    """A file's bytes, the encoding that they are in, and their digest."""

    data: bytes
    encoding: str
    sha256: str


def read_rows(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    complaints: Complaints,
    *,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
) -> list[Row]:
    """The file's rows, cells in the order `required` + `optional`; absent optional columns give "".

    Other columns are ignored, unless their name looks like a mistyped one of ours. Blank lines are skipped. Whatever is
    wrong goes to `complaints`; rows with complaints are left out, and a file that cannot be read has none.
    """
    content = read_content(path, complaints, max_bytes=max_bytes)
    if content is None:
        return []
    rows = list(rows_of(content, required, optional, complaints, max_rows=max_rows))
    return [] if complaints.malformed else rows


def rows_of(
    content: Content,
    required: Sequence[str],
    optional: Sequence[str],
    complaints: Complaints,
    *,
    max_rows: int = MAX_ROWS,
) -> Iterator[Row]:
    """Yield the rows of `read_rows` one by one, for files too large to hold as rows."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content.data), content.encoding, newline=""), strict=True)
    places: list[int] | None = None
    width = count = 0
    try:
        line = 1
        for cells in reader:
            begun, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if places is None:
                places, width = _header(cells, begun, required, optional, complaints), len(cells)
                if not places:
                    return
                continue
            if count >= max_rows:
                complaints.add(
                    begun, "", f"超过 {max_rows:,} 行 more than {max_rows:,} rows", "拆成几份 split the file"
                )
                return
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                message = f"应有 {width} 列，实有 {len(cells)} 列 {len(cells)} fields where the header has {width}"
                complaints.add(
                    begun, "", message, "补齐或用双引号括住含逗号的内容 fill in, or quote fields with commas"
                )
                continue
            count += 1
            yield Row(begun, tuple([cells[place].strip() if place >= 0 else "" for place in places]))
    except csv.Error as error:
        message = f"不是合法的 CSV not well-formed CSV: {error}"
        complaints.add(reader.line_num, "", message, "检查引号 check the quotes on and before this line")
        complaints.malformed = True
        return
    if places is None:
        complaints.add(0, "", "文件是空的 the file is empty", "第一行须为列名 begin with: " + ",".join(required))


def read_content(path: Path, complaints: Complaints, *, max_bytes: int = MAX_BYTES) -> Content | None:
    """The file's bytes, known to be text; None with a complaint."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        complaints.add(0, "", f"无法读取 cannot be read: {error.strerror}", "检查路径与权限 check path and permissions")
        return None
    if len(data) > max_bytes:
        complaints.add(0, "", f"超过 {max_bytes:,} 字节 more than {max_bytes:,} bytes", "拆成几份 split the file")
        return None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        complaints.add(0, "", "是 Excel 文件而非 CSV an Excel file, not CSV", "另存为 CSV UTF-8 save as CSV UTF-8")
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if b"\0" in data:
            break
        return Content(data, encoding, hashlib.sha256(data).hexdigest())
    complaints.add(
        0,
        "",
        "编码无法识别 neither UTF-8 nor GB18030",
        "另存为 CSV UTF-8（逗号分隔）save as CSV UTF-8 (comma delimited)",
    )
    return None


def _header(
    cells: Sequence[str], line: int, required: Sequence[str], optional: Sequence[str], complaints: Complaints
) -> list[int]:
    """Where each asked column stands, -1 for absent optional ones; empty if the header is unusable."""
    names = [cell.strip() for cell in cells]
    sound = True
    for name in required:
        if name not in names:
            sound = False
            complaints.add(
                line, name, "缺少这一列 column missing", "第一行须含 the header needs: " + ",".join(required)
            )
    for name in (*required, *optional):
        if names.count(name) > 1:
            sound = False
            complaints.add(line, name, "列名重复 column appears twice", "只留一列 keep one")
    absent = [name for name in optional if name not in names]
    for name in names:
        if name and name not in (*required, *optional) and (like := get_close_matches(name, absent, n=1, cutoff=0.85)):
            sound = False
            message = f"疑为 {like[0]} 之误 looks like a mistyped {like[0]}"
            complaints.add(line, name, message, f"改为 {like[0]} 或改用别的列名 rename it")
    if not sound:
        return []
    return [names.index(name) if name in names else -1 for name in (*required, *optional)]


def instant(text: str, line: int, column: str, complaints: Complaints) -> Instant | None:
    """An ISO 8601 instant with zone, such as 2020-07-01T08:00:00+08:00, to the microsecond; None with a complaint."""
    remedy = "写成 write it like 2020-07-01T08:00:00+08:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        complaints.add(line, column, f"没有这个时刻 not an instant: {text[:60]!r}", remedy)
        return None
    if moment.tzinfo is None:
        complaints.add(line, column, f"时刻没有时区 instant without a zone: {text[:60]!r}", remedy)
        return None
    return Instant((moment - _EPOCH) // _MICROSECOND)


def day(text: str, line: int, column: str, complaints: Complaints) -> date | None:
    """A date YYYY-MM-DD of the years 1970 to 9998; None with a complaint."""
    try:
        result = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        result = None
    if result is None or not FIRST_YEAR <= result.year <= LAST_YEAR:
        complaints.add(line, column, f"没有这个日期 not a date: {text[:60]!r}", "写成 write it like 2020-07-01")
        return None
    return result
