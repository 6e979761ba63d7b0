"""The bodies and answers of the contracts' endpoints."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from console.api.settle.answers import Yuan
from console.web.paging import Strict

Text = Annotated[str, Field(min_length=1, max_length=262_144)]


class ContractAnswer(BaseModel):
    """A contract in the list."""

    name: str
    title: str
    purchaser: str
    supplier: str
    version: int
    status: str
    versions: int
    pending: int
    points: int
    quarters: int


class ContractList(BaseModel):
    """A page of contracts."""

    items: list[ContractAnswer]
    next: str | None


class VersionAnswer(BaseModel):
    """A version and where it stands."""

    contract: str
    version: int
    effective_from: date
    approved: bool
    status: str
    added_by: str
    added_at: str | None
    approved_by: str | None
    approved_at: str | None
    sha256: str


class VersionList(BaseModel):
    """A contract's versions, newest first."""

    items: list[VersionAnswer]


class ClauseAnswer(BaseModel):
    """A clause in words, and where the paper says so."""

    about: str
    text: str
    source: str


class TermsAnswer(VersionAnswer):
    """A version with its terms as data, as YAML and in words."""

    terms: dict[str, Any]
    yaml: str
    clauses: list[ClauseAnswer]


class BetweenQuery(Strict):
    """Which versions are compared."""

    one: Annotated[int, Field(ge=1)]
    other: Annotated[int, Field(ge=1)]


class BetweenAnswer(BaseModel):
    """What two versions say differently, in words and as a difference of their YAML."""

    words: list[tuple[str, str, str]]
    yaml: list[str]


class VersionBody(Strict):
    """A contract's YAML, and from which quarter's first day it holds."""

    yaml: Text
    effective_from: date | None = None


class YamlBody(Strict):
    """A contract's YAML."""

    yaml: Text


class RemarkAnswer(BaseModel):
    """A fault or a remark, at its line."""

    level: str
    code: str
    line: int
    place: str
    message: str
    remedy: str
    amount: Yuan | None


class LintAnswer(BaseModel):
    """What the linter says, gravest first."""

    items: list[RemarkAnswer]


class ReadingsQuery(Strict):
    """At which rates, in which quarter; left out: usual ones, and the first whole quarter."""

    rate: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=8, default_factory=list)]
    quarter: Annotated[str, Field(pattern=r"^(\d{4}Q[1-4])?$")] = ""
    version: Annotated[int, Field(ge=1)] | None = None


class ReadingsAnswer(BaseModel):
    """The ambiguity report at each rate, with the spread in yuan."""

    contract: str
    version: int
    quarter: str
    points: dict[str, int]
    rules_left_out: list[str]
    rates: list[dict[str, Any]]


class TrialAnswer(BaseModel):
    """Each past quarter under both contracts."""

    contract: str
    quarters: list[dict[str, Any]]
    difference: Yuan
    findings: list[str]
