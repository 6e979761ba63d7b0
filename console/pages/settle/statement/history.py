"""What became of a statement: its revisions and their differences, what was known on a day, its trail, its money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from console.audit_words import action_word, field_word, origin_word, value_word
from console.pages.settle.statement.frame import tabs
from console.pages.settle.statement.shown import statement_of
from console.settling.jobs import known_on, needed_today, recompute
from console.settling.money import money_of
from console.settling.page import KINDS, address
from console.settling.trail import revision_difference, trail
from console.web.access import MONEY_READERS
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from settlement.disputes import DECISION_ZH
from settlement.ledger import TITLES
from settlement.life import STATE_ZH, STEP_ZH, State
from settlement.store.statements import document_lines

routes = Routes()
AT = "/settlement/{contract}/{quarter}"


class HistoryQuery(BaseModel):
    """Which revisions are compared, on which day something was known, and whether today's needs are asked."""

    model_config = ConfigDict(extra="ignore")

    one: Annotated[int, Field(ge=0)] | None = None
    other: Annotated[int, Field(ge=0)] | None = None
    on: date | None = None
    today: bool = False
    check: bool = False


@routes.page(f"{AT}/history", allow=MONEY_READERS, section="settlement")
async def history(visit: Visit) -> Any:
    """Revisions, steps, audit rows; on demand a difference, a day's knowledge, today's needs, a recomputation."""
    found = await statement_of(visit)
    query = visit.query(HistoryQuery)
    head, url = found.head, visit.site.settings.url
    told: dict[str, Any] = {"difference": None, "known": None, "needed": None, "checked": None, "findings": ()}
    try:
        if query.one is not None and query.other is not None:
            told["difference"] = await visit.read(
                revision_difference, head.contract, head.quarter, query.one, query.other
            )
        if query.on is not None:
            end = Instant(midnight(query.on + timedelta(days=1), found.terms.zone) * MICROSECONDS - 1)
            told["known"] = (await visit.compute(known_on, url, head.contract, head.quarter, end)).required()
        if query.today and found.life.final:
            told["needed"] = (
                await visit.compute(needed_today, url, head.contract, head.quarter, visit.today)
            ).required()
        if query.check:
            told["checked"] = await visit.compute(recompute, url, head.contract, head.quarter, head.revision)
    except InputError as error:
        told["findings"] = error.findings
    return visit.render(
        "settle/statement_history.html",
        s=found,
        tabs=tabs(found, "history", visit.say),
        query=query,
        rows=await visit.read(trail, found.head.contract, found.head.quarter),
        kinds=KINDS,
        lines_of=document_lines,
        step_zh=STEP_ZH,
        action_word=action_word,
        origin_word=origin_word,
        field_word=field_word,
        value_word=said_value,
        address=address,
        **told,
    )


def said_value(name: str, value: str, say: Callable[[str], str]) -> str:
    """Return a value of the trail: states and decisions in words."""
    if name == "state" and value in set(State):
        return say(STATE_ZH[State(value)])
    if name == "decision" and value in DECISION_ZH:
        return say(DECISION_ZH[value])
    return value_word(name, value, say)


@routes.page(f"{AT}/money", allow=MONEY_READERS, section="settlement")
async def money(visit: Visit) -> Any:
    """What the statement owes and when, what it prepays and keeps back, its adjustments, its journal entries."""
    found = await statement_of(visit)
    return visit.render(
        "settle/statement_money.html",
        s=found,
        tabs=tabs(found, "money", visit.say),
        money=await visit.read(money_of, found.head, found.terms),
        kinds=KINDS,
        titles=TITLES,
        address=address,
    )
