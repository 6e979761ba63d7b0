"""What a report says in numbers, declared as data: each claim names what it speaks of and where it is printed.

The same block of claims stands in rubrics and in files of inputs; claim_checks.py holds each against its own arithmetic.
No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator

from settlement.figures import complaint
from settlement.scorecard.printed import Number, Time

Text = Annotated[str, Field(max_length=2_000)]
Many = 200


def least(count: int) -> AfterValidator:
    """Ask for so many items, once they are all sound: `min_length` counts only those that are."""

    def enough(value: Sized) -> Sized:
        if len(value) < count:
            message = f"项数过少，至少 {count} too few items, at least {count}"
            raise complaint("too-few", message, "补上 add what is missing")
        return value

    return AfterValidator(enough)


class Claim(BaseModel):
    """What it speaks of, and where the report prints it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Annotated[str, Field(min_length=1, max_length=500)]
    where: Text = ""


class Count(Claim):
    """A number of things that the text names, against how many are listed: by number, or by name."""

    claimed: Annotated[StrictInt, Field(ge=0)]
    listed: Annotated[StrictInt, Field(ge=0)] | Annotated[tuple[Text, ...], Field(max_length=1_000)]


class Survey(Claim):
    """A percentage of answers: `percent` of `answers`, each of which is yes or no; `yes` if the number is printed.

    `answers_assumed` where the report does not say how many answered this very question: then it is only a warning.
    """

    answers: Annotated[StrictInt, Field(ge=1, le=10_000_000)]
    percent: Number
    yes: Annotated[StrictInt, Field(ge=0)] | None = None
    answers_assumed: bool = False


class Ratio(Claim):
    """A share with both its numbers, and the percentage that is printed of it."""

    num: Number
    den: Number
    percent: Number

    @model_validator(mode="after")
    def _not_of_zero(self) -> Self:
        if self.den.value == 0:
            raise complaint("zero", "分母为零 a share of zero", "核对数字 check the numbers")
        return self


class PrintedAt(BaseModel):
    """One value of a quantity and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Number
    where: Text = ""


class Quantity(Claim):
    """One quantity as it is printed in several places."""

    values: Annotated[tuple[PrintedAt, ...], Field(max_length=50), least(2)]


class Sum(Claim):
    """Parts and the total that is printed for them: payments, items of a cost."""

    parts: Annotated[tuple[Number, ...], Field(max_length=1_000), least(1)]
    total: Number


class Product(Claim):
    """Factors and the total that is printed for them: instalments, price × points × months."""

    factors: Annotated[tuple[Number, ...], Field(max_length=10), least(2)]
    total: Number


class Ceiling(Claim):
    """An amount that may not exceed another one: what was spent for a contract, and the contract's total."""

    amount: Number
    limit: Number
    limit_is: Text


class Event(BaseModel):
    """Something that happened, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Text
    at: Time


class Order(Claim):
    """Two events of which the second cannot begin before the first one."""

    first: Event
    then: Event


class MonthOfQuarter(Claim):
    """A month, and which one of its quarter the text says it is."""

    month: Time
    claimed: Annotated[StrictInt, Field(ge=1, le=3)]


class Claims(BaseModel):
    """All that is claimed in one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: Annotated[tuple[Count, ...], Field(max_length=Many)] = ()
    surveys: Annotated[tuple[Survey, ...], Field(max_length=Many)] = ()
    shares: Annotated[tuple[Ratio, ...], Field(max_length=Many)] = ()
    quantities: Annotated[tuple[Quantity, ...], Field(max_length=Many)] = ()
    sums: Annotated[tuple[Sum, ...], Field(max_length=Many)] = ()
    products: Annotated[tuple[Product, ...], Field(max_length=Many)] = ()
    ceilings: Annotated[tuple[Ceiling, ...], Field(max_length=Many)] = ()
    order: Annotated[tuple[Order, ...], Field(max_length=Many)] = ()
    months: Annotated[tuple[MonthOfQuarter, ...], Field(max_length=Many)] = ()

    @property
    def number(self) -> int:
        """How many claims there are."""
        return sum(len(getattr(self, name)) for name in type(self).model_fields)
