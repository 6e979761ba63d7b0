"""The short way from stored rows to a timeline says what the long way says, and is not taken where it would not."""

from __future__ import annotations

import pytest

from console import views
from monitor.model import Gap, Instant, Outcome, Reason, Rung, State
from monitor.served import Stays, clip_to_stays
from monitor.store.queries import PointHistory
from monitor.timeline import Policy, build

S = 1_000_000
OUTCOMES = {
    1: Outcome(State.ONLINE, Reason.OK, Rung.DESCRIBE),
    2: Outcome(State.OFFLINE, Reason.TIMEOUT, Rung.DESCRIBE),
    3: Outcome(State.UNKNOWN, Reason.AUTH_REJECTED, Rung.DESCRIBE),
}
NAMES = {7: "north", 8: "south"}


def row(vantage: int, first: int, last: int, n: int, outcome: int, camera: int | None) -> tuple[int | None, ...]:
    return (1, vantage, first * S, last * S, n, outcome, 130, camera, None, None)


ROWS = [row(7, 0, 600, 11, 1, 4), row(7, 660, 720, 2, 2, 4), row(7, 780, 1800, 18, 3, 4), row(7, 1860, 3600, 30, 1, 4)]
WHOLE: Stays = {"4": [(0, None)]}


@pytest.mark.parametrize("policy", [Policy(), Policy(confirm_samples=1), Policy(auth_rejected="offline")])
@pytest.mark.parametrize(
    "stays",
    [
        WHOLE,
        {"4": [(0, 3730 * S)]},
        {"4": [(0, 3729 * S)]},
        {"4": [(0, 3000 * S)]},
        {"4": [(1, None)]},
        {"4": [(300 * S, 700 * S), (2000 * S, None)]},
        {"5": [(0, None)]},
        {},
    ],
)
def test_a_cameras_stay_cuts_its_runs(policy: Policy, stays: Stays) -> None:
    history = PointHistory("a", ROWS, [], NAMES, OUTCOMES)  # type: ignore[arg-type]
    expected = build(clip_to_stays(history.runs, stays), [], policy)
    assert views.timeline_of(PointHistory("a", ROWS, [], NAMES, OUTCOMES), stays, policy) == expected  # type: ignore[arg-type]


def test_a_gap_or_a_second_vantage_is_heard() -> None:
    gap = Gap("north", Instant(100 * S), Instant(200 * S), "lag")
    with_gap = PointHistory("a", ROWS, [gap], NAMES, OUTCOMES)  # type: ignore[arg-type]
    assert with_gap.alone() is None
    assert views.timeline_of(with_gap, WHOLE, Policy()) == build(with_gap.runs, [gap], Policy())
    rows = [*ROWS, row(8, 660, 720, 2, 1, 4)]
    of_two = PointHistory("a", rows, [], NAMES, OUTCOMES)  # type: ignore[arg-type]
    assert of_two.alone() is None
    assert views.timeline_of(of_two, WHOLE, Policy(confirm_samples=1)).outages == ()


def test_one_vantage_alone_is_no_quorum() -> None:
    history = PointHistory("a", ROWS, [], NAMES, OUTCOMES)  # type: ignore[arg-type]
    policy = Policy(vantages="quorum", quorum=2, confirm_samples=1)
    assert views.timeline_of(history, WHOLE, policy) == build(history.runs, [], policy)
    assert views.timeline_of(history, WHOLE, policy).outages == ()
