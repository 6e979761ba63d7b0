"""What the chapter's endpoints of money share: lists in pages, money as yuan, shares with their counts, instants."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field

from monitor.finding import Finding
from monitor.rates import six
from settlement.money import yuan

Row = TypeVar("Row")
MOST = 1_000

Yuan = Annotated[str, Field(max_length=30, examples=["1652456.40"])]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


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


def warned(findings: Sequence[Finding]) -> list[Warned]:
    """Return findings as answers carry them."""
    return [Warned(about=f.column, message=f.message, remedy=f.remedy) for f in findings]
