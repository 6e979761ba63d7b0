"""A rubric as data: groups of weighted indicators, each with the rule that gives its score, and the grade bands.

A rubric of one's own must add up. One that is taken from somebody's report (`as_printed`) keeps the report's errors, so
that they can be shown, and says `not-printed` where the report is silent: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, StrictInt, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from settlement.figures import complaint
from settlement.scorecard.claims import Claims, PrintedAt, Text, least
from settlement.scorecard.kinds import Formula, Manual, Name, Part, Tiers, Title
from settlement.scorecard.printed import Points, exact_text, points

NOT_PRINTED = "not-printed"


def _weight(value: object) -> Fraction | None:
    return None if value is None or value == NOT_PRINTED else points(value)


def _weight_text(value: Fraction | None) -> str:
    return NOT_PRINTED if value is None else exact_text(value)


Weight = Annotated[
    Fraction | None, BeforeValidator(_weight), PlainSerializer(_weight_text, return_type=str, when_used="json")
]
"""Points, or None where the report does not print them (written `not-printed`)."""

Measure = Literal[
    "online-rate",
    "integrity",
    "access-rate",
    "budget-execution",
    "funds-in-place",
    "payment-timeliness",
    "payment-late-days",
    "saving-rate",
]
"""What the product measures itself. All are shares, but payment-late-days: the latest payment's days after its due day."""


class Indicator(Part):
    """One row of the scorecard."""

    id: Name
    title: Title
    second_level: Title = ""
    weight: Weight
    formula: Formula
    auto: Measure | None = None
    """What of the product's own measurement fills it."""
    source: Text = ""

    @property
    def most(self) -> Fraction | None:
        """The most points that the formula can give; None where nothing printed limits it."""
        formula = self.formula
        if isinstance(formula, Tiers):
            worths = [worth for tier in formula.tiers if (worth := tier.worth(self.weight)) is not None]
            return max(worths) * max(1, len(formula.items)) if worths else None
        if isinstance(formula, Manual):
            if formula.most is not None:
                return formula.most
            if formula.each is not None:
                return formula.each * max(1, len(formula.items))
        return self.weight


class Group(Part):
    """Indicators under one head. `weight` as the table prints it, `also_printed` what other places say of it.

    `contained`: it is not printed to which group these indicators belong, so they are shown but add nothing to the total,
    which already holds them.
    """

    id: Name
    title: Title
    weight: Weight = None
    also_printed: Annotated[tuple[PrintedAt, ...], Field(max_length=20)] = ()
    unlisted: Annotated[StrictInt, Field(ge=0, le=1_000)] | None = 0
    """How many of its indicators are not printed; None if not even their number is."""
    contained: bool = False
    indicators: Annotated[tuple[Indicator, ...], Field(max_length=200)] = ()
    source: Text = ""

    @property
    def whole(self) -> Fraction | None:
        """Its weight: as printed, else the sum of its indicators where all are known."""
        if self.weight is not None:
            return self.weight
        known = [indicator.weight for indicator in self.indicators if indicator.weight is not None]
        complete = self.unlisted == 0 and len(known) == len(self.indicators)
        return sum(known, Fraction(0)) if complete else None


class Band(Part):
    """A grade and the score from which it is given."""

    grade: Title
    at_least: Points


BANDS = (
    Band(grade="优", at_least=Fraction(90)),
    Band(grade="良", at_least=Fraction(80)),
    Band(grade="中", at_least=Fraction(60)),
    Band(grade="差", at_least=Fraction(0)),
)


class Rubric(Part):
    """A scorecard's form. Scores are rounded half up to `places` decimals, once per indicator."""

    rubric: Name
    title: Title
    source: Text = ""
    as_printed: bool = False
    total: Points = Fraction(100)
    places: Annotated[StrictInt, Field(ge=0, le=6)] = 2
    bands: Annotated[tuple[Band, ...], Field(max_length=20), least(1)] = BANDS
    unlisted: Annotated[StrictInt, Field(ge=0, le=1_000)] = 0
    """How many indicators are not printed, whatever their groups."""
    groups: Annotated[tuple[Group, ...], Field(max_length=50), least(1)]
    claims: Claims = Claims()
    assumed: Annotated[tuple[Text, ...], Field(max_length=100)] = ()

    @property
    def indicators(self) -> Iterator[Indicator]:
        """All indicators, in order."""
        for group in self.groups:
            yield from group.indicators

    def indicator(self, name: str) -> Indicator | None:
        """Return the indicator of that id, or None."""
        return next((indicator for indicator in self.indicators if indicator.id == name), None)

    def grade(self, score: Fraction) -> str:
        """Return the grade of a score; empty where no band holds it."""
        reached = [band for band in self.bands if score >= band.at_least]
        return max(reached, key=lambda band: band.at_least).grade if reached else ""

    def document(self) -> dict[str, Any]:
        """Return the rubric as JSON data that reads back as an equal rubric."""
        return self.model_dump(mode="json", by_alias=True)

    @model_validator(mode="after")
    def _ids(self) -> Self:
        groups = [(("groups", n, "id"), group.id) for n, group in enumerate(self.groups)]
        rows = [
            (("groups", n, "indicators", m, "id"), row.id)
            for n, group in enumerate(self.groups)
            for m, row in enumerate(group.indicators)
        ]
        wrong = [*_doubled("组编号重复 duplicate group id", groups), *_doubled("指标编号重复 duplicate id", rows)]
        if wrong:
            raise ValidationError.from_exception_data("Rubric", wrong)
        return self


def _doubled(message: str, names: Sequence[tuple[tuple[str | int, ...], str]]) -> Iterator[InitErrorDetails]:
    seen: set[str] = set()
    for place, name in names:
        if name in seen:
            error = complaint("duplicate", f"{message}: {name}", "换一个编号 use another id")
            yield InitErrorDetails(type=error, loc=place, input=None)
        seen.add(name)
