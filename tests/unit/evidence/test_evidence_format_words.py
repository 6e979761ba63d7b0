"""The words that docs/evidence-format.md lists are those that the log takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.evidence.records import FIELDS
from monitor.model import Reason, Rung, State

FORMAT = (Path(__file__).parents[3] / "docs" / "evidence-format.md").read_text(encoding="utf-8")


def listed(head: str) -> list[str]:
    """The words behind a head such as "`rung`:", to the full stop."""
    (found,) = re.findall(rf"{re.escape(head)}((?: `[a-z-]+`,?)+)\.", FORMAT)
    return re.findall(r"`([a-z-]+)`", found)


@pytest.mark.parametrize(
    ("field", "head", "words"),
    [("reason", "`reason`:", Reason), ("rung", "`rung`:", Rung), ("to", "`from`, `to`, `state`:", State)],
)
def test_the_document_lists_every_word(field, head, words):
    assert listed(head) == [str(word) for word in words]
    fits = FIELDS["tr"][field]
    assert all(fits(word) for word in listed(head))
    assert not fits("perhaps")
