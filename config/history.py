"""Past quarters as files: each phase's count and rate, as CSV (phase,quarter,count,rate) or as YAML or JSON.

YAML and JSON hold the same rows under `history`. A quarter is 2020Q3, or 2020-07 for a month, then for all three of a
quarter. A rate is 0.8362, 83.62% or two counts, 79884/85500.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from config.load import load_model
from monitor.finding import InputError, refuse
from monitor.sources.csvfile import Complaints, read_rows
from settlement.contract import Name
from settlement.figures import complaint
from settlement.past import Past, parse_past
from settlement.rules import MAX_POINTS, OnlineRate, parse_count, parse_rate

MAX_ROWS = 10_000
NO_ROWS = "每期次每季度一行 one row per phase and quarter"
COLUMNS = ("phase", "quarter", "count", "rate")

Value = TypeVar("Value")


def _read(parse: Callable[[str], Value], kind: str) -> BeforeValidator:
    def read(value: object) -> Value:
        try:
            return parse(str(value))
        except InputError as error:
            finding = error.findings[0]
            raise complaint(kind, finding.message, finding.remedy) from None

    return BeforeValidator(read)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    phase: Name
    quarter: Annotated[str, _read(parse_past, "quarter")]
    count: Annotated[StrictInt, Field(ge=1, le=MAX_POINTS)]
    rate: Annotated[OnlineRate, _read(parse_rate, "rate")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    history: Annotated[tuple[_Row, ...], Field(max_length=MAX_ROWS)]


def load_history(path: Path) -> tuple[Past, ...]:
    """Read a history. Raises InputError with every finding, each with file and line; the ending tells the format."""
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        rows = [Past(row.quarter, row.phase, row.count, row.rate) for row in load_model(path, _File).history]
        if not rows:
            raise refuse("没有数据行 no rows", NO_ROWS, file=str(path), line=1, column="history")
        return tuple(rows)
    complaints = Complaints(str(path))
    rows = []
    for line, (phase, quarter, count, rate) in read_rows(path, COLUMNS, (), complaints, max_rows=MAX_ROWS):

        def taken(parse: Callable[[str], Value], text: str, column: str, line: int = line) -> Value | None:
            try:
                return parse(text)
            except InputError as error:
                for finding in error.findings:
                    complaints.add(line, column, finding.message, finding.remedy)
                return None

        when = taken(parse_past, quarter, "quarter")
        size, share = taken(parse_count, count, "count"), taken(parse_rate, rate, "rate")
        if not phase:
            complaints.add(line, "phase", "没有期次 no phase", "写上期次编号 write the phase's id")
        if phase and when is not None and size is not None and share is not None:
            rows.append(Past(when, phase, size, share))
    if not rows and not complaints.count:
        complaints.add(0, "", "没有数据行 no rows", NO_ROWS)
    if complaints.count:
        raise InputError(complaints.findings())
    return tuple(rows)
