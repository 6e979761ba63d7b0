"""What a probe came back with: the verdict, the steps it climbed, and a log of what was sent and received.

A result keeps the raw pieces and writes its log only when somebody reads it: most verdicts are never read.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.model import STATE_OF, Outcome, Reason, Rung, State
from monitor.probes.target import without_path_secrets

MAX_LOG_LINES = 60
MAX_LOG_LINE = 240
MAX_NOTE = 2_048
"""Bytes kept of one message for the log."""


_OUTCOMES: dict[tuple[int, int], Outcome] = {}
"""By reason and rung, so no more than those two vocabularies allow."""


class Note(NamedTuple):
    """One thing worth logging: `mark` is `>` sent, `<` received, `#` remark; logins are already out of it (what
    stands in a path is masked when the log is written)."""

    mark: str
    text: bytes


class Step(NamedTuple):
    """One rung that was tried. `ok` and `reason` judge this rung alone."""

    name: str
    ok: bool
    reason: Reason
    took_us: int
    notes: tuple[Note, ...]

    @property
    def ms(self) -> float:
        """How long the step took, in milliseconds."""
        return round(self.took_us / 1000, 3)

    @property
    def log(self) -> tuple[str, ...]:
        """What was sent and received, printable, at most 60 lines of at most 240 characters."""
        lines = [
            f"{note.mark} {_printable(line)}" for note in self.notes for line in note.text.rstrip(b"\r\n").split(b"\n")
        ]
        if len(lines) > MAX_LOG_LINES:
            lines[MAX_LOG_LINES - 1 :] = [f"# 还有 {len(lines) - MAX_LOG_LINES + 1} 行 more lines"]
        return tuple(lines)


class ProbeResult(NamedTuple):
    """A verdict. `rung` is the last rung tried, the one that decided; `auth` the login scheme used ("" for none)."""

    target: str
    state: State
    rung: Rung
    reason: Reason
    steps: tuple[Step, ...]
    took_us: int
    auth: str = ""

    @property
    def outcome(self) -> Outcome:
        """The verdict as runs store it; equal ones are one object, since every point of a city holds its last."""
        key = id(self.reason), id(self.rung)  # one member each, and hashing it would run Python code
        outcome = _OUTCOMES.get(key)
        if outcome is None:
            outcome = _OUTCOMES[key] = Outcome(STATE_OF[self.reason], self.reason, self.rung)
        return outcome


def result_of(target: str, steps: tuple[Step, ...], took_us: int, auth: str) -> ProbeResult:
    """Judge by the last step: a probe stops at the first rung that fails."""
    last = steps[-1]
    return ProbeResult(target, STATE_OF[last.reason], Rung(last.name), last.reason, steps, took_us, auth)


def _printable(line: bytes) -> str:
    text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
    text = without_path_secrets(text)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= MAX_LOG_LINE else text[: MAX_LOG_LINE - 1] + "…"
