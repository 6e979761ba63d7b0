"""The month's close as a job: every ended month of every configured contract that is not yet frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from importlib.metadata import version

from sqlalchemy import Engine

from console import views
from monitor.model import Instant
from monitor.period import Period, months_of, parse_period, quarter_of
from monitor.rates import Rate
from monitor.scope import EVERYTHING
from monitor.store.database import reading
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer
from settlement.close import Frozen, closed_periods, freeze
from settlement.contract import Terms

MAX_MONTHS = 240
ACTOR = "schedule"


def ended_months(terms: Terms, today: date) -> list[Period]:
    """Return the calendar months of the contract's term that lie wholly before `today`, oldest first."""
    start = min(phase.in_service_from for phase in terms.phases)
    if today <= start:
        return []
    last = max(phase.in_service_until for phase in terms.phases) - timedelta(days=1)
    touched = months_of(Period("", start, min(today, last)))
    months = [parse_period(f"{month.first:%Y-%m}") for month in touched]
    return [month for month in months if month.last < today][-MAX_MONTHS:]


def close_months(
    writer: Writer,
    contracts: Sequence[Terms],
    today: date,
    at: Instant,
    say: Callable[[str], None],
    stopping: Callable[[], bool],
) -> list[Frozen]:
    """Freeze what has ended and is not frozen; each month in a transaction of its own, with its audit row.

    Months are measured on a reading connection, so that results go on being stored meanwhile. `stopping` is asked
    between months; what is left is closed at the next start.
    """
    done: list[Frozen] = []
    for terms in contracts:
        with reading(writer.engine) as connection:
            closed = closed_periods(connection, terms.contract)
        for month in ended_months(terms, today):
            if stopping():
                return done
            if month.label in closed:
                continue
            frozen = close_month(writer, terms, month.label, at)
            if frozen:
                say(f"已关账 closed: {terms.contract} {month.label}")
            done += frozen
    return done


def close_month(writer: Writer, terms: Terms, label: str, at: Instant, actor: str = ACTOR) -> list[Frozen]:
    """Freeze one month of one contract, all phases or none; nothing if no phase has points, or the schedule came late."""
    with reading(writer.engine) as connection:
        rates: dict[str, Rate] = views.phase_rates(connection, EVERYTHING, terms, parse_period(label))
    if not rates:
        return []
    with writer.transaction() as connection:
        one_at_a_time(connection, f"close {terms.contract}")
        if actor == ACTOR and label in closed_periods(connection, terms.contract):
            return []  # another server's schedule was faster
        done = freeze(connection, terms, label, rates, at=at, actor=actor, software=version("camsla"))
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="month.close",
            object=f"{terms.contract} {label}",
            before=None,
            after={frozen.phase: frozen.revision for frozen in done if frozen.added},
        )
    return done


def quarter_so_far(
    engine: Engine,
    contracts: Sequence[Terms],
    today: date,
    publish: Callable[[str, str, Rate], None],
    clear: Callable[[], None] = lambda: None,
) -> None:
    """Publish each phase's rate from the running quarter's first day through yesterday; on that first day, nothing."""
    quarter = quarter_of(today)
    yesterday = today - timedelta(days=1)
    if yesterday < quarter.first:
        clear()  # last quarter's rates are not this one's
        return
    so_far = Period(f"{quarter.first}..{yesterday}", quarter.first, yesterday)
    with reading(engine) as connection:
        for terms in contracts:
            for phase, rate in views.phase_rates(connection, EVERYTHING, terms, so_far).items():
                publish(terms.contract, phase, rate)
