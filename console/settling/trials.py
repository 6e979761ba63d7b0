"""What-if on past quarters: one quarter after the other in the worker process, its progress seen, ended when its time is over."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from console.settling.jobs import Told, try_quarter
from console.web.visit import Visit
from monitor.finding import Finding, InputError, refuse
from settlement.contract import Terms
from settlement.store import statements
from settlement.whatif import Change, QuarterChange, WhatIf

MOST_QUARTERS = 40
MOST_AT_ONCE = 3
MOST_KEPT = 50
DEADLINE_S = 180.0
"""How long a trial may take in all."""


@dataclass
class Trial:
    """A trial under way or done. `findings` say what was left out, or why it ended."""

    key: str
    owner: str
    contract: str
    text: str
    terms: Terms
    quarters: tuple[str, ...]
    done: int = 0
    over: bool = False
    changes: list[Change] = field(default_factory=list)
    totals: list[QuarterChange] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def result(self) -> WhatIf:
        """What has been compared so far."""
        return WhatIf(tuple(self.totals), tuple(self.changes), tuple(dict.fromkeys(self.findings)))

    @property
    def most_fen(self) -> int:
        """The largest payable of them, for bars."""
        return max((max(q.payable_before_fen, q.payable_after_fen) for q in self.totals), default=1) or 1


class Trials:
    """The trials of a server, each its owner's alone; bounded in number, at once and kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Trial] = OrderedDict()

    def find(self, key: str, owner: str, contract: str) -> Trial | None:
        """Return an owner's trial of a contract."""
        found = self._known.get(key)
        return found if found is not None and (found.owner, found.contract) == (owner, contract) else None

    async def start(self, visit: Visit, contract: str, text: str, terms: Terms) -> Trial:
        """Begin a trial of a contract's past quarters under other terms. InputError where there are none, or too many at once."""
        running = [trial for trial in self._known.values() if not trial.over]
        if len(running) >= MOST_AT_ONCE or any(trial.owner == visit.person.name for trial in running):
            raise refuse("已有试算在进行 a trial is under way already", "等它完成 wait until it is done", column="text")
        quarters = await visit.read(statements.quarters, contract)
        if not quarters:
            raise refuse(
                "还没有可试算的季度 there is no statement to try it on", "先起草结算单 draft one first", column="text"
            )
        kept = tuple(quarters[-MOST_QUARTERS:])
        trial = Trial(secrets.token_hex(8), visit.person.name, contract, text, terms, kept)
        self._known[trial.key] = trial
        while len(self._known) > MOST_KEPT:
            old = next(key for key, its in self._known.items() if its.over)
            del self._known[old]
        trial.task = asyncio.create_task(_run(visit, trial))
        return trial


async def _run(visit: Visit, trial: Trial) -> None:
    url, today = visit.site.settings.url, visit.today
    try:
        async with asyncio.timeout(DEADLINE_S):
            for quarter in trial.quarters:
                told = await visit.compute(try_quarter, url, trial.contract, quarter, trial.terms, today)
                add_result(trial, told)
                trial.done += 1
    except TimeoutError:
        message = f"超过 {DEADLINE_S:g} 秒，已中止 ended, it took too long"
        trial.findings.append(Finding("", 0, "", message, "减少规则或分合同试算 try less at once"))
    finally:
        trial.over = True


def add_result(trial: Trial, told: Told[WhatIf]) -> None:
    """Add what one quarter came to."""
    if told.result is None:
        trial.findings += told.findings
        return
    trial.totals += told.result.quarters
    trial.changes += told.result.changes
    trial.findings += told.result.findings


def trials_of(visit: Visit) -> Trials:
    """Return the server's trials."""
    make: Callable[[], Trials] = Trials
    found: Trials = visit.site.more.setdefault(Trials, make())
    return found


async def tried_at_once(visit: Visit, contract: str, terms: Terms) -> WhatIf:
    """Run a whole trial and return what it came to, for programs that wait. InputError as from `start`."""
    trial = await trials_of(visit).start(visit, contract, "", terms)
    if trial.task is not None:
        await trial.task
    if not trial.totals and trial.findings:
        raise InputError(trial.findings)
    return trial.result
