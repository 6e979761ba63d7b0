"""What the parts of a price are called: the names that a contract's file gives, in words where they are the usual three."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.web.words import N_

COMPONENT_ZH: Mapping[str, str] = {
    "line": N_("线路费"),
    "integration": N_("集成费"),
    "platform": N_("平台费"),
}


def component_word(name: str, say: Callable[[str], str]) -> str:
    """Return what people call a part of the price; the contract's own name for others."""
    return say(COMPONENT_ZH[name]) if name in COMPONENT_ZH else name
