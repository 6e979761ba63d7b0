"""Reads CSV, XLSX and XLS into rows of cells with their row numbers, within stated bounds.

Nothing in the file is believed: sizes are checked before anything is unpacked, and only bytes that were unpacked
within the bound reach the parser.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import python_calamine

from monitor.finding import InputError, refuse

MAX_BYTES = 10_000_000
MAX_UNPACKED = 100_000_000
MAX_ROWS = 50_000
MAX_TITLE_ROWS = 30
MAX_ENTRIES = 2_000
MAX_COLUMNS = 104
MAX_CELL = 4_000

Value = str | int | float | bool | date | datetime | time | timedelta | None
Row = tuple[int, list[Value]]

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXCEL = (".xlsx", ".xlsm", ".xls")
# Excel writes formatted but empty cells and rows far out; they hold nothing and the parser passes over them.
_BLANK = re.compile(rb'<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?/>|<row(?: [\w:.]+="[^"<>]*")*/>')
# The parser allocates the whole rectangle up to the farthest cell, so one cell at XFD1048576 would exhaust memory.
_FAR = re.compile(
    rb"""\br\s*=\s*["'](?:[A-Z]{3,}[0-9]*|[D-Z][A-Z][0-9]*|[A-Z]{0,2}(?:[0-9]{6,}|5[1-9][0-9]{3}|[6-9][0-9]{4}))["']"""
)


# The parser reads a formula's error as an empty cell, which would be taken for a fact that is withdrawn: it is read as text.
_ERROR_CELL = re.compile(rb"""(<(?:\w+:)?c\b[^<>]*?\st=)(["'])e\2""")
FORMULA_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"})
"""What a workbook's cell says whose formula has no value."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet (a CSV has one, without a name); rows count from 1 and empty ones are left out."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read: its name, the digest of its bytes, and its sheets."""

    file: str
    sha256: str
    sheets: tuple[Sheet, ...]


def read_source(path: Path) -> Source:
    """Read a table file of at most 10 MB, 100 MB unpacked and 50,000 rows. Raises InputError for anything else."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(
            f"无法读取 cannot read: {error.strerror}", "检查路径和权限 check path and mode", file=file
        ) from None
    if len(raw) > MAX_BYTES:
        raise refuse(f"文件超过 {MAX_BYTES:,} 字节 the file is too large", "拆成几个文件 split it", file=file)
    if raw.startswith(_ZIP):
        sheets = _excel(_unpacked(raw, file), file)
    elif raw.startswith(_OLE):
        sheets = _excel(io.BytesIO(raw), file)
    elif path.suffix.lower() in _EXCEL:
        raise _unreadable(file, "内容不是 Excel 工作簿 the content is no workbook")
    else:
        sheets = (Sheet("", tuple(_csv(raw, file))),)
    return Source(file, hashlib.sha256(raw).hexdigest(), sheets)


def _unreadable(file: str, why: str) -> InputError:
    remedy = "在 Excel 中另存为 .xlsx 或 CSV UTF-8 save it again as .xlsx or CSV UTF-8"
    return refuse(f"无法读取工作簿 unreadable workbook: {why}", remedy, file=file)


def _unpacked(raw: bytes, file: str) -> io.BytesIO:
    """Return the archive again, stored without compression, with no more bytes than its directory admits."""
    again = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(again, "w") as out:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_ENTRIES or size > MAX_UNPACKED:
                message = f"解压后超过 {MAX_UNPACKED:,} 字节 unpacks to more than the limit ({size:,})"
                raise refuse(message, "删去图片等无关内容或拆分 remove pictures or split it", file=file)
            if not any(entry.filename.lower() == "xl/workbook.xml" for entry in entries):
                raise _unreadable(file, "不是 .xlsx not an .xlsx")
            for entry in entries:
                data = archive.read(entry)  # never more than file_size; zipfile checks the CRC
                if b"sheetData" in data and _FAR.search(_BLANK.sub(b"", data)):
                    message = f"行数或列数过多（≤ {MAX_ROWS:,} 行、{MAX_COLUMNS} 列）too many rows or columns"
                    raise refuse(message, "删去表格外的内容或拆分 remove stray cells or split it", file=file)
                if b"sheetData" in data:
                    data = _ERROR_CELL.sub(rb"\1\2str\2", data)
                out.writestr(entry.filename, data)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise _unreadable(file, type(error).__name__) from None
    except Exception as error:  # zlib.error, lzma.LZMAError and their kind share no ancestor
        if isinstance(error, InputError):
            raise
        raise _unreadable(file, type(error).__name__) from None
    again.seek(0)
    return again


def _excel(stream: io.BytesIO, file: str) -> tuple[Sheet, ...]:
    sheets = []
    total = 0
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(stream)
        for meta in book.sheets_metadata:
            if meta.visible != python_calamine.SheetVisibleEnum.Visible:
                continue
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            total += sheet.total_height
            if total > MAX_ROWS + MAX_TITLE_ROWS:
                raise _too_many(file)
            rows = sheet.to_python(skip_empty_area=False)
            sheets.append(Sheet(meta.name, tuple(_filled(rows))))
    except InputError:
        raise
    except BaseException as error:
        # A panic of the Rust parser derives from BaseException; whatever it is, the file is to blame.
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise _unreadable(file, type(error).__name__) from None
    return tuple(sheets)


def _too_many(file: str) -> InputError:
    return refuse(f"超过 {MAX_ROWS:,} 行 too many rows", "拆成几个文件 split it", file=file)


def _filled(rows: Iterable[Sequence[Value]]) -> Iterator[Row]:
    for line, cells in enumerate(rows, 1):
        if any(cell not in {"", None} and not (isinstance(cell, str) and not cell.strip()) for cell in cells):
            yield line, list(cells)


def _csv(raw: bytes, file: str) -> list[Row]:
    text = _text(raw, file)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, list(cells)))
                if len(rows) > MAX_ROWS + MAX_TITLE_ROWS:
                    raise _too_many(file)
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "检查引号是否成对 check that quotes are paired"
        raise refuse(f"CSV 无法解析 cannot parse: {error}", remedy, file=file, line=reader.line_num) from None
    return rows


def _text(raw: bytes, file: str) -> str:
    """Decode what Chinese offices save: UTF-8 with or without a mark, else GB18030 (GBK and GB2312 within it)."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refuse(
        "既不是 UTF-8 也不是 GB18030 neither UTF-8 nor GB18030", "另存为 CSV UTF-8 save as CSV UTF-8", file=file
    )
