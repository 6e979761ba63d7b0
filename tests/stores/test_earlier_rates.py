"""Escalations and breaches count the rates that paid: those of months before the quarter by the same clause."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from console.quarters import record
from monitor.store.database import reading
from settlement.authority import Figure
from settlement.daycount import Quarter
from settlement.store import authority as files
from tests.stores.quarters import CONTRACT, NOW, POINTS, contract, instant, observe, terms

BREACH = [{"below": "0.90", "consecutive": 4, "text": "通知"}]


def theirs(writer, name: str, at, **rates: int) -> None:
    """A checked file of the authority's: `m2020_08=80` is 80 % in August."""
    figures = [
        Figure("p", "", "", "", label[1:].replace("_", "-"), rate, 100, "share", None, f"{rate}%", 3)
        for label, rate in rates.items()
    ]
    sha = hashlib.sha256(name.encode()).hexdigest()
    imported = files.Imported(
        sha,
        contract=CONTRACT,
        name=name,
        reference="文",
        received_on="2021-01-05",
        mapping="m@1",
        typed=False,
        replaces=False,
        scan_sha=None,
        notes=(),
        figures=figures,
    )
    with writer.transaction() as connection:
        stored, _ = files.add_file(connection, imported, at=at, actor="甲")
        files.check_file(connection, stored, at=at, actor="乙")


def watched(store, **clause):
    facts = {"contract": CONTRACT, "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    store.add_points(*POINTS, **facts)
    writer = store.writer()
    observe(writer, *((point, "2020-07-01T00:00:00", "2021-01-01T00:10:00", "ok") for point in POINTS))
    found = terms(authority=clause, breaches=BREACH)
    contract(writer, found)
    return writer, found


def earlier(store, found, known_at=None, today=date(2021, 7, 5)):
    with reading(store.engine) as connection:
        facts = record.read(connection, found, Quarter(2020, 4), today, known_at).facts["p"]
    months = [*facts.earlier, *facts.months]
    return {m.month: (None if m.rate is None else (float(m.rate.value), m.rate.source)) for m in months}


def test_the_authority_s_months_count_where_it_pays(store):
    writer, found = watched(store, pays="authority", if_missing="wait")
    theirs(writer, "Q3", NOW, m2020_07=70, m2020_08=80, m2020_09=85)
    theirs(writer, "Q4", NOW, m2020_10=86, m2020_11=87, m2020_12=88)
    rates = earlier(store, found)
    assert [rates[f"2020-{n:02}"] for n in (8, 9, 10, 12)] == [
        (0.8, "authority"),
        (0.85, "authority"),
        (0.86, "authority"),
        (0.88, "authority"),
    ]


def test_what_came_later_was_not_known(store):
    writer, found = watched(store, pays="authority", if_missing="provisional-own", by_day=10)
    late = instant("2021-07-06T09:00:00")
    theirs(writer, "Q3", late, m2020_07=70, m2020_08=80, m2020_09=85)
    assert earlier(store, found, NOW)["2020-09"] == (1.0, "measured")
    assert earlier(store, found, late)["2020-09"] == (0.85, "authority")


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ({"pays": "own"}, (1.0, "measured")),
        ({"pays": "lower"}, (0.85, "authority")),
        ({"pays": "higher"}, (1.0, "measured")),
    ],
)
def test_the_clause_chooses(store, clause, expected):
    writer, found = watched(store, **clause)
    theirs(writer, "Q3", NOW, m2020_07=70, m2020_08=80, m2020_09=85)
    assert earlier(store, found)["2020-09"] == expected


@pytest.mark.parametrize("missing", ["wait", "prepay-only"])
def test_a_month_of_which_no_rate_pays_has_none(store, missing):
    _, found = watched(store, pays="authority", if_missing=missing)
    assert earlier(store, found)["2020-09"] is None
