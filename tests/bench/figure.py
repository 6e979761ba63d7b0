"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Figure:
    """What was measured, its value and unit, what it should reach, and the peer or limit of the same run."""

    name: str
    value: float
    unit: str
    target: str = ""
    against: str = ""
