"""Tables as every page has them: filtered, searched, sorted and paged on the server, and exported whole.

A table is columns over rows. What a cell shows, what it sorts by and what an export writes come from one function, so they
cannot differ. The query stands in the address: a table that somebody sends to a colleague is the table that they see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Row = TypeVar("Row")
CellKind = Literal["text", "number", "money", "percent", "instant", "date", "duration", "badge", "code"]
PAGE_ROWS = 50
MOST_PAGE_ROWS = 500
MOST_EXPORT_ROWS = 200_000


class TableQuery(BaseModel):
    """What a table's address says. Chapters add their own filters by inheriting."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    q: Annotated[str, Field(max_length=200)] = ""
    sort: Annotated[str, Field(max_length=40)] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=MOST_PAGE_ROWS)] = PAGE_ROWS
    columns: Annotated[str, Field(max_length=500)] = ""
    format: Literal["", "csv", "xlsx", "json"] = ""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. `label` is a message id; `value` gives what is shown, sorted and exported, None for nothing.

    Kinds say how a value is shown: money takes fen, percent a Fraction, instant microseconds UTC, duration seconds; a
    badge takes a word and `tone` gives its colour (good, bad, warn, mute). `link` gives the address under the value.
    """

    key: str
    label: str
    value: Callable[[Row], Any]
    kind: CellKind = "text"
    link: Callable[[Row], str | None] | None = None
    tone: Callable[[Row], str] | None = None
    sortable: bool = True
    searched: bool = False
    shown: bool = True
    """Whether the column is there until somebody chooses others."""


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """A page of a table as a template draws it. `rows` are the page's, `total` how many there are in all."""

    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    total: int
    query: TableQuery
    every: Sequence[Column[Row]] = field(default_factory=tuple)

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.total // self.query.size))

    @property
    def page(self) -> int:
        """The page shown: the last one where somebody asks for one beyond it."""
        return min(self.query.page, self.pages)

    @property
    def first(self) -> int:
        """The number of the first row shown, from 1; 0 if there is none."""
        return (self.page - 1) * self.query.size + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.page * self.query.size, self.total)

    def direction(self, column: Column[Row]) -> str:
        """Return how the table is sorted by a column: `ascending`, `descending` or nothing."""
        if self.query.sort.removeprefix("-") != column.key:
            return ""
        return "descending" if self.query.sort.startswith("-") else "ascending"

    def turned(self, column: Column[Row]) -> str:
        """Return the sort that a click on a column's heading asks for."""
        return f"-{column.key}" if self.direction(column) == "ascending" else column.key


def chosen(columns: Sequence[Column[Row]], query: TableQuery) -> list[Column[Row]]:
    """Return the columns that somebody chose, or those shown at first."""
    wanted = set(query.columns.split(",")) if query.columns else set()
    found = [column for column in columns if column.key in wanted]
    return found or [column for column in columns if column.shown]


def searched(rows: Sequence[Row], columns: Sequence[Column[Row]], query: TableQuery) -> list[Row]:
    """Return the rows that hold every word of the search in one of the searched columns, upper case or lower."""
    words = query.q.casefold().split()
    if not words:
        return list(rows)
    values = [column.value for column in columns if column.searched]

    def holds(row: Row) -> bool:
        text = "\n".join(str(value(row) or "") for value in values).casefold()
        return all(word in text for word in words)

    return [row for row in rows if holds(row)]


def ordered(rows: Sequence[Row], columns: Sequence[Column[Row]], query: TableQuery) -> list[Row]:
    """Return the rows in the order asked for; those without a value last, whatever the direction."""
    key = query.sort.removeprefix("-")
    column = next((column for column in columns if column.key == key and column.sortable), None)
    if column is None:
        return list(rows)
    value = column.value
    having = [row for row in rows if value(row) not in {None, ""}]
    lacking = [row for row in rows if value(row) in {None, ""}]
    having.sort(key=lambda row: _comparable(value(row)), reverse=query.sort.startswith("-"))
    return having + lacking


def _comparable(value: Any) -> Any:
    return value if not isinstance(value, str) else value.casefold()


def table_of(rows: Sequence[Row], columns: Sequence[Column[Row]], query: TableQuery) -> Table[Row]:
    """Search, sort and page rows that are in memory."""
    found = ordered(searched(rows, columns, query), columns, query)
    total = len(found)
    page = min(query.page, max(1, -(-total // query.size)))
    part = found[(page - 1) * query.size : page * query.size]
    return Table(chosen(columns, query), part, total, query, columns)


def page_of(rows: Sequence[Row], total: int, columns: Sequence[Column[Row]], query: TableQuery) -> Table[Row]:
    """Make a table of one page of rows that a database has searched, sorted and cut already."""
    return Table(chosen(columns, query), rows, total, query, columns)
