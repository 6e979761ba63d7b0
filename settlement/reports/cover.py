"""What a paper shows beside the statement's own figures: who signed, what is attached, what was paid, where it stands.

None of it enters the figures: two papers of one statement may differ in their covers, never in their amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from monitor.period import ZONE


class Signature(NamedTuple):
    """A box to sign in; `name` and `on` are printed where the step was taken in the system."""

    zh: str
    en: str
    name: str = ""
    on: str = ""


BOXES = (
    Signature("经办", "prepared by"),
    Signature("核对", "reconciled by"),
    Signature("复核", "checked by"),
    Signature("审批", "approved by"),
    Signature("供应商签章", "supplier's seal"),
)


class Attachment(NamedTuple):
    """A document that belongs to the statement, named by its digest."""

    title: str
    reference: str = ""
    sha256: str = ""


class Entry(NamedTuple):
    """A journal entry: its postings are (account, fen) and add up to zero."""

    day: str
    why: str
    postings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """`inputs_sha` is the digest of the frozen inputs, `made_on` the statement's day (never the day of printing)."""

    inputs_sha: str
    made_on: date
    state: str = ""
    final: bool = False
    """Whether the statement is issued; a paper of one that is not says so across every page."""
    procurement_number: str = ""
    project: str = ""
    signatures: tuple[Signature, ...] = BOXES
    attachments: tuple[Attachment, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is said about the statement elsewhere and must be read with it: disputes and what was decided."""
    entries: tuple[Entry, ...] = ()
    zone: str = ZONE
    """The contract's: in which instants are shown."""
    paid_fen: int | None = None
    total_fen: int | None = None
