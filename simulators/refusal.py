"""How the simulators say that their input cannot be used."""

from __future__ import annotations

from collections.abc import Iterable


class BadInput(Exception):
    """Input that cannot be used: every complaint at once, one text a line; the command prints them and exits 2."""

    def __init__(self, complaints: Iterable[str]) -> None:
        self.complaints: tuple[str, ...] = tuple(complaints)
        super().__init__("\n".join(self.complaints))
