"""The workbook's further sheets: lists with real numbers, frozen headings and filters, each written in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from io import BytesIO
from typing import Any

from settlement.document import digest
from settlement.money import fen
from settlement.reports.cells import Column, Formats, for_print, headings, height_of, lines_in, number, put
from settlement.reports.cover import Cover
from settlement.reports.form import (
    Value,
    incident_text,
    kind_text,
    mixed,
    notices_of,
    outages_of,
    phase_title,
    reading_text,
    rule_kind,
)

Moved = Callable[[int, int], None]
MOST_ROWS = 1_000_000
"""Excel holds 1,048,576 rows a sheet."""
STEP = 500
COLUMNS = ("gross", "net", "tax")


class List:
    """A sheet that is one list: a line above, the headings, then row after row."""

    def __init__(self, book: Any, formats: Formats, name: str, columns: list[Column], above: str) -> None:
        self.sheet = book.add_worksheet(name)
        self.columns = columns
        self.row = 3
        self.sheet.set_row(0, 24)
        self.sheet.write_string(0, 0, above, formats.of(bold=True, font_size=13))
        self._strong = [formats.cell(column.sort, strong=True) for column in columns]
        self._plain = [formats.cell(column.sort) for column in columns]

    def open(
        self, footer: str, formats: Formats, freeze: int, sums: Mapping[int, int] | None = None, rows: int = 0
    ) -> None:
        """Write what stands above the list; `sums` are a column's sum in fen, shown for the rows that a filter leaves."""
        if sums and rows:
            self.sheet.write_string(1, 0, "合计", formats.cell("text", strong=True))
            for at, amount in sums.items():
                letter = chr(ord("A") + at)
                formula = f"=SUBTOTAL(109,{letter}4:{letter}{rows + 3})"
                self.sheet.write_formula(1, at, formula, formats.cell("fen", strong=True), number(amount, "fen"))
        headings(self.sheet, 2, self.columns, formats)
        self.sheet.freeze_panes(3, freeze)
        for_print(self.sheet, footer, repeat=2)

    def add(self, values: Iterable[Value], *, strong: bool = False) -> None:
        """Write one row."""
        values = list(values)
        forms = self._strong if strong else self._plain
        texts = ((value, column.width) for value, column in zip(values, self.columns, strict=True))
        lines = max((lines_in(text, width) for text, width in texts if isinstance(text, str)), default=1)
        if lines > 1:  # not every program fits a row to its text by itself
            self.sheet.set_row(self.row, height_of(lines))
        for at, (value, column, form) in enumerate(zip(values, self.columns, forms, strict=True)):
            if value != "":
                put(self.sheet, self.row, at, value, column.sort, form)
            else:
                self.sheet.write_blank(self.row, at, None, form)
        self.row += 1

    def close(self) -> None:
        """Put the filter over what was written."""
        if self.row > 3:
            self.sheet.autofilter(2, 0, self.row - 1, len(self.columns) - 1)


def write_picture(book: Any, png: bytes, footer: str) -> None:
    """Write the sheet 图示: the way from the full fee to what changes hands, on a page of its own."""
    sheet = book.add_worksheet("图示")
    where = {"image_data": BytesIO(png), "description": "应计服务费到本次应付净额 from full fee to net due"}
    sheet.insert_image(1, 1, "waterfall.png", where)
    for_print(sheet, footer)


LINES = [
    Column("行 line", "count", 8),
    Column("期次 phase", "text", 14),
    Column("名称 title", "text", 14),
    Column("类别 kind", "text", 28),
    Column("期间 window", "text", 11),
    Column("费用构成 component", "text", 18),
    Column("含税金额 gross", "fen", 17),
    Column("不含税 net", "fen", 17),
    Column("税额 tax", "fen", 16),
    Column("调整的行 adjusts", "text", 14),
    Column("算式 arithmetic", "text", 64),
]


def write_lines(book: Any, formats: Formats, document: Mapping[str, Any], footer: str) -> None:
    """Write the sheet 分期明细: every line (strong), and below it what falls on each component of the fee."""
    phases = document["phases"]
    titles = {phase["phase"]: phase_title(phase) for phase in phases}
    lines = [(line, phase["phase"], phase_title(phase)) for phase in phases for line in phase["lines"]]
    lines += [(line, line["phase"], titles.get(line["phase"], "")) for line in document["adjustments"]]
    page = List(book, formats, "分期明细", LINES, "分期明细 Lines by phase, with the fee's components")
    page.open(footer, formats, freeze=4)
    for line, phase, title in lines:
        head = [int(line["n"]), phase, title, kind_text(line["kind"]), line.get("window") or ""]
        parent, why = line.get("parent") or "", line["why"]
        page.add([*head, "", *(fen(line[column]) for column in COLUMNS), parent, why], strong=True)
        for name, part in (line.get("components") or {}).items():
            page.add([*head, name, *(fen(part[column]) for column in COLUMNS), parent, ""])
    page.close()


POINTS = [
    Column("序号 no.", "count", 8),
    Column("期次 phase", "text", 14),
    Column("点位编号 point", "text", 26),
    Column("应计服务费 full fee", "fen", 16),
    Column("应付 payable", "fen", 16),
    Column("扣款 deduction", "fen", 16),
    Column("中断次数 outages", "count", 12),
    Column("离线时长（小时）offline, h", "hours", 16),
    Column("适用规则 rules", "text", 36),
]


def write_points(book: Any, formats: Formats, document: Mapping[str, Any], footer: str, moved: Moved) -> None:
    """Write the sheet 点位明细, a row per point; the sums above it follow the filter."""
    phases = document["phases"]
    rows = sum(len(phase["point_lines"]) for phase in phases)
    sums = {
        at: sum(fen(line[name]) for phase in phases for line in phase["point_lines"])
        for at, name in ((3, "full"), (4, "payable"), (5, "deduction"))
    }
    page = List(book, formats, "点位明细", POINTS, "点位明细 Per point")
    page.open(footer, formats, freeze=3, sums=sums, rows=rows)
    lines = ((phase["phase"], line) for phase in phases for line in phase["point_lines"])
    for n, (whose, line) in enumerate(lines, 1):
        page.add(
            [
                n,
                whose,
                line["code"],
                fen(line["full"]),
                fen(line["payable"]),
                fen(line["deduction"]),
                outages_of(line),
                Fraction(int(line["offline_s"]), 3600),
                "、".join(line["rules"]),
            ]
        )
        if n % STEP == 0 or n == rows:
            moved(n, rows)
    page.close()


RULES = [
    Column("期次 phase", "text", 14),
    Column("规则 rule", "text", 22),
    Column("类别 kind", "text", 30),
    Column("期间 window", "text", 11),
    Column("点位 point", "text", 25),
    Column("事件始于 incident since", "text", 22),
    Column("金额（元） amount", "fen", 16),
    Column("记分 score points", "months", 10),
    Column("算式与事由 formula, reason", "text", 60),
    Column("已由另一规则处理 prevailed", "text", 18),
    Column("事件编号（UTC） incident id", "text", 46),
]


def write_rules(book: Any, formats: Formats, document: Mapping[str, Any], footer: str, zone: str) -> None:
    """Write the sheet 规则与扣款: each rule's result with its arithmetic, then what it touched."""
    page = List(book, formats, "规则与扣款", RULES, "规则与扣款 Rules, their arithmetic and what they touched")
    page.open(footer, formats, freeze=2)
    for phase in document["phases"]:
        for rule in phase["rules"]:
            for strong, row in rule_rows(phase["phase"], rule, zone):
                page.add(row, strong=strong)
    page.close()


def rule_rows(phase: str, rule: Mapping[str, Any], zone: str) -> Iterator[tuple[bool, list[Value]]]:
    """Yield the rows of one rule's result: the result (strong), then its items."""

    def amounts(amount: str) -> tuple[Value, Value]:
        return (fen(amount), "") if rule["unit"] == "fen" else ("", mixed(amount))

    head = [phase, _named(rule), rule_kind(rule["kind"]), rule["window"]]
    yield True, [*head, "", "", *amounts(rule["amount"]), rule["formula"], "", ""]
    for item in rule["items"]:
        touched = [item["point"], incident_text(item["incident"], zone), *amounts(item["amount"])]
        yield False, [*head, *touched, item["why"], item.get("suppressed_by") or "", item["incident"]]


def _named(rule: Mapping[str, Any]) -> str:
    """A rule's id, as the points' sheet names it, with its own title; the reading by its name."""
    own = "" if rule["title"] in ("", rule["rule"], rule_kind(rule["kind"])) else rule["title"]
    if rule["kind"] == "reading":
        return own or rule_kind(rule["kind"])
    return f"{rule['rule']}　{own}" if own else str(rule["rule"])


ENTRIES = [
    Column("日期 day", "text", 13),
    Column("摘要 text", "text", 60),
    Column("科目 account", "text", 44),
    Column("借方 debit", "fen", 18),
    Column("贷方 credit", "fen", 18),
]


def write_entries(book: Any, formats: Formats, cover: Cover, footer: str) -> None:
    """Write the sheet 分录: the statement's journal entries, a posting a row."""
    page = List(book, formats, "分录", ENTRIES, "分录 Journal entries")
    page.open(footer, formats, freeze=1)
    for entry in cover.entries:
        for account, amount in entry.postings:
            page.add([entry.day, entry.why, account, amount if amount > 0 else "", -amount if amount < 0 else ""])
    page.close()


def write_notices(book: Any, formats: Formats, document: Mapping[str, Any], cover: Cover, footer: str) -> None:
    """Write the sheet 提示: everything that the statement says about itself."""
    columns = [Column("序号 no.", "count", 8), Column("内容 notice", "text", 150)]
    page = List(book, formats, "提示", columns, "提示与改判 Notices and overrides")
    page.open(footer, formats, freeze=1)
    for n, text in enumerate(notices_of(document, cover), 1):
        page.add([n, text])
    page.close()


def write_digests(book: Any, formats: Formats, document: Mapping[str, Any], cover: Cover, footer: str) -> None:
    """Write the sheet 数据指纹: what this statement was computed from, and how anybody computes it again."""
    contract = document["contract"]
    facts = [
        ("格式 format", document["format"]),
        ("合同 contract", str(contract["id"])),
        ("合同版本 contract version", str(contract["version"])),
        ("季度 quarter", document["quarter"]),
        ("版次 revision", str(document["revision"])),
        ("计算口径 reading", reading_text(str(document["reading"]))),
        ("软件版本 software", str(document["software"])),
        ("冻结输入的 SHA-256 of the frozen inputs", cover.inputs_sha),
        ("结算单正文的 SHA-256 of the statement document", digest(document)),
        *((f"附件 attachment：{item.title} {item.reference}", item.sha256 or "—") for item in cover.attachments),
        (
            "如何复算 how to recompute",
            "由冻结输入可在任何一台装有本软件的电脑上离线复算，逐分一致；正文指纹取规范 JSON（键排序、无空格、UTF-8）。"
            "Anybody recomputes the statement offline from its frozen inputs, fen for fen; the document's digest is that of "
            "its canonical JSON (sorted keys, no spaces, UTF-8).",
        ),
    ]
    columns = [Column("项目 item", "text", 52), Column("值 value", "text", 90)]
    page = List(book, formats, "数据指纹", columns, "数据指纹 Digests")
    page.open(footer, formats, freeze=1)
    for fact in facts:
        page.add(fact)
    page.close()
