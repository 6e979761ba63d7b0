"""The answers of the statements' endpoints."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from console.api.settle.answers import Share, Yuan


class QuarterAnswer(BaseModel):
    """A contract's quarter: where it stands, what it comes to, who takes the next step and until when."""

    contract: str
    quarter: str
    state: str
    revision: int | None
    payable: Yuan | None
    true_up: Yuan | None
    total: Yuan | None
    contested: Yuan | None
    undisputed: Yuan | None
    next_step: str
    next_roles: list[str]
    waits_for_you: bool
    due: date | None


class QuarterList(BaseModel):
    """A page of quarters."""

    items: list[QuarterAnswer]
    next: str | None


class StepAnswer(BaseModel):
    """A step that was taken."""

    step: str
    actor: str
    at: str | None
    reason: str
    document_sha256: str | None


class ChoiceAnswer(BaseModel):
    """A step that the state allows; `against` says why whoever asks may not take it."""

    step: str
    roles: list[str]
    may: bool
    against: list[str]


class LineAnswer(BaseModel):
    """A line with its arithmetic."""

    n: int
    phase: str
    window: str
    kind: str
    gross: Yuan | None
    net: Yuan | None
    tax: Yuan | None
    components: dict[str, str | None]
    why: str
    parent: str


class RatesAnswer(BaseModel):
    """A phase's rates: measured with its bounds, the authority's, and which pays, with the reason."""

    own: Share | None
    worst: str | None
    best: str | None
    authority: str | None
    reference: str
    used: str | None
    source: str
    why: str


class PhaseAnswer(BaseModel):
    """A settled phase."""

    phase: str
    title: str
    points: dict[str, Any]
    unit_price: str
    full_fee: Yuan | None
    fault_deduction: Yuan | None
    other_deduction: Yuan | None
    payable: Yuan | None
    target: str
    seconds: dict[str, int] | None
    rates: RatesAnswer


class DisputeAnswer(BaseModel):
    """A dispute and what was decided; `decision` is None while it is open."""

    number: int
    line: int
    point: str
    contested: Yuan | None
    reason: str
    actor: str
    at: str | None
    document_sha256: str | None
    decision: str | None
    granted: Yuan | None
    effect: str | None
    opinion: str
    decided_by: str | None
    decided_at: str | None


class StatementAnswer(BaseModel):
    """A statement's revision: `seen` is what a step sends back to say how the statement stood when it was decided."""

    contract: str
    quarter: str
    revision: int
    newest: bool
    version: int
    reading: str
    state: str
    inputs_sha256: str
    body_sha256: str
    software: str
    maker: str
    recorded_at: str | None
    seen: dict[str, int]
    totals: dict[str, str | None]
    contested: Yuan | None
    undisputed: Yuan | None
    phases: list[PhaseAnswer]
    lines: list[LineAnswer]
    not_settled: list[dict[str, str]]
    notices: list[dict[str, str]]
    steps: list[StepAnswer]
    choices: list[ChoiceAnswer]
    disputes: list[DisputeAnswer]
    revisions: list[int]


class PointAnswer(BaseModel):
    """A point's line."""

    phase: str
    code: str
    full: Yuan | None
    payable: Yuan | None
    deduction: Yuan | None
    outages: int
    offline_s: int
    rules: str


class PointList(BaseModel):
    """A page of points' lines."""

    items: list[PointAnswer]
    next: str | None


class RuleAnswer(BaseModel):
    """What a rule came to in a window."""

    n: int
    phase: str
    rule: str
    kind: str
    title: str
    window: str
    unit: str
    amount: str
    formula: str
    items: int


class RuleList(BaseModel):
    """The results of rules."""

    items: list[RuleAnswer]


class ItemAnswer(BaseModel):
    """One thing that a rule punished."""

    point: str
    incident: str
    amount: str
    why: str
    suppressed_by: str


class ItemList(BaseModel):
    """A page of items."""

    items: list[ItemAnswer]
    next: str | None


class DraftAnswer(BaseModel):
    """The draft that stands now."""

    contract: str
    quarter: str
    revision: int
    added: bool
    inputs_sha256: str
    findings: list[str]


class StateAnswer(BaseModel):
    """Where a statement stands after a step."""

    contract: str
    quarter: str
    revision: int
    state: str


class DisputedAnswer(StateAnswer):
    """The numbers of the disputes."""

    numbers: list[int]


class DifferenceAnswer(BaseModel):
    """Where two revisions differ, place by place."""

    one: int
    other: int
    inputs: list[str]
    document: list[str]


class KnownAnswer(BaseModel):
    """A quarter as known on a day: recomputed, beside what had been issued; `limits` say what cannot be known."""

    on: date
    issued: str | None
    document: dict[str, Any]
    adjusted: list[dict[str, Any]]
    limits: list[str]


class TrailAnswer(BaseModel):
    """An audit row."""

    at: str | None
    actor: str
    origin: str
    action: str
    object: str
    after: str


class TrailList(BaseModel):
    """What was done to a quarter's statement, newest first."""

    items: list[TrailAnswer]
