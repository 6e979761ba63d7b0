"""What is put into a rubric: per indicator a value, events or a score, with reason, evidence and source. No I/O, no clock."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from settlement.figures import complaint
from settlement.scorecard.claims import Claims, Text
from settlement.scorecard.kinds import Name, Part, Title
from settlement.scorecard.printed import Number, Points, Printed, percent, plain

TOTAL = "total"
"""The name of the rest of the whole scorecard, beside the groups' own."""


class Figure(Part):
    """A value: as it stands, or as its two numbers. `printed` is the percentage that the report shows for them."""

    value: Number | None = None
    num: Number | None = None
    den: Number | None = None
    printed: Number | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.num is None) != (self.den is None):
            raise complaint(
                "figure", "num 与 den 须同时给出 num and den need each other", "补上另一个 add the other one"
            )
        if self.value is not None and self.num is not None:
            raise complaint("figure", "value 与 num/den 只能取一 give value, or num and den", "留其一 keep one")
        if self.den is not None and self.den.value == 0:
            raise complaint("zero", "分母为零 a share of zero", "核对数字 check the numbers")
        return self

    @property
    def exact(self) -> Fraction | None:
        """The exact value; None if there is none."""
        if self.num is not None and self.den is not None:
            return self.num.value / self.den.value
        return None if self.value is None else self.value.value

    @property
    def shown(self) -> str:
        """The value with the numbers behind it."""
        exact = self.exact
        if exact is None:
            return ""
        if self.num is not None and self.den is not None:
            return f"{plain(self.num.value)} ÷ {plain(self.den.value)}（{percent(exact)}）"
        return self.value.text if self.value is not None else ""


class Given(Figure):
    """What is given for one indicator: what its formula needs, or the score itself; why, and by what evidence."""

    values: Annotated[dict[Name, Figure], Field(max_length=100)] = Field(default_factory=dict)
    events: Annotated[dict[Name, Annotated[StrictInt, Field(ge=0)]], Field(max_length=100)] = Field(
        default_factory=dict
    )
    score: Points | None = None
    stated: Points | None = None
    """The score that the report prints, to be compared with the rule's."""
    award: Literal["full", "part", "none"] | None = None
    """What the report says was given where the points themselves are not printed."""
    not_printed: StrictBool = False
    reason: Text = ""
    evidence: Annotated[tuple[Title, ...], Field(max_length=100)] = ()
    source: Text = ""

    @property
    def has_data(self) -> bool:
        """Tell whether there is something for a formula to work on."""
        return self.exact is not None or bool(self.values) or bool(self.events)


class Rest(Part):
    """The points of all that is not printed one by one, as a difference of printed totals."""

    score: Points
    why: Annotated[str, Field(min_length=1, max_length=2_000)]
    source: Text = ""


class Stated(Part):
    """The results that the report itself prints."""

    total: Points | None = None
    grade: Title | None = None
    groups: Annotated[dict[Name, Points], Field(max_length=50)] = Field(default_factory=dict)


class ScoreInputs(Part):
    """A file of inputs: what was found, by indicator, each with its source (its own, or the file's)."""

    rubric: Name
    subject: Title = ""
    period: Title = ""
    source: Text = ""
    values: Annotated[dict[Name, Given], Field(max_length=2_000)] = Field(default_factory=dict)
    rests: Annotated[dict[Name, Rest], Field(max_length=51)] = Field(default_factory=dict)
    stated: Stated = Stated()
    claims: Claims = Claims()
    assumed: Annotated[tuple[Text, ...], Field(max_length=100)] = ()


class Measured(NamedTuple):
    """What the product measured for one of its measures: two whole numbers, or one; and from what."""

    num: int
    den: int | None
    source: str
    evidence: tuple[str, ...] = ()

    @property
    def given(self) -> Given:
        """As an indicator's input."""
        number = Printed(f"{self.num:,}", Fraction(self.num), 0, False)
        if self.den is None:
            return Given(value=number, source=self.source, evidence=self.evidence)
        of = Printed(f"{self.den:,}", Fraction(self.den), 0, False)
        return Given(num=number, den=of, source=self.source, evidence=self.evidence)
