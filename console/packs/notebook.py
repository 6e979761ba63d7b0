"""Where a check writes down what it finds, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.packs.report import STEPS, Outcome, PhaseFigures, Report, Step, Witness

MOST = 200
"""So many failures of a step are kept; further ones are counted."""
UNREACHED = "未检查：前面的步骤不成立 not reached: an earlier step does not hold"


@dataclass(slots=True)
class Notebook:
    """Findings in the making. A step that nothing was said of was not reached."""

    details: dict[int, str] = field(default_factory=dict)
    failures: dict[int, list[str]] = field(default_factory=dict)
    more: dict[int, int] = field(default_factory=dict)
    left: dict[int, list[str]] = field(default_factory=dict)
    witnesses: list[Witness] = field(default_factory=list)
    phases: list[PhaseFigures] = field(default_factory=list)
    total_fen: int | None = None
    facts: dict[str, object] = field(default_factory=dict)

    def say(self, step: int, detail: str) -> None:
        """Say what a step looked at; it then passes unless something fails."""
        self.details[step] = detail

    def fail(self, step: int, where: str, what: str) -> None:
        """Note what does not hold, and where."""
        known = self.failures.setdefault(step, [])
        if len(known) < MOST:
            known.append(f"{where}: {what}" if where and not what.startswith(f"{where}:") else what)
        else:
            self.more[step] = self.more.get(step, 0) + 1

    def leave(self, step: int, what: str) -> None:
        """Note what could not be recomputed."""
        self.left.setdefault(step, []).append(what)

    def failed(self, *steps: int) -> bool:
        """Tell whether one of the steps does not hold."""
        return any(step in self.failures for step in steps)

    def report(self) -> Report:
        """Return all of it."""
        steps = []
        for n in STEPS:
            outcome: Outcome = "failed" if n in self.failures else "open" if n in self.left else "ok"
            told = self.details.get(n, "")
            if n in self.failures:
                count = len(self.failures[n]) + self.more.get(n, 0)
                told = f"{count:,} 处不符 do not hold；{self.failures[n][0]}"
            elif n in self.left:
                told = "；".join(filter(None, (told, self.left[n][0])))
            elif n not in self.details:
                outcome, told = "open", UNREACHED
            steps.append(Step(n, outcome, told))
        failures = [text for n in STEPS for text in self.failures.get(n, ())]
        failures += [f"另有 {count:,} 处 {count:,} more in step {n}" for n, count in self.more.items()]
        return Report(
            tuple(steps),
            tuple(failures),
            tuple(text for n in STEPS for text in self.left.get(n, ())),
            tuple(self.witnesses),
            tuple(self.phases),
            self.total_fen,
            dict(self.facts),
        )
