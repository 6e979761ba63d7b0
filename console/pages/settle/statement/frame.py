"""What a statement's pages share: their tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from console.settling.page import Shown
from console.web.words import N_


class Tab(NamedTuple):
    """A page of a statement."""

    label: str
    address: str
    here: bool


_TABS = (
    ("statement", N_("结算单"), ""),
    ("points", N_("点位明细"), "/points"),
    ("measured", N_("逐点实测"), "/measured"),
    ("rules", N_("规则与算式"), "/rules"),
    ("money", N_("预付、调整与分录"), "/money"),
    ("disputes", N_("异议"), "/disputes"),
    ("history", N_("版次与留痕"), "/history"),
)


def tabs(found: Shown, here: str, say: Callable[[str], str]) -> list[Tab]:
    """Return the tabs of a statement's pages."""
    counts = {"points": len(found.view.points), "disputes": len(found.disputes), "rules": len(found.view.rules)}
    made = []
    for key, label, path in _TABS:
        count = f"（{counts[key]:,}）" if counts.get(key) else ""
        made.append(Tab(f"{say(label)}{count}", f"{found.base}{path}{found.tail}", key == here))
    return made
