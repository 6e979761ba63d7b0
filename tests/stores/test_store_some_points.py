"""Questions about some points say of them what the whole city's answer says, and read nothing of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from console import views
from monitor.model import Instant
from monitor.period import parse_period
from monitor.scope import EVERYTHING, Scope
from monitor.store import queries, roster
from monitor.store.database import open_database, reading
from monitor.store.exclusions import exclusions_for
from monitor.timeline import Policy
from tests import two_suppliers as city
from tests.site_app import settings_at

QUESTION = views.Question(parse_period("2020Q3"), "Asia/Shanghai", Policy())
ONLY = ("N-2", "S-1", "nobody")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings = settings_at(tmp_path_factory.mktemp("some"))
    city.seed(settings)
    found = open_database(settings.url)
    yield found
    found.dispose()


@pytest.mark.parametrize("scope", [EVERYTHING, Scope(supplier="城北承建")])
@pytest.mark.parametrize("named", [queries.MOST_NAMED, 0])  # with a few named in the query, and with too many to be
def test_some_points_are_answered_as_all_are(
    engine: Engine, scope: Scope, named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_NAMED", named)
    with reading(engine) as connection:
        whole = views.point_seconds(connection, scope, QUESTION)
        some = views.point_seconds(connection, scope, QUESTION, ONLY)
        assert some and some == [row for row in whole if row.point in ONLY]
        down = views.outages(connection, scope, QUESTION, ONLY)
        assert down == [row for row in views.outages(connection, scope, QUESTION) if row.point in ONLY]
        assert queries.codes(connection, scope, None, ONLY) == [
            row for row in queries.codes(connection, scope) if row[0] in ONLY
        ]
        stays = views.stays_of(connection, scope, None, ONLY)
        assert stays == {code: its for code, its in views.stays_of(connection, scope).items() if code in ONLY}
        excluded = exclusions_for(connection, scope, QUESTION.window_us, only=ONLY)
        assert excluded == [row for row in exclusions_for(connection, scope, QUESTION.window_us) if row.point in ONLY]
        assert views.point_seconds(connection, scope, QUESTION, ("nobody",)) == []


def test_the_others_are_not_read(engine: Engine) -> None:
    asked: list[Any] = []

    def heard(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "point_facts" in statement or "occupancies" in statement:
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", heard)
    try:
        with reading(engine) as connection:
            window = QUESTION.window_us
            roster.roster(connection, EVERYTHING, *window, only=ONLY)
            roster.occupancy(connection, EVERYTHING, Instant(0), Instant(2**62), only=ONLY)
            queries.codes(connection, Scope(supplier="城北承建"), window, ONLY)
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert len(asked) == 3
    assert all("points.code IN" in statement and "N-2" in parameters for statement, parameters in asked)
