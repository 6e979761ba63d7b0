"""Amounts as people type them: 1,695,600.00, １６９５６００．００, ¥1695600元; a comma stands before three digits or not at all."""

from __future__ import annotations

import re
import unicodedata

from monitor.finding import refuse
from settlement.money import fen

_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
MAX_FEN = 10**15
"""Ten thousand billion yuan: beyond it somebody's finger rested on a key."""


def fen_typed(text: str) -> int:
    """Read yuan as somebody typed them. ValueError for anything else: "1,00" is not taken for one or for a hundred."""
    plain = unicodedata.normalize("NFKC", text).strip().removesuffix("元").strip()
    sign = "-" if plain[:1] in {"-", "−"} else ""
    plain = sign + plain.removeprefix("-").removeprefix("−").lstrip("¥").strip()
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise ValueError(f"千分位不对 commas not before groups of three digits: {text[:40]}")
        plain = plain.replace(",", "")
    amount = fen(plain)
    if abs(amount) > MAX_FEN:
        raise ValueError(f"金额过大 too large an amount: {text[:40]}")
    return amount


def fen_of(text: str, column: str) -> int:
    """Read yuan as somebody typed them into a field. InputError at the field for anything else."""
    try:
        return fen_typed(text)
    except ValueError as error:
        remedy = '写成元，至多两位小数 write yuan, like "1695600.00"'
        raise refuse(str(error), remedy, column=column) from None
