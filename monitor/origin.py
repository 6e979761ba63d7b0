"""Where rows came from, so that whoever refuses them can say the line. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Origin(NamedTuple):
    """A file's name, the digest of its bytes, and the line of each row (empty: a header and one line a row)."""

    file: str = ""
    sha256: str = ""
    lines: Sequence[int] = ()

    def line(self, row: int) -> int:
        """Return the line of a row counted from 0."""
        return self.lines[row] if self.lines else row + 2
