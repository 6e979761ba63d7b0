"""Findings: what is wrong with an input, where it stands, and what to do about it.

Bad input is a value, not an exception, until the shell must stop for it; an exception of any other kind is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One complaint. `line` counts from 1 and is 0 where no line applies; `column` names a column or key."""

    file: str
    line: int
    column: str
    message: str
    remedy: str
    level: str = "error"

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
        if self.column:
            place += f" [{self.column}]"
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} → {self.remedy}" if self.remedy else text


class InputError(Exception):
    """Input that cannot be used. Carries every finding, not only the first; the shell prints them and exits 2."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel from a worker with the findings; an exception's own way would make them again from its text."""
        return type(self), (self.findings,)


def refuse(message: str, remedy: str, *, file: str = "", line: int = 0, column: str = "") -> InputError:
    """Build the InputError of a single complaint."""
    return InputError([Finding(file, line, column, message, remedy)])
