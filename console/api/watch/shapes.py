"""Shapes that the watch's endpoints share: instants, rates, accounts of seconds, money, periods."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from console.board.card import Tally
from console.web.faults import MissingError
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, parse_period
from monitor.rates import Rate as AnyRate
from monitor.rates import Seconds, six
from settlement.money import yuan

Value = TypeVar("Value")
MAX_LIMIT = 500
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, Field(max_length=300)]


PeriodText = Annotated[str, Field(max_length=30, examples=["2020-07", "2020Q3", "2020-07-01..2020-07-31"])]


class Shape(BaseModel):
    """What an endpoint gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RateSaid(Shape):
    """A rate with the seconds it is made of; `rate` null where nothing is counted; bounds if all unknown were one thing."""

    good: int
    counted: int
    unknown: int
    excluded: int
    rate: str | None
    worst: str | None
    best: str | None


class AccountSaid(Shape):
    """Seconds of each kind."""

    online: int
    offline: int
    unknown: int
    excluded: int


def exactly(at: int) -> str:
    """Return microseconds as an instant to the millisecond."""
    whole = datetime.fromtimestamp(at // MICROSECONDS, UTC).replace(microsecond=at % MICROSECONDS)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_of(given: AwareDatetime) -> Instant:
    """Return an instant in microseconds."""
    return Instant(int(given.timestamp()) * MICROSECONDS + given.microsecond)


def rate_said(rate: AnyRate) -> RateSaid:
    """Return a rate as it is said."""
    return RateSaid(
        good=rate.good,
        counted=rate.counted,
        unknown=rate.unknown,
        excluded=rate.excluded,
        rate=six(rate.value),
        worst=six(rate.worst),
        best=six(rate.best),
    )


def tally_said(tally: Tally) -> RateSaid:
    """Return a card's rate as it is said."""
    return RateSaid(
        good=tally.good,
        counted=tally.counted,
        unknown=tally.unknown,
        excluded=tally.excluded,
        rate=six(tally.rate),
        worst=six(tally.worst),
        best=six(tally.best),
    )


def account_said(seconds: Seconds) -> AccountSaid:
    """Return an account as it is said."""
    return AccountSaid(**seconds._asdict())


def money(fen: int | None) -> str | None:
    """Return fen as yuan."""
    return None if fen is None else yuan(fen)


def day_said(day: date | None) -> str | None:
    """Return a day as ISO says."""
    return None if day is None else day.isoformat()


def period_of(text: str) -> Period | None:
    """Return a period, None for none."""
    return parse_period(text) if text else None


def found(value: Value | None) -> Value:
    """Return what was found. MissingError for nothing."""
    if value is None:
        raise MissingError
    return value
