"""What was odd in a file, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_NOTES = 500


@dataclass(slots=True)
class Notes:
    """What was odd in a file, by line; keeps the first 500 and counts the rest."""

    kept: list[tuple[int, str]] = field(default_factory=list)
    more: int = 0

    def add(self, line: int, text: str) -> None:
        """Note one thing; the same thing on the same line is noted once."""
        if (line, text) in self.kept[-20:]:
            return
        if len(self.kept) < MAX_NOTES:
            self.kept.append((line, text[:400]))
        else:
            self.more += 1

    def all(self) -> tuple[tuple[int, str], ...]:
        """The notes by line, and at the end how many more there were."""
        rest = [(0, f"另有 {self.more} 条未列 {self.more} more not listed")] if self.more else []
        return (*sorted(self.kept), *rest)
