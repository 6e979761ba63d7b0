"""What the statements' endpoints are asked: queries, and the bodies of steps, drafts, disputes and decisions."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from console.api.settle.answers import Yuan
from console.web.paging import PageQuery, Strict
from monitor.finding import refuse

Word = Literal["reconcile", "confirm", "silence", "check", "review", "approve", "return", "issue", "request-payment"]


class QuartersQuery(PageQuery):
    """Which quarters: of one contract, in one state, those that wait for whoever asks."""

    contract: Annotated[str, Field(max_length=64)] = ""
    state: Annotated[str, Field(max_length=20)] = ""
    waiting: bool = False


class RevisionQuery(Strict):
    """Which revision; the newest unless one is named."""

    revision: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class PointsQuery(PageQuery):
    """Which points' lines of which revision."""

    revision: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    phase: Annotated[str, Field(max_length=64)] = ""


class ItemsQuery(PageQuery):
    """Which items of a rule's result."""

    revision: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class DifferenceQuery(Strict):
    """Which revisions are compared."""

    one: Annotated[int, Field(ge=0, le=1_000_000)]
    other: Annotated[int, Field(ge=0, le=1_000_000)]


class KnownQuery(Strict):
    """The day at whose end something was known."""

    on: date


class PaperBody(Strict):
    """A document behind a step: its name and its bytes in base64, at most 700 kB here."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(max_length=960_000)]

    @property
    def paper(self) -> tuple[bytes, str]:
        """Its bytes and name. InputError where the content is no base64."""
        try:
            return base64.b64decode(self.content, validate=True), self.name
        except (binascii.Error, ValueError):
            raise refuse("不是 base64 not base64", "按 base64 编码 encode it", column="content") from None


class Stood(Strict):
    """How the statement stood when somebody decided."""

    revision: Annotated[int, Field(ge=0, le=1_000_000)]
    steps: Annotated[int, Field(ge=0, le=1_000_000)]


class StepBody(Strict):
    """A step: 409 names who was faster where `seen` no longer holds."""

    step: Word
    reason: Annotated[str, Field(max_length=2_000)] = ""
    seen: Stood | None = None
    document: PaperBody | None = None


class DraftBody(Strict):
    """How a quarter is drafted: `prepaid` by phase, or "computed", for the store's first quarter."""

    prepaid: dict[Annotated[str, Field(max_length=64)], Yuan] | Literal["computed"] | None = None
    override: Annotated[str, Field(max_length=2_000)] = ""
    redraft: bool = False


class DisputeBody(Strict):
    """What is contested: a line, or points of it, each with all that was deducted or `claim`."""

    line: Annotated[int, Field(ge=1, le=100_000)]
    points: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=200, default_factory=list)
    ]
    claim: Yuan | None = None
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    seen: Stood | None = None
    document: PaperBody | None = None


class RulingBody(Strict):
    """What is decided."""

    decision: Literal["upheld", "partly", "accepted"]
    grant: Yuan | None = None
    effect: Literal["amount", "data"] = "amount"
    opinion: Annotated[str, Field(min_length=1, max_length=2_000)]
    document: PaperBody | None = None
