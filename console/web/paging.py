"""Lists in the API: a page at a time, by a cursor that names a row, so that rows added meanwhile neither repeat nor hide any.

And how every endpoint writes an instant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from monitor.finding import refuse
from monitor.model import MICROSECONDS

Row = TypeVar("Row")
MOST = 1_000


class Strict(BaseModel):
    """A query or body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class Asked(Protocol):
    """Which page: at most `limit` rows after the row that `after` names; from the first if it is empty."""

    @property
    def after(self) -> str:
        """The `next` of the page before."""

    @property
    def limit(self) -> int:
        """The most rows."""


class PageQuery(Strict):
    """A list's page: at most `limit` rows after the row named by `after`, which is the `next` of the page before."""

    after: Annotated[str, Field(max_length=400)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100


def page(rows: Sequence[Row], asked: Asked, key: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """Return a page of rows and the cursor of the next one, None at the end. InputError for a cursor of no row."""
    start = 0
    if asked.after:
        start = next((n for n, row in enumerate(rows, 1) if key(row) == asked.after), -1)
    if start < 0:
        raise refuse("没有这个游标 no such cursor", "从头读取 read from the beginning", column="after")
    found = list(rows[start : start + asked.limit])
    return found, key(found[-1]) if start + asked.limit < len(rows) else None


def instant(at: int | None) -> str | None:
    """Return microseconds as an instant: ISO 8601, UTC, whole seconds; None for none."""
    return None if at is None else second(at // MICROSECONDS)


def second(at: int) -> str:
    """Return a second since 1970 as an instant."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
