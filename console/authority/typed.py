"""Figures typed from paper: a small YAML, or values on the command line. What is typed by us is checked strictly.

reference: 新公视〔2020〕18号
received_on: 2020-10-12
figures:
  - {phase: 一期, period: 2020-07, rate: "81.36%"}
  - {point: P-0001, period: 2020Q3, online: 700, due: 744}
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from config.load import Lines, load_model, load_yaml
from console.authority.cell import NoFigureError, rate_of
from console.authority.periods import when_of
from console.authority.words import Vocabulary
from monitor.finding import Finding, InputError
from settlement.authority import Figure, Unit
from settlement.contract import Terms
from settlement.figures import Day

MAX_FIGURES = 5_000
Count = Annotated[StrictInt, Field(ge=0, le=10**12)]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class TypedFigure(BaseModel):
    """One typed figure: of a phase or of a point, as a rate or as counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: Word | None = None
    point: Word | None = None
    period: Word
    rate: str | Decimal | StrictInt | None = None
    online: Count | None = None
    due: Count | None = None
    unit: Literal["devices", "inspections", "seconds"] = "devices"
    points: Annotated[StrictInt, Field(ge=1, le=10_000_000)] | None = None


class TypedSheet(BaseModel):
    """A file of typed figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Annotated[str, Field(max_length=200)] = ""
    received_on: Day | None = None
    figures: Annotated[tuple[TypedFigure, ...], Field(min_length=1, max_length=MAX_FIGURES)]


class Typed(BaseModel):
    """Typed figures as they are stored: the sheet, the bytes that stand for it, and their digest."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    sheet: TypedSheet
    name: str
    body: bytes
    sha256: str
    figures: tuple[Figure, ...]


def read_typed(path: Path, terms: Terms) -> Typed:
    """Read a YAML of typed figures. InputError with every fault, each with its line."""
    sheet = load_model(path, TypedSheet)
    _, lines = load_yaml(path)
    body = path.read_bytes()
    return _typed(sheet, path.name, str(path), body, terms, lines)


def typed_values(values: Sequence[str], terms: Terms) -> Typed:
    """Read PHASE@PERIOD=RATE values, such as 一期@2020Q3=83.62%. InputError with every fault."""
    rows: list[TypedFigure] = []
    findings: list[Finding] = []
    for value in values:
        where, sign, rate = value.partition("=")
        phase, at, period = where.rpartition("@")
        if not (sign and at and phase and period and rate):
            remedy = "写成 write it like 一期@2020Q3=83.62%"
            findings.append(Finding("", 0, "--figure", f"写法有误 malformed: {value[:60]!r}", remedy))
            continue
        rows.append(TypedFigure(phase=phase[:100], period=period[:100], rate=rate[:100]))
    if findings:
        raise InputError(findings)
    sheet = TypedSheet(figures=tuple(rows))
    body = ("\n".join(sorted(values)) + "\n").encode()
    return _typed(sheet, "typed.txt", "", body, terms, None)


def _typed(sheet: TypedSheet, name: str, file: str, body: bytes, terms: Terms, lines: Lines | None) -> Typed:
    findings: list[Finding] = []
    words = Vocabulary(terms, {}, {})
    sha = hashlib.sha256(body).hexdigest()
    figures: list[Figure] = []
    seen: dict[tuple[str, str, str], int] = {}
    for n, row in enumerate(sheet.figures):
        line = lines.at(("figures", n)) if lines is not None else 0
        place = f"figures[{n}]"
        try:
            figure = _figure(row, terms, words, line or n + 1, sha)
        except NoFigureError as error:
            findings.append(Finding(file, line, place, str(error), "对照原件更正 correct it against the paper"))
            continue
        key = (figure.phase if not figure.point else "", figure.point, figure.period)
        if key in seen:
            text = f"重复，首见于第 {seen[key]} 行 given twice, first on line {seen[key]}"
            findings.append(Finding(file, line, place, text, "只留一个 keep one of them"))
        seen.setdefault(key, line or n + 1)
        figures.append(figure)
    if findings:
        raise InputError(findings)
    return Typed(sheet=sheet, name=name, body=body, sha256=sha, figures=tuple(figures))


def _figure(row: TypedFigure, terms: Terms, words: Vocabulary, line: int, sha: str) -> Figure:
    when = when_of(row.period)
    label = when.label(None) if when is not None else None
    if label is None:
        raise NoFigureError(f"不是带年份的月份或季度 not a month or quarter with its year: {row.period!r}")
    phase = words.phase_of(row.phase) if row.phase is not None else ""
    known = [its.id for its in terms.phases]
    if row.phase is not None and phase not in known:
        raise NoFigureError(f"未知的期次 unknown phase: {row.phase!r}（{', '.join(known)}）")
    if row.phase is None and row.point is None and len(known) != 1:
        raise NoFigureError("未写期次或点位 neither a phase nor a point is named")
    num, den, unit, text = _value(row)
    return Figure(
        phase or ("" if row.point else known[0]),
        row.point or "",
        "",
        "",
        label,
        num,
        den,
        unit,
        row.points,
        text,
        line,
        sha,
    )


def _value(row: TypedFigure) -> tuple[int, int, Unit, str]:
    if row.rate is not None and row.online is None and row.due is None:
        text = format(row.rate, "f") if isinstance(row.rate, Decimal) else str(row.rate)
        num, den = rate_of(text, "share")
        return num, den, "share", text
    if row.rate is None and row.online is not None and row.due is not None:
        if row.due == 0 or row.online > row.due:
            raise NoFigureError(f"计数不成在线率 these counts make no rate: {row.online} / {row.due}")
        return row.online, row.due, row.unit, f"{row.online} / {row.due}"
    raise NoFigureError("写 rate，或 online 与 due，二者取一 give either rate, or online and due")
