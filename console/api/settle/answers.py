"""What the chapter's endpoints of money share: lists in pages, money as yuan, shares with their counts, instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from monitor.finding import Finding, refuse
from monitor.model import MICROSECONDS
from monitor.rates import six
from settlement.money import yuan

Row = TypeVar("Row")
MOST = 1_000

Yuan = Annotated[str, Field(max_length=30, examples=["1652456.40"])]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """A query or body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Strict):
    """A list's page: at most `limit` rows after the row named by `after`, which is the `next` of the page before."""

    after: Annotated[str, Field(max_length=400)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100


class Share(BaseModel):
    """A rate with its counts, as printed or measured; `rate` has six places, None where nothing was counted."""

    good: int
    counted: int
    rate: str | None


class Warned(BaseModel):
    """Something to look at."""

    about: str
    message: str
    remedy: str


def page(rows: Sequence[Row], query: PageQuery, key: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """Return a page of rows and the cursor of the next one, None at the end. InputError for a cursor of no row."""
    start = 0
    if query.after:
        start = next((n for n, row in enumerate(rows, 1) if key(row) == query.after), -1)
    if start < 0:
        raise refuse("没有这个游标 no such cursor", "从头读取 read from the beginning", column="after")
    found = list(rows[start : start + query.limit])
    return found, key(found[-1]) if start + query.limit < len(rows) else None


def share(good: int | None, counted: int | None) -> Share | None:
    """Return a share with its rate; None where there is none."""
    if good is None or counted is None:
        return None
    return Share(good=good, counted=counted, rate=rate(Fraction(good, counted)) if counted else None)


def rate(value: Fraction | None) -> str | None:
    """Return a rate with six places."""
    return None if value is None else str(six(value))


def money(fen: int | None) -> str | None:
    """Return fen as yuan with two places."""
    return None if fen is None else yuan(fen)


def instant(at: int | None) -> str | None:
    """Return an instant as ISO 8601 in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / MICROSECONDS, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def warned(findings: Sequence[Finding]) -> list[Warned]:
    """Return findings as answers carry them."""
    return [Warned(about=f.column, message=f.message, remedy=f.remedy) for f in findings]
