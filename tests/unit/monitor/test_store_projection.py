"""Step 2 of the timeline algorithm: what is one run, and what opens another."""

from __future__ import annotations

import pytest

from monitor.model import STATE_OF, Instant, Outcome, Reason, Rung, Sample, State
from monitor.store.projection import KEPT_US, Edges, OpenRun, Projection

S = 1_000_000


def outcome(reason, rung=Rung.DESCRIBE):
    return Outcome(STATE_OF[Reason(reason)], Reason(reason), rung)


def sample(second, reason="ok", *, point="a", valid_s=100, camera="", rung=Rung.DESCRIBE):
    return Sample(point, "local", Instant(round(second * S)), outcome(reason, rung), valid_s, 1, camera)


def spans(projection):
    return [(run.first / S, run.last / S, run.count) for run in projection.everything().opened]


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (sample(60), True),
        (sample(100), True),
        (sample(100.000001), False),
        (sample(60, "timeout"), False),
        (sample(60, rung=Rung.TCP), False),
        (sample(60, valid_s=101), False),
        (sample(60, camera="2"), False),
    ],
)
def test_what_continues_a_run(second, together):
    projection = Projection()
    assert projection.add(sample(0))
    assert projection.add(second) is not together
    assert len(projection.everything().opened) == (1 if together else 2)


@pytest.mark.parametrize(
    ("edge", "point", "together"),
    [
        (0, None, True),
        (0.000001, None, False),
        (60, None, False),
        (60.000001, None, True),
        (30, "a", False),
        (30, "b", True),
    ],
)
def test_an_edge_of_a_gap_between_two_samples_divides(edge, point, together):
    projection = Projection()
    projection.add(sample(0))
    projection.edges.add(round(edge * S), point)
    assert projection.add(sample(60)) is not together


def test_samples_inside_one_gap_stay_one_run():
    projection = Projection()
    for second in (0, 60, 120, 180, 240):
        if second == 60:
            projection.edges.add(30 * S)
        if second == 240:
            projection.edges.add(200 * S)
        projection.add(sample(second))
    assert spans(projection) == [(0, 0, 1), (60, 180, 3), (240, 240, 1)]


def test_a_sample_not_later_than_the_newest_changes_nothing():
    projection = Projection()
    projection.add(sample(60))
    assert not projection.add(sample(60, "timeout"))
    assert not projection.add(sample(30, "timeout"))
    assert projection.add(sample(30, "timeout", point="b"))
    assert projection.stale == 2
    assert spans(projection) == [(60, 60, 1), (30, 30, 1)]
    assert projection.floor == 60 * S


def test_transitions_say_what_was_held_before():
    projection = Projection()
    for second, reason in ((0, "ok"), (60, "timeout"), (120, "refused"), (300, "ok"), (330, "auth-rejected")):
        projection.add(sample(second, reason))
    before = [transition.before for transition in projection.everything().transitions]
    assert before == [State.UNKNOWN, State.ONLINE, State.OFFLINE, State.UNKNOWN, State.ONLINE]


def test_only_what_changed_is_handed_out_until_everything_is_asked_for():
    stored = [OpenRun(p, 0, 0, 1, outcome("ok"), 100, "", stored=True) for p in "ab"]
    projection = Projection(stored)
    projection.add(sample(60))
    projection.add(sample(60, point="b"))
    assert projection.changed() == ((), (), ())
    projection.add(sample(90, "timeout", point="b"))
    changed = projection.changed()
    assert [(r.point, r.first, r.last) for r in changed.opened] == [("b", 90 * S, 90 * S)]
    assert [(r.point, r.first, r.last, r.count) for r in changed.extended] == [("b", 0, 60 * S, 2)]
    projection.written(changed)
    assert projection.changed() == ((), (), ())
    rest = projection.everything()
    assert [(r.point, r.last) for r in rest.extended] == [("a", 60 * S)]
    assert rest.opened == ()
    projection.written(rest)
    projection.add(sample(120, "timeout", point="b"))
    assert [(r.point, r.first, r.last) for r in projection.everything().extended] == [("b", 90 * S, 120 * S)]


def test_edges_are_forgotten_when_they_can_no_longer_matter():
    projection = Projection()
    projection.edges.add(5)
    projection.edges.add(7, "a")
    projection.add(Sample("a", "local", Instant(KEPT_US + 100), outcome("ok"), 100, 1))
    projection.written(projection.everything())
    assert projection.edges == Edges()
