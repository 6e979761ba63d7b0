"""Single results of one point from a file of the archive, as a person asks for them: when, what, how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from monitor.archive.reading import open_file
from monitor.model import CS_US, Instant, Outcome, Reason, Rung, State

_COLUMNS = ["point", "vantage", "t_cs", "state", "reason", "rung", "took_us"]


class Kept(NamedTuple):
    """A result as the archive keeps it: the instant to the hundredth of a second, the duration to a sixteenth."""

    at: Instant
    outcome: Outcome
    took_us: int


def kept_probes(
    paths: Iterable[Path], point: str, vantage: str, span: tuple[Instant, Instant], most: int
) -> list[Kept]:
    """Return the first results of a point and vantage in a span, by time. InputError names a damaged file."""
    found: list[Kept] = []
    for path in paths:
        with open_file(path) as file:
            for group in range(file.metadata.num_row_groups):
                about = file.metadata.row_group(group).column(0).statistics
                if about is not None and about.has_min_max and not about.min <= point <= about.max:
                    continue
                table = file.read_row_group(group, columns=_COLUMNS)
                wanted = pc.and_(
                    pc.equal(table.column("point").cast(pa.string()), point),
                    pc.equal(table.column("vantage").cast(pa.string()), vantage),
                )
                # Hundredths: the first of them may begin a little before the span's own microsecond.
                late = pc.greater_equal(table.column("t_cs"), span[0] // CS_US)
                early = pc.less(table.column("t_cs"), -(-span[1] // CS_US))
                rows = table.filter(pc.and_(wanted, pc.and_(late, early))).to_pylist()
                found += [
                    Kept(
                        Instant(row["t_cs"] * CS_US),
                        Outcome(State(row["state"]), Reason(row["reason"]), Rung(row["rung"])),
                        row["took_us"],
                    )
                    for row in rows
                ]
    return sorted(found, key=lambda kept: kept.at)[:most]
