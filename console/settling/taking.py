"""A step as it is asked for, on a page or by a program: taken by the product's own functions, or told who was faster."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from console.quarters.overtaken import OvertakenError, Seen
from console.quarters.statement_life import Action, Outcome, Paper, issue, link, reconcile, take
from console.web.faults import ConflictError
from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.life import STATE_ZH


class Asked(NamedTuple):
    """Who asks for which step of which statement; `seen` is its revision and number of steps when they decided, if known."""

    contract: str
    quarter: str
    word: str
    actor: str
    at: Instant
    today: date
    reason: str = ""
    seen: tuple[int, int] | None = None
    paper: tuple[bytes, str] | None = None

    @property
    def action(self) -> Action:
        """The same as the product takes it."""
        return Action(
            self.contract,
            self.quarter,
            self.actor,
            self.at,
            self.today,
            self.reason.strip(),
            None if self.paper is None else Paper(*self.paper),
            None if self.seen is None else Seen(*self.seen),
        )


def take_step_asked(writer: Writer, asked: Asked) -> Outcome:
    """Take the step. ConflictError that names who was faster; InputError with all that speaks against it."""
    action = asked.action
    try:
        match asked.word:
            case "reconcile":
                return reconcile(writer, action)
            case "check" | "review" | "approve":
                return link(writer, action, (asked.word,))
            case "issue":
                return issue(writer, action)
            case _:
                return take(writer, action, asked.word)
    except OvertakenError as error:
        raise ConflictError(str(error.findings[0].message)) from None


def take_word(writer: Writer, asked: Asked) -> str:
    """Take the step and return the state that it leads to, a message id."""
    return STATE_ZH[take_step_asked(writer, asked).life.state]
