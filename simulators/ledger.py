"""The simulated 点位台账 (point ledger): points as CSV, UTF-8, one row per point, in the columns an import understands.

`code` is the 点位编号; dates are YYYY-MM-DD; a point without RTSP address
has its last five columns empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class LedgerRow(NamedTuple):
    """One point of the ledger, in the file's column order."""

    code: str
    name: str
    contract: str
    phase: str
    area: str
    supplier: str
    accepted_on: str
    billed_from: str
    rtsp_url: str = ""
    username: str = ""
    password: str = ""
    onvif_addr: str = ""
    upstream: str = ""


AREAS = ("长堎镇", "望城镇", "石埠镇", "乐化镇", "溪霞镇", "樵舍镇", "象山镇", "松湖镇")
SUPPLIERS = ("承建单位甲", "承建单位乙")
"""Suppliers by number, from 1; each has a ring of its own."""


def area_of(number: int) -> str:
    """Return the area of the point with this number (from 1); areas take turns."""
    return AREAS[(number - 1) % len(AREAS)]


def supplier_of(number: int) -> str:
    """Return the supplier of the point with this number (from 1): of every five points the second builds two."""
    return SUPPLIERS[ring_of(number) - 1]


def ring_of(number: int) -> int:
    """Return the number of that supplier, 1 or 2."""
    return 2 if number % 5 in {0, 3} else 1


def write_ledger(path: Path, rows: Iterable[LedgerRow]) -> None:
    """Write the ledger; the same rows give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LedgerRow._fields)
        writer.writerows(rows)
