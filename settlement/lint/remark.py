"""One remark of the linter: how grave it is, what it is about, where in the contract it stands, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["error", "warning", "info"]
Place = tuple[str | int, ...]

ORDER: tuple[Level, ...] = ("error", "warning", "info")


class Remark(NamedTuple):
    """`code` names the kind of remark; `place` is the path of keys and list positions; `amount_fen` what it is worth.

    error: the contract contradicts itself or rewards failing. warning: the parties should decide or know before they
    sign. info: what the wording amounts to.
    """

    level: Level
    code: str
    place: Place
    message: str
    remedy: str = ""
    amount_fen: int | None = None


def in_order(remarks: Iterable[Remark]) -> list[Remark]:
    """Sort by gravity and code; what was found first stays first."""
    return sorted(remarks, key=lambda remark: (ORDER.index(remark.level), remark.code))
