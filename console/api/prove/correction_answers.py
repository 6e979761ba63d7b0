"""What the endpoints of exclusions and reclassifications take and tell."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from console.api.settle.answers import money, rate
from console.claims.correction_steps import MAX_REASON, MAX_ROWS
from console.claims.effect import Effect
from console.claims.worth import Worth
from console.web.paging import PageQuery, Strict, instant
from monitor.finding import refuse
from monitor.rates import Seconds
from monitor.store.claims import Claim
from settlement.money import yuan


class ClaimsQuery(PageQuery):
    """Which claims: of a point, of a kind, or in a state."""

    point: Annotated[str, Field(max_length=200)] = ""
    kind: Literal["", "exclude", "reclassify"] = ""
    status: Literal["", "pending", "approved", "withdrawn", "revocation"] = ""


class ClaimAnswer(BaseModel):
    """A claim. `to` is the state that a reclassification gives; `revokes` the claim that a withdrawal takes back."""

    id: int
    kind: str
    to: str | None
    point: str
    start: str | None
    end: str | None
    reason: str
    document: str | None
    claimed_by: str
    claimed_at: str | None
    approved_by: str | None
    approved_at: str | None
    revokes: int | None
    status: str


class ClaimList(BaseModel):
    """A page of claims, the newest first."""

    items: list[ClaimAnswer]
    next: str | None


class SecondsAnswer(BaseModel):
    """A point's account in a quarter."""

    online: int
    offline: int
    unknown: int
    excluded: int


class EffectAnswer(BaseModel):
    """What approving would change at a point in a quarter; `statement` stands for it, with its total in yuan."""

    point: str
    quarter: str
    before: SecondsAnswer
    after: SecondsAnswer
    rate_before: str | None
    rate_after: str | None
    statement: str | None
    total: str | None


class RecordAnswer(BaseModel):
    """The `adj` record: its id, and where the log has it; leaf None until the day is sealed."""

    id: str
    day: str | None
    leaf: int | None
    leaf_hash: str | None
    line: str


class PhaseWorthAnswer(BaseModel):
    """A phase's rate and payable (yuan) as the record stands and with the claims."""

    phase: str
    rate_before: str | None
    rate_after: str | None
    payable_before: str | None
    payable_after: str | None


class WorthAnswer(BaseModel):
    """A contract's quarter settled without and with the claims, in yuan with tax; `refused` says why it cannot be."""

    contract: str
    quarter: str
    payable_before: str | None
    payable_after: str | None
    difference: str | None
    phases: list[PhaseWorthAnswer]
    refused: list[str]


class ClaimDetail(BaseModel):
    """A claim, the numbers claimed together with it, what approving those that wait changes, and its record.

    `effects` is None where the points are too many to be told one by one; `worth` is None for who reads no money.
    """

    claim: ClaimAnswer
    batch: list[int]
    effects: list[EffectAnswer] | None
    worth: list[WorthAnswer] | None
    record: RecordAnswer | None


Line = Annotated[str, Field(pattern=r"^[^\r\n]*$")]
"""A text of one line: the rows are kept as a file, and a complaint names its row."""


class ClaimRow(Strict):
    """A point and a span, ISO 8601 with zone, half-open."""

    point: Annotated[Line, Field(min_length=1, max_length=200)]
    start: Annotated[Line, Field(min_length=1, max_length=40)]
    end: Annotated[Line, Field(min_length=1, max_length=40)]
    reason: Annotated[Line, Field(min_length=1, max_length=MAX_REASON)]


class ClaimBody(Strict):
    """Claims of one kind: `rows`, all or none of which are taken, or one as the four fields of a row.

    A reclassification needs its fault report: `document_name` with the text, or the bytes in base64.
    """

    to: Literal["exclude", "online", "offline"]
    rows: Annotated[list[ClaimRow], Field(max_length=MAX_ROWS)] = Field(default_factory=list)
    point: Annotated[str, Field(max_length=200)] = ""
    start: Annotated[str, Field(max_length=40)] = ""
    end: Annotated[str, Field(max_length=40)] = ""
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""
    document_name: Annotated[str, Field(max_length=200)] = ""
    document_text: Annotated[str, Field(max_length=1_000_000)] = ""
    document_base64: Annotated[str, Field(max_length=14_000_000)] = ""

    @model_validator(mode="after")
    def _whole(self) -> ClaimBody:
        given = [bool(text) for text in (self.point, self.start, self.end, self.reason)]
        if any(given) if self.rows else not all(given):
            raise ValueError("give either rows, or point, start, end and reason")
        if bool(self.document_text) + bool(self.document_base64) != bool(self.document_name):
            raise ValueError("document_name needs one of document_text and document_base64, and they need it")
        return self

    def paper(self) -> tuple[str, bytes] | None:
        """Return the document's name and bytes. InputError for what is no base64."""
        if not self.document_base64:
            return (self.document_name, self.document_text.encode()) if self.document_name else None
        try:
            return self.document_name, base64.b64decode(self.document_base64, validate=True)
        except ValueError:
            raise refuse(
                "不是 base64 not base64", "标准字母表 the standard alphabet", column="document_base64"
            ) from None


class ClaimNumbers(BaseModel):
    """The numbers of new claims."""

    items: list[int]


class DecisionBody(Strict):
    """Why it is withdrawn or refused."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


def answer_of(row: Claim) -> ClaimAnswer:
    """Return a claim as it is told."""
    return ClaimAnswer(
        id=row.id,
        kind=row.what,
        to=row.to or None,
        point=row.point,
        start=instant(row.start),
        end=instant(row.end),
        reason=row.cause,
        document=row.document_sha or None,
        claimed_by=row.claimed_by,
        claimed_at=instant(row.claimed_at),
        approved_by=row.approved_by or None,
        approved_at=instant(row.approved_at),
        revokes=row.revokes,
        status=row.status,
    )


def effect_of(one: Effect, reads_money: bool) -> EffectAnswer:
    """Return a point's effect as it is told; the statement's total only to who reads money."""
    return EffectAnswer(
        point=one.point,
        quarter=one.quarter,
        before=_seconds(one.before),
        after=_seconds(one.after),
        rate_before=rate(one.rate_before),
        rate_after=rate(one.rate_after),
        statement=one.statement or None,
        total=one.total or None if reads_money else None,
    )


def worth_answer(one: Worth) -> WorthAnswer:
    """Return what a quarter's claims are worth as it is told."""
    settled = not one.findings
    return WorthAnswer(
        contract=one.contract,
        quarter=one.quarter,
        payable_before=yuan(one.payable[0]) if settled else None,
        payable_after=yuan(one.payable[1]) if settled else None,
        difference=yuan(one.difference) if settled else None,
        phases=[
            PhaseWorthAnswer(
                phase=phase.phase,
                rate_before=rate(phase.rate[0]),
                rate_after=rate(phase.rate[1]),
                payable_before=money(phase.payable[0]),
                payable_after=money(phase.payable[1]),
            )
            for phase in one.phases
        ],
        refused=[finding.message for finding in one.findings],
    )


def _seconds(one: Seconds) -> SecondsAnswer:
    return SecondsAnswer(**one._asdict())
