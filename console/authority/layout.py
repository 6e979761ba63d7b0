"""Where a sheet's heading lies, and what each of its columns is: title rows, merged headings, months or phases side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from console.authority.cell import bare_number, is_empty, text_of
from console.authority.periods import When, when_of
from console.authority.words import FIGURES, Field, Heading, Vocabulary
from monitor.roster.table import MAX_TITLE_ROWS, Row, Sheet, Value

MAX_HEADING_ROWS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its place (from 0), its headings from top to bottom, and what they mean together."""

    at: int
    headings: tuple[str, ...]
    field: Field
    when: When | None = None
    phase: str | None = None
    percent: bool = False
    unit_s: int | None = None

    @property
    def name(self) -> str:
        """The headings as one text."""
        return " / ".join(self.headings)


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet understood: its title rows, the heading's lines, its columns, the columns not understood, the data rows."""

    sheet: str
    titles: tuple[str, ...]
    line: int
    heading: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    strange: tuple[Column, ...]
    rows: tuple[Row, ...]

    def keys(self, field: Field) -> Column | None:
        """Return the first column of a field that says what a row is of."""
        return next((column for column in self.columns if column.field == field), None)

    @property
    def figures(self) -> tuple[Column, ...]:
        """The columns that hold figures."""
        return tuple(column for column in self.columns if column.field in FIGURES)

    @property
    def of_points(self) -> bool:
        """Tell whether rows are points rather than phases."""
        return any(column.field in {"point", "device"} for column in self.columns)


def find_layout(sheet: Sheet, words: Vocabulary, heading_row: int | None = None) -> Layout | None:
    """Find the heading among the top rows (or at the line given) and what follows from it; None if there is none."""
    for at, (line, cells) in enumerate(sheet.rows[:MAX_TITLE_ROWS]):
        if heading_row is not None and line != heading_row:
            continue
        if heading_row is None and not _is_heading(
            [words.heading(cell) for cell in cells if isinstance(cell, (str, date)) and not is_empty(cell)]
        ):
            continue
        first = _with_groups_above(sheet.rows, at, words) if heading_row is None else at
        last = _last_heading(sheet.rows, at, words)
        found = _layout(sheet, first, last, words)
        if found.figures:
            return found
    return None


def _is_heading(heads: Sequence[Heading]) -> bool:
    """Two headings that are understood, one of them a field; or mostly periods or phases."""
    known = [head for head in heads if head.says]
    fields = [head for head in known if head.field is not None and head.field != "ignore"]
    groups = [head for head in known if head.field is None]
    return (len(known) >= 2 and bool(fields)) or (len(groups) >= 2 and 2 * len(groups) >= len(heads))


def _with_groups_above(rows: Sequence[Row], at: int, words: Vocabulary) -> int:
    """Take the row above as well where it holds nothing but periods and phases over merged columns."""
    if at == 0:
        return at
    above = [words.heading(cell) for cell in rows[at - 1][1] if not is_empty(cell)]
    return at - 1 if above and all(head.says and head.field is None for head in above) else at


def _last_heading(rows: Sequence[Row], at: int, words: Vocabulary) -> int:
    last = at
    for _, cells in rows[at + 1 : at + MAX_HEADING_ROWS]:
        filled = [cell for cell in cells if not is_empty(cell)]
        texts = [cell for cell in filled if isinstance(cell, str)]
        heads = [words.heading(cell) for cell in texts]
        figures = any(bare_number(cell) is not None or text_of(cell).endswith("%") for cell in filled)
        named = any(head.field is not None and head.field in FIGURES for head in heads)
        deeper = bool(heads) and all(head.says and head.field is None for head in heads) and len(heads) >= 2
        if figures or len(texts) != len(filled) or not (named or deeper):
            break
        last += 1
    return last


def _layout(sheet: Sheet, first: int, last: int, words: Vocabulary) -> Layout:
    lines = [_padded(cells, sheet.rows[first:]) for _, cells in sheet.rows[first : last + 1]]
    _fill(lines)
    rows = sheet.rows[last + 1 :]
    columns: list[Column] = []
    strange: list[Column] = []
    for at in range(len(lines[0])):
        texts = tuple(dict.fromkeys(text_of(line[at]) for line in lines if not is_empty(line[at])))
        column = _column(at, texts, [words.heading(line[at]) for line in lines if not is_empty(line[at])])
        if column is not None:
            columns.append(column)
        elif any(at < len(cells) and not is_empty(cells[at]) for _, cells in rows):
            strange.append(Column(at, texts, "ignore"))
    columns, strange = _by_content(columns, strange, rows, words)
    titles = tuple(text_of(cell) for _, cells in sheet.rows[:first] for cell in cells if not is_empty(cell))
    heading = tuple(tuple(text_of(cell) for cell in line) for line in lines)
    return Layout(sheet.name, titles, sheet.rows[first][0], heading, tuple(columns), tuple(strange), rows)


def _padded(cells: Sequence[Value], rows: Sequence[Row]) -> list[Value]:
    width = max(len(row) for _, row in rows)
    return [*cells, *[None] * (width - len(cells))]


def _fill(lines: list[list[Value]]) -> None:
    """Write a merged heading over every column that it spans: only its first cell holds the text in the file."""
    for upper, lower in pairwise(lines):
        group: Value = None
        for at, cell in enumerate(upper):
            if not is_empty(cell):
                group = None if is_empty(lower[at]) else cell  # a heading merged downward spans no other column
            elif group is not None and not is_empty(lower[at]):
                upper[at] = group
            else:
                group = None


def _column(at: int, texts: tuple[str, ...], heads: Sequence[Heading]) -> Column | None:
    """Join what a column's headings say, the lower ones over the upper ones; None if they say nothing."""
    field: Field | None = None
    when: When | None = None
    phase: str | None = None
    for head in heads:
        if head.field is not None:
            field = head.field
        if head.phase is not None:
            phase = head.phase
        if head.when is not None:
            when = head.when if head.when.year is not None or when is None else head.when._replace(year=when.year)
    if field is None and when is None and phase is None:
        return None
    percent = any(head.percent for head in heads)
    unit = next((head.unit_s for head in reversed(heads) if head.unit_s is not None), None)
    return Column(at, texts, "rate" if field is None else field, when, phase, percent, unit)


def _by_content(
    columns: list[Column], strange: list[Column], rows: Sequence[Row], words: Vocabulary
) -> tuple[list[Column], list[Column]]:
    """Know a column that holds phases, or months, by what stands in it where its heading does not say so."""
    fields = {column.field for column in columns}
    wanted: list[Field] = []
    if not fields & {"phase", "point", "device"} and not any(column.phase for column in columns):
        wanted.append("phase")
    if "period" not in fields and not any(column.when for column in columns):
        wanted.append("period")
    for field in wanted:
        for column in [*strange, *(column for column in columns if column.field == "name")]:
            values = [
                cells[column.at] for _, cells in rows if column.at < len(cells) and not is_empty(cells[column.at])
            ]
            known = [value for value in values if _holds(field, value, words)]
            if known and 2 * len(known) >= len(values):
                found = Column(column.at, column.headings, field)
                columns = [*(c for c in columns if c.at != column.at), found]
                strange = [c for c in strange if c.at != column.at]
                break
    return sorted(columns, key=lambda column: column.at), strange


def _holds(field: Field, value: Value, words: Vocabulary) -> bool:
    if field == "phase":
        return isinstance(value, str) and words.phase_of(value) is not None
    return not isinstance(value, (int, float)) and when_of(value) is not None


def doubled(columns: Iterable[Column]) -> list[tuple[Column, Column]]:
    """Return pairs of columns that mean the same, the one that counts first."""
    first: dict[tuple[object, ...], Column] = {}
    pairs: list[tuple[Column, Column]] = []
    for column in columns:
        if column.field == "ignore":
            continue
        key = (column.field, column.when, column.phase)
        if key in first:
            pairs.append((first[key], column))
        first.setdefault(key, column)
    return pairs
