"""The bodies and answers of the authority's endpoints."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from console.api.settle.answers import Digest, Share, Warned, rate
from console.authority.mapping import Mapping
from console.authority.typed import MAX_FIGURES, TypedFigure
from console.web.paging import Strict, instant
from settlement.authority import Figure
from settlement.store.authority import StoredFile


class FileAnswer(BaseModel):
    """A file that came: where it stands, who brought it in and who checked it."""

    number: int
    sha256: str
    contract: str
    name: str
    status: str
    reference: str
    mapping: str
    typed: bool
    replaces: bool
    received_on: str
    scan_sha256: str | None
    figures: int
    actor: str
    recorded_at: str | None
    checked_by: str
    checked_at: str | None
    withdrawn_by: str
    withdrawn_why: str
    notes: list[tuple[int, str]]


class FileList(BaseModel):
    """A page of files."""

    items: list[FileAnswer]
    next: str | None


class FigureAnswer(BaseModel):
    """One figure as the file has it: counts where it gives counts, else the printed digits."""

    line: int
    phase: str
    point: str
    device: str
    period: str
    text: str
    num: int
    den: int
    unit: str
    rate: str | None
    points: int | None


class FigureList(BaseModel):
    """A page of figures."""

    items: list[FigureAnswer]
    next: str | None


class TypedBody(Strict):
    """Figures typed from paper; `scan` is the digest of the paper's scan, kept before."""

    contract: Annotated[str, Field(min_length=1)]
    reference: Annotated[str, Field(max_length=200)] = ""
    received: date | None = None
    replaces: bool = False
    scan: Digest
    figures: Annotated[tuple[TypedFigure, ...], Field(min_length=1, max_length=MAX_FIGURES)]


class CheckBody(Strict):
    """The checker's word. Of typed figures, in their order: what was typed again, or "" to confirm one as it stands."""

    confirmed: bool
    figures: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=MAX_FIGURES)] = ()


class WithdrawBody(Strict):
    """Why a file is taken out of account."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class MappingAnswer(BaseModel):
    """A saved mapping in its newest version."""

    name: str
    version: int
    actor: str
    mapping: Mapping


class MappingList(BaseModel):
    """The saved mappings."""

    items: list[MappingAnswer]


class PhaseAnswer(BaseModel):
    """A phase on both sides. Differences are theirs − ours; amounts in yuan."""

    phase: str
    own: Share | None
    own_points: int
    authority: Share | None
    authority_points: int | None
    difference: str | None
    within_tolerance: bool | None
    payable_by_own: str | None
    payable_by_authority: str | None
    difference_yuan: str | None
    chosen: str
    chosen_rate: str | None
    why: str
    reference: str


class QuarterAnswer(BaseModel):
    """A quarter on both sides; `points` and `items` say how many the lists of those names hold."""

    contract: str
    quarter: str
    pays: str
    tolerance: str | None
    phases: list[PhaseAnswer]
    findings: list[Warned]
    points: int
    items: int


class PointAnswer(BaseModel):
    """A point on both sides; `worth` is what their figure would change of the phase's payable, in yuan."""

    point: str
    phase: str
    authority: str | None
    own: Share | None
    difference: str | None
    worth: str | None
    beyond_tolerance: bool


class PointList(BaseModel):
    """A page of points."""

    items: list[PointAnswer]
    next: str | None


class ItemAnswer(BaseModel):
    """A reconciling item with both sides' figures; only with a unit other than `share` is theirs a denominator."""

    kind: str
    phase: str
    point: str
    their_code: str
    period: str
    authority: Share | None
    unit: str
    own: Share | None
    text: str
    line: int


class ItemList(BaseModel):
    """A page of reconciling items."""

    items: list[ItemAnswer]
    next: str | None


def file_answer(file: StoredFile) -> FileAnswer:
    """Return a file as it is answered."""
    return FileAnswer(
        number=file.id, sha256=file.sha256, contract=file.contract, name=file.name, status=file.status,
        reference=file.reference, mapping=file.mapping, typed=file.typed, replaces=file.replaces,
        received_on=file.received_on, scan_sha256=file.scan_sha, figures=file.figures, actor=file.actor,
        recorded_at=instant(file.recorded_at), checked_by=file.checked_by, checked_at=instant(file.checked_at),
        withdrawn_by=file.withdrawn_by, withdrawn_why=file.withdrawn_why, notes=list(file.notes),
    )  # fmt: skip


def figure_answer(figure: Figure) -> FigureAnswer:
    """Return a figure as it is answered."""
    return FigureAnswer(
        line=figure.line, phase=figure.phase, point=figure.point, device=figure.device, period=figure.period,
        text=figure.text, num=figure.num, den=figure.den, unit=figure.unit, rate=rate(figure.value),
        points=figure.points,
    )  # fmt: skip
