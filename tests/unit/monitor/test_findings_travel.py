"""A refusal that comes back from a worker process says as much as one that did not leave."""

from __future__ import annotations

import pickle

from monitor.finding import Finding, InputError
from settlement.doubts import Doubt, DoubtfulError


def test_findings_survive_the_way_from_a_worker() -> None:
    error = InputError(
        [Finding("a.csv", 3, "rate", "不是数 not a number", "改正 correct it"), Finding("", 0, "", "x", "y")]
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is InputError
    assert again.findings == error.findings
    assert str(again) == str(error)


def test_a_doubtful_close_keeps_its_doubts() -> None:
    error = DoubtfulError([Doubt("coverage", "phase-1", "2020-07", "不足 too little", (("P1", 3_600),))])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DoubtfulError
    assert (again.doubts, again.findings) == (error.doubts, error.findings)
