"""What a pack's papers tell, as plain values: gathered once, then only set in type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from settlement.contract import Terms


class Attached(NamedTuple):
    """A file that somebody attached: `pages` is None where nobody can tell."""

    title: str
    name: str
    sha256: str
    media: str
    size: int
    pages: int | None


class Sealed(NamedTuple):
    """The log's part of a pack: its days, its leaves with those before them, and the last root (hex)."""

    origin: str
    first: date
    last: date
    size: int
    root: str
    records: int


class Count(NamedTuple):
    """How many approved corrections of a kind there are, and the documents behind them."""

    kind: str
    number: int
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that index, conclusion, method page and README print.

    `document` is the statement's, None where the period has none; `files` are the authority's files as the frozen inputs
    name them. `made_on` is the day of the last checkpoint, never that of packing.
    """

    terms: Terms
    version: int
    period: str
    first: date
    last: date
    sealed: Sealed
    made_on: date
    software: str
    points: int
    subset: tuple[str, ...] | None = None
    document: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] | None = None
    statement_sha: str = ""
    inputs_sha: str = ""
    terms_sha: str = ""
    issued: bool = False
    issue_sealed: bool = False
    """Whether the log's days of this pack say that the statement was issued, so that a reader's check says so too."""
    lacking: tuple[str, ...] = ()
    """The roles whose signature the last checkpoint should bear and does not."""
    files: tuple[Mapping[str, Any], ...] = ()
    corrections: tuple[Count, ...] = ()
    attached: tuple[Attached, ...] = ()
    scorecard: str = ""
    """The scorecard's member, "" where none was asked for."""
    sheets: Mapping[str, str] = field(default_factory=dict)
    """The sheets of samples that were drawn, by member: what drew them."""

    @property
    def name(self) -> str:
        """As papers are numbered: xinjian-2020Q3."""
        return f"{self.terms.contract}-{self.period}"


def issued_word(story: Story) -> str:
    """Say whether the statement was issued, and whether the sealed log knows of it yet."""
    if not story.issued:
        return "未出具 NOT ISSUED"
    return "已出具 issued" if story.issue_sealed else "已出具，出具记录尚未封存 issued, which is not sealed yet"
