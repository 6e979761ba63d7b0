"""trust.json: whose keys count, delivered apart from any pack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.evidence.keys import COLLECTOR, WITNESS, PublicKey
from monitor.finding import InputError, refuse

FORMAT = "camsla-trust/1"
MAX_BYTES = 1 << 20
_REMEDY = "向评价组织方另行索取 trust.json get it anew, apart from any pack"


@dataclass(frozen=True, slots=True)
class Trust:
    """The collector's key, the witnesses' keys by role, and the roles that must have signed."""

    origin: str
    collector: PublicKey
    witnesses: tuple[tuple[str, PublicKey], ...]
    require: tuple[str, ...]


def read_trust(path: Path) -> Trust:
    """Read the file. InputError for anything that would make trust void: no required witness, a key that serves twice, …"""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(f"无法读取 cannot be read: {error.strerror}", _REMEDY, file=str(path)) from None
    try:
        if len(raw) > MAX_BYTES:
            raise ValueError("too large")
        return trust_of(json.loads(raw.decode(), object_pairs_hook=_once))
    except InputError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise refuse(f"不是 not a trust file: {str(error)[:120]}", _REMEDY, file=str(path)) from None


def trust_of(value: Any) -> Trust:
    """Read the file's value. ValueError, TypeError or KeyError say what is wrong."""
    if not isinstance(value, dict) or value.keys() != {"format", "origin", "collector", "witnesses", "require"}:
        raise ValueError("its keys are format, origin, collector, witnesses and require")
    if value["format"] != FORMAT:
        raise ValueError(f"format is not {FORMAT}")
    collector = _key(value["collector"], COLLECTOR)
    witnesses = tuple((_text(row["role"]), _key(row["key"], WITNESS)) for row in value["witnesses"])
    require = tuple(_text(role) for role in value["require"])
    raws = [collector.raw, *(key.raw for _, key in witnesses)]
    if len(set(raws)) < len(raws):
        raise ValueError("one key serves twice")
    if collector.name != value["origin"]:
        raise ValueError("the collector's key is not named by the origin")
    if not require or not set(require) <= {role for role, _ in witnesses}:
        raise ValueError("a required witness has no key, or none is required")
    return Trust(_text(value["origin"]), collector, witnesses, require)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key repeats")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"not a text: {value!r:.60}")
    return value


def _key(value: object, kind: int) -> PublicKey:
    key = PublicKey.parse(_text(value))
    if key.kind != kind:
        raise ValueError(f"a key of another kind: {key.name}")
    return key
