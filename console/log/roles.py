"""What witnesses are called: a role is a word of the settings, people read its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.web.words import N_

ROLES: Mapping[str, str] = {
    "supplier": N_("供应商"),
    "evaluator": N_("评价方"),
    "purchaser": N_("采购人"),
    "authority": N_("数据提供单位"),
}
"""Any other role of the settings is shown as it is written there."""


def title(role: str) -> str:
    """Return a role's Chinese name, for a screen that translates it."""
    return ROLES.get(role, role)


def beside(role: str) -> str:
    """Return a role in Chinese with the settings' word beside it, for papers and messages in both languages."""
    return f"{ROLES[role]} {role}" if role in ROLES else role


def both(roles: Iterable[str]) -> str:
    """Return several roles as `beside` says each."""
    return "、".join(map(beside, roles))
