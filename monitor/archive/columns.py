"""What a file of the archive holds, and how exactly.

Rows are sorted by point, vantage and time. Columns: point, vantage, camera, state, reason, rung (texts), t_cs (hundredths
of a second since 1970 UTC), valid_s, took_us. Only encodings that every Parquet reader knows.

Kept exactly: who, what, in what order, and of each instant the hundredth of a second (what is below it is cut off, so the
whole second is exact). took_us keeps four binary digits, at most a sixteenth off. Microseconds alone would take two bytes a
result: probes start up to a tenth of a second after they are due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.archive.parts import FORMAT
from monitor.canonical import canonical

TEXTS: Final = ("point", "vantage", "camera", "state", "reason", "rung")
NUMBERS: Final = ("t_cs", "valid_s", "took_us")
GROUP_ROWS: Final = 250_000
"""A row group ends with the first whole point at or after so many rows: what a reader holds at once."""
MAX_TOOK_US: Final = 2**30
KEY: Final = "camsla"

WRITING: Final[Mapping[str, Any]] = {
    "version": "2.6",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": [*TEXTS, "valid_s", "took_us"],
    "column_encoding": {"t_cs": "DELTA_BINARY_PACKED"},
    "write_statistics": ["point"],
    "store_schema": False,
}
"""Given to pyarrow's writer; the same rows give the same bytes under the same version of it."""


def schema() -> pa.Schema:
    """Return the schema of every part."""
    fields = [pa.field(name, pa.dictionary(pa.int32(), pa.string()), nullable=False) for name in TEXTS]
    kinds = (pa.int64(), pa.int32(), pa.int32())
    return pa.schema(fields + [pa.field(name, kind, nullable=False) for name, kind in zip(NUMBERS, kinds, strict=True)])


def about(day: date, number: int, zone: str) -> dict[str, str]:
    """Return what the file's metadata says of it: which part it is."""
    return {KEY: canonical({"day": str(day), "format": FORMAT, "part": number, "zone": zone})}


def rounded(took_us: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Round durations (µs) to four binary digits, halves up; what is longer than MAX_TOOK_US is cut to it."""
    took = np.clip(took_us, 0, MAX_TOOK_US)
    # frexp is exact here: a duration has far fewer digits than a double.
    _, digits = np.frexp(took.astype(np.float64))
    shift = np.maximum(digits - 4, 0).astype(np.int64)
    half = (np.int64(1) << shift) >> 1
    result: NDArray[np.uint32] = (((took + half) >> shift) << shift).astype(np.uint32)
    return result
