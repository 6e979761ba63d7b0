"""Drafts being made: each goes on although its asker may leave, is seen as it moves, and is kept once it is computed."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from console.quarters.progress import UNSEEN, Progress, Slate, slate
from console.quarters.quarter import Drafted, Order, keep
from console.settling.jobs import compute_draft
from console.web.visit import Visit
from monitor.finding import Finding, InputError, refuse
from settlement.doubts import Doubt, DoubtfulError

WAIT_S = 2.0
"""How long the form waits before it goes to where progress is seen."""
MOST_AT_ONCE = 4
MOST_KEPT = 50


@dataclass
class Drafting:
    """A draft under way or over: `made` if it was kept, else `findings`, of which `doubts` can be overridden; or `failed`
    where something broke. `values` are what its form had."""

    key: str
    owner: str
    contract: str
    quarter: str
    values: Mapping[str, str]
    at: int
    slate: Slate = UNSEEN
    over: bool = False
    made: Drafted | None = None
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    failed: BaseException | None = None
    task: asyncio.Task[None] | None = None

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self.slate.seen()


class Draftings:
    """The drafts of a server, bounded in number, at once and kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Drafting] = OrderedDict()

    def find(self, key: str, contract: str, quarter: str) -> Drafting | None:
        """Return a draft of a quarter by its key."""
        found = self._known.get(key)
        return found if found is not None and (found.contract, found.quarter) == (contract, quarter) else None

    def under_way(self, contract: str, quarter: str) -> Drafting | None:
        """Return the draft of a quarter that is being made."""
        its = (d for d in self._known.values() if not d.over and (d.contract, d.quarter) == (contract, quarter))
        return next(its, None)

    def start(self, visit: Visit, order: Order, values: Mapping[str, str]) -> Drafting:
        """Begin a draft. InputError where too many are under way, or somebody else drafts the quarter."""
        quarter = order.quarter.label
        now = self.under_way(order.contract, quarter)
        if now is not None:
            raise refuse(f"{now.owner} 正在起草 {now.owner} is drafting it", "等它完成 wait until it is done")
        if sum(not its.over for its in self._known.values()) >= MOST_AT_ONCE:
            raise refuse("同时起草的太多 too many drafts at once", "稍后再试 try again later")
        made = Drafting(secrets.token_hex(8), visit.person.name, order.contract, quarter, values, visit.at)
        self._known[made.key] = made
        while len(self._known) > MOST_KEPT:
            del self._known[next(key for key, its in self._known.items() if its.over)]
        made.task = asyncio.create_task(_run(visit, order, made))
        return made


async def _run(visit: Visit, order: Order, draft: Drafting) -> None:
    try:
        with slate() as draft.slate:
            told = await visit.compute(compute_draft, visit.site.settings.url, order, visit.today, draft.slate)
        draft.made = await visit.write(keep, order, told.required(), at=visit.at, actor=draft.owner)
    except DoubtfulError as error:
        draft.findings, draft.doubts = error.findings, tuple(error.doubts)
    except InputError as error:
        draft.findings = error.findings
    except Exception as error:
        draft.failed = error
    finally:
        draft.over = True


def draftings_of(visit: Visit) -> Draftings:
    """Return the server's drafts."""
    found: Draftings = visit.site.more.setdefault(Draftings, Draftings())
    return found


async def waited(draft: Drafting, wait_s: float = WAIT_S) -> Drafting:
    """Wait a moment for a draft, and raise what broke in it, if anything did."""
    if draft.task is not None:
        await asyncio.wait([draft.task], timeout=wait_s)
    if draft.failed is not None:
        raise draft.failed
    return draft
