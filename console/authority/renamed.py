"""Strangers in the authority's file that bear the name of one of our points which the file lacks: a code that was changed.

Nothing is matched by a name: the item says which point it may be, so that somebody looks and the ledger is put right.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from settlement.matching import Item
from settlement.reconcile import Reconciliation

_STRANGER = re.compile(r"台账中没有（(.+?)）")


def with_namesakes(found: Reconciliation, names: Mapping[str, str]) -> Reconciliation:
    """Return the reconciliation with a word at each stranger of a name that just one lacking point has.

    `names` are our points' names by code.
    """
    lacking = {item.point for item in found.items if item.kind == "missing"}
    plain = {code: _plain(names[code]) for code in lacking if names.get(code)}
    often = Counter(plain.values())
    by_name = {name: code for code, name in plain.items() if often[name] == 1}
    items: list[Item] = []
    for item in found.items:
        match = _STRANGER.search(item.text) if item.kind == "stranger" else None
        code = by_name.get(_plain(match[1])) if match else None
        text = f"{item.text}；名称同 {code}，疑为编码变更 named like {code}, which the file lacks: a changed code?"
        items.append(item if code is None else item._replace(text=text))
    return replace(found, items=tuple(items))


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()
