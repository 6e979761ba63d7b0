"""The kinds of records and their fields, as docs/evidence-format.md lists them. PURE.

A record that a log holds has exactly these fields, each of its type; what the fields say together is replay's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from monitor.canonical import digest, parse_row
from monitor.model import Reason, Rung
from monitor.model import State as Known

Record = dict[str, Any]
"""A record as its line says it."""

Check = Callable[[Any], bool]

_HEX = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STATES = frozenset(str(one) for one in Known)
_REASONS = frozenset(str(one) for one in Reason)
_RUNGS = frozenset(str(one) for one in Rung)

FACTS: Final = frozenset(
    {
        "accepted_on",
        "area",
        "billed_from",
        "billed_until",
        "category",
        "contract",
        "phase",
        "price",
        "retired_on",
        "supplier",
    }
)
"""What a `ros` says of each span of a point's facts."""

CLAIM: Final = ("cause", "claimed_at", "claimed_by", "document", "end", "point", "start", "to", "what", "target")
"""What the id of an `adj` is the digest of."""


def claim_id(record: Mapping[str, Any]) -> str:
    """Return the id of an `adj` record: the digest of what was claimed, without who approved it."""
    return digest({name: record[name] for name in CLAIM})


def check(record: Record) -> None:
    """Raise ValueError unless the record has a known kind and that kind's fields, each of its type."""
    kind = record.get("k")
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise ValueError(f"unknown kind of record: {kind!r:.60}")
    if record.keys() != fields.keys():
        odd = sorted(record.keys() ^ fields.keys())
        raise ValueError(f"{kind}: a field is missing or not known: {', '.join(odd)[:120]}")
    for name, fits in fields.items():
        if not fits(record[name]):
            raise ValueError(f"{kind}: {name} cannot be {record[name]!r:.80}")


def imported_run(line: bytes) -> list[Any]:
    """Return a line of an import of runs: point, vantage, first, last, n, state, reason, rung, valid. ValueError if none."""
    row = parse_row(line)
    if not _RUN([row]) or row[3] < row[2]:
        raise ValueError(f"not a run of an import: {line[:120]!r}")
    return row


def imported_gap(line: bytes) -> list[Any]:
    """Return a line of an import of gaps: vantage, point or None, start, end, cause. ValueError if it is none."""
    row = parse_row(line)
    if not _GAP([row]) or (row[3] is not None and row[3] <= row[2]):
        raise ValueError(f"not a gap of an import: {line[:120]!r}")
    return row


def is_day(value: Any) -> bool:
    """Tell whether a value is a date as YYYY-MM-DD."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _int(value: Any) -> bool:
    return type(value) is int


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _counted(value: Any) -> bool:
    return type(value) is int and value >= 1


def _text(value: Any) -> bool:
    return type(value) is str


def _name(value: Any) -> bool:
    return type(value) is str and value != ""


def _hash(value: Any) -> bool:
    return type(value) is str and _HEX.fullmatch(value) is not None


def _hash_or_none(value: Any) -> bool:
    return value == "" or _hash(value)


def _maybe(fits: Check) -> Check:
    return lambda value: value is None or fits(value)


def _one_of(names: frozenset[str]) -> Check:
    return lambda value: type(value) is str and value in names


def _rows(*fits: Check) -> Check:
    """A list of rows, each with one value per check."""

    def check_rows(value: Any) -> bool:
        return type(value) is list and all(
            type(row) is list and len(row) == len(fits) and all(one(cell) for one, cell in zip(fits, row, strict=True))
            for row in value
        )

    return check_rows


def _facts(value: Any) -> bool:
    return (
        type(value) is dict and value.keys() == FACTS and all(one is None or type(one) is str for one in value.values())
    )


def _of(value: Any) -> bool:
    return type(value) is dict and all(type(one) in (int, str) and name.isascii() for name, one in value.items())


def _object(**fields: Check) -> Check:
    return lambda value: (
        type(value) is dict and value.keys() == fields.keys() and all(fits(value[n]) for n, fits in fields.items())
    )


def _kind(**fields: Check) -> Mapping[str, Check]:
    return {"k": _text, "at": _int, **{name.rstrip("_"): fits for name, fits in fields.items()}}


_state = _one_of(_STATES)
_known = _one_of(frozenset({"online", "offline"}))

_RUN = _rows(_name, _name, _int, _int, _counted, _state, _one_of(_REASONS), _one_of(_RUNGS), _whole)
_GAP = _rows(_name, _maybe(_name), _int, _maybe(_int), _text)

FIELDS: Final[Mapping[str, Mapping[str, Check]]] = {
    "tr": _kind(
        t=_int,
        point=_name,
        vantage=_name,
        from_=_state,
        to=_state,
        reason=_one_of(_REASONS),
        rung=_one_of(_RUNGS),
        valid=_whole,
        camera=_text,
        last=_maybe(_int),
        n=_maybe(_counted),
        seq=_counted,
        prev=_hash_or_none,
        boot=_maybe(_text),
        mono=_maybe(_int),
    ),
    "gap": _kind(vantage=_name, point=_maybe(_name), start=_int, end=_maybe(_int), cause=_text),
    "clk": _kind(vantage=_name, t=_int, step_us=_int),
    "adj": _kind(
        what=_one_of(frozenset({"exclude", "reclassify", "revoke"})),
        point=_name,
        start=_int,
        end=_int,
        cause=_text,
        claimed_by=_name,
        claimed_at=_int,
        document=_hash_or_none,
        to=lambda value: value == "" or _known(value),
        approver=_name,
        id=_hash,
        target=_hash_or_none,
    ),
    "ros": _kind(
        point=_name,
        rev=_counted,
        facts=_rows(_int, _maybe(_int), _facts),
        pauses=_rows(is_day, _maybe(is_day)),
        stays=_rows(_text, _int, _maybe(_int)),
    ),
    "sum": _kind(
        day=is_day,
        point=_name,
        rev=_whole,
        on=_whole,
        off=_whole,
        un=_whole,
        ex=_whole,
        seq=_whole,
        tip=_hash_or_none,
        open=_rows(_name, _int, _counted),
        prev=_hash_or_none,
    ),
    "agt": _kind(vantage=_name, first=_whole, last=_whole, n=_whole, sha256=_hash, key=_text, sig=_text),
    "key": _kind(old=_name, new=_name, old_sig=_name, new_sig=_name),
    "att": _kind(what=_name, id=_text, version=_whole, sha256=_hash_or_none, media=_text, actor=_text, of=_of),
    "man": _kind(
        day=is_day,
        first=_whole,
        count=_counted,
        prev=_object(size=_whole, root=_hash_or_none),
        points=_whole,
        software=_text,
        zone=_name,
        archive=_maybe(_object(sha256=_hash, rows=_whole, bytes=_whole)),
        state=_hash_or_none,
    ),
}
"""Each kind's fields and whether a value may stand there."""
