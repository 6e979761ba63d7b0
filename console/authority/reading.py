"""An authority's file read: every figure in it as it stands, and a note of everything that was odd.

Only a file in which no figure can be found at all is refused. What a cell, a row or a column leaves unsaid becomes a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from console.authority.figure import manner_of
from console.authority.layout import Layout, doubled, find_layout
from console.authority.mapping import Mapping
from console.authority.notes import Notes
from console.authority.periods import When, reference_within, when_of, when_within, year_within
from console.authority.rows import Default, SheetReader
from console.authority.words import Vocabulary
from monitor.finding import refuse
from monitor.roster.table import Source, read_source
from settlement.authority import Figure
from settlement.contract import Terms

OTHER_KINDS = {
    ".yaml": "YAML",
    ".yml": "YAML",
    ".json": "JSON",
    ".pdf": "PDF",
    ".doc": "Word",
    ".docx": "Word",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
}
"""What people hand in that is no table, by the end of the file's name."""


@dataclass(frozen=True, slots=True)
class AuthorityFile:
    """What a file says. `reference` and `period` are those of its title; `layouts` show how it was understood."""

    file: str
    sha256: str
    figures: tuple[Figure, ...]
    notes: tuple[tuple[int, str], ...]
    reference: str
    period: str
    layouts: tuple[Layout, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the importer says beside the file: a period for figures that name none, a phase for those that name none."""

    period: str | None = None
    phase: str | None = None


def read_authority(
    path: Path, terms: Terms, mapping: Mapping, asked: Asked, *, headings_only: bool = False
) -> AuthorityFile:
    """Read a CSV, XLSX or XLS of the authority's. InputError if it cannot be read, has no heading, or holds no figure.

    With `headings_only` it is enough that there is a heading: what the figures lack is not asked.
    """
    kind = path.suffix.lower()
    if kind in OTHER_KINDS:
        raise refuse(
            f"这是 {OTHER_KINDS[kind]} 文件，不是 CSV、XLSX 或 XLS 表格 a file of another kind: {OTHER_KINDS[kind]}, no table",
            "手工录入的数用 --typed，映射用 --mapping，扫描件用 --scan figures typed: --typed, a mapping: --mapping, a scan: --scan",
            file=str(path),
        )
    source = read_source(path)
    words = Vocabulary(terms, mapping.columns, mapping.phases)
    notes = Notes()
    layouts = list(_layouts(source, words, mapping, notes))
    if not layouts:
        raise refuse(
            "找不到表头 no heading row found",
            "前 30 行内须有“在线率”与“期次”“点位编号”或月份等列名；也可用映射指明 heading_row 与 columns "
            "headings such as 在线率 beside 期次, 点位编号 or months within 30 rows, or a mapping that names them",
            file=source.file,
        )
    titles = " ".join(text for layout in layouts for text in layout.titles)
    default = when_of(asked.period) if asked.period else when_within(titles)
    told = mapping.model_copy(update={"rates": "each"}) if headings_only else mapping
    manner = manner_of(layouts, told, notes)
    figures: list[Figure] = []
    undated: list[int] = []
    for layout in layouts:
        reader = SheetReader(source.sha256, layout, words, manner, _default(layout, default, asked, words), notes)
        figures += reader.figures()
        undated += reader.undated
    if undated and not headings_only:
        raise refuse(
            f"有数而无期间 {len(undated)} figures name no month, quarter or year",
            "用 --period 指明，如 name it with --period: 2020-07 or 2020Q3",
            file=source.file,
            line=undated[0],
        )
    if not figures and not headings_only:
        said = "；".join(text for _, text in notes.all()[:3])
        raise refuse(
            f"没有可用的数 the file holds no figure: {said}" if said else "没有数据行 the file holds no row of figures",
            "核对表头与单元格 check headings and cells",
            file=source.file,
        )
    period = default.label(None) if default is not None else None
    return AuthorityFile(
        source.file, source.sha256, tuple(figures), notes.all(), reference_within(titles), period or "", tuple(layouts)
    )


def _layouts(source: Source, words: Vocabulary, mapping: Mapping, notes: Notes) -> Iterator[Layout]:
    for sheet in source.sheets:
        if mapping.sheets and sheet.name not in mapping.sheets:
            continue
        layout = find_layout(sheet, words, mapping.heading_row)
        if layout is None:
            if sheet.rows:
                notes.add(0, f"工作表“{sheet.name}”没有表头，未读 the sheet has no heading and was not read")
            continue
        for column in layout.strange:
            name = column.name or f"第 {column.at + 1} 列 column {column.at + 1}"
            notes.add(layout.line, f"未识别的列，未读 a column that is not understood, not read: {name}")
        for first, second in doubled(layout.columns):
            notes.add(
                layout.line, f"“{second.name}”与“{first.name}”同义，只读后者 means the same; only the latter is read"
            )
        yield layout


def _default(layout: Layout, when: When | None, asked: Asked, words: Vocabulary) -> Default:
    """The sheet's name goes before what the importer said, that before the sheet's title, that before other titles."""
    head = words.heading(layout.sheet) if layout.sheet else None
    title = " ".join(layout.titles)
    chosen = when if asked.period else when_within(title) or when
    year = chosen.year if chosen is not None else year_within(title)
    if head is not None and head.when is not None:
        year = head.when.year if head.when.year is not None else year
        chosen = head.when
    return Default(chosen, asked.phase or (head.phase if head is not None and head.phase else ""), year)
