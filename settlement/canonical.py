"""Canonical JSON: one text and one digest per value, and where two values differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import islice

MAX_DIFFERENCES = 20
_SHOWN = 60


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no floats; equal values give equal bytes.

    TypeError on anything that JSON does not know, binary floats included: no amount and no rate is one.
    """
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def differences(before: object, after: object, most: int = MAX_DIFFERENCES) -> list[str]:
    """Say where two JSON values differ, at most `most` lines like `phases.p1.rate.good: 5 → 6`, and "…" beyond them."""
    found = list(islice(_walk(before, after, ""), most + 1))
    return [*found[:most], "…"] if len(found) > most else found


def _walk(before: object, after: object, place: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _walk(before.get(key, _ABSENT), after.get(key, _ABSENT), f"{place}.{key}" if place else str(key))
    elif isinstance(before, list) and isinstance(after, list):
        for n in range(max(len(before), len(after))):
            one = before[n] if n < len(before) else _ABSENT
            other = after[n] if n < len(after) else _ABSENT
            yield from _walk(one, other, f"{place}[{n}]")
    elif type(before) is not type(after) or before != after:
        yield f"{place}: {_brief(before)} → {_brief(after)}"


class _Absent:
    """Stands for a key that one of two values does not have."""


_ABSENT = _Absent()


def _brief(value: object) -> str:
    if value is _ABSENT:
        return "（无 none）"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _refuse_floats(value: object) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            raise TypeError(f"a binary float has no place in canonical JSON: {item!r}")
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
