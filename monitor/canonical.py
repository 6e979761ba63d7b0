"""Canonical JSON (RFC 8785, restricted): one text and one digest per value, and a parser that takes nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

MAX_INTEGER: Final = (1 << 53) - 1
"""The largest size of an integer that every reader of JSON keeps exactly."""

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no floats; equal values give equal bytes."""
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the object of one canonical line, without its LF.

    ValueError says what is wrong: not UTF-8, no JSON, no object, a float, too large an integer, a key that repeats, a
    text that is no Unicode, or an object that is not in canonical form.
    """
    value = _parsed(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def parse_row(line: bytes) -> list[Any]:
    """Return the array of one canonical line, without its LF. ValueError as of parse_line."""
    value = _parsed(line)
    if not isinstance(value, list):
        raise ValueError("not an array")
    return value


def _parsed(line: bytes) -> Any:
    try:
        value = _DECODER.decode(line.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if canonical(value).encode() != line:
        raise ValueError("not canonical: decoded and encoded again it gives other bytes")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key repeats")
    return value


def _float(text: str) -> Any:
    raise ValueError(f"a float: {text:.60}")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > MAX_INTEGER:
        raise ValueError(f"an integer too large: {text:.60}")
    return number


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_float
)
