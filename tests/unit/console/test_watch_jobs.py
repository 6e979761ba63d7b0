"""What the watcher makes of the ledger: the same jobs while the ledger says the same, new ones where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from console.app import watcher
from console.app.watcher import StoreOfWatch
from console.clock import EngineClock
from monitor.metrics import WatchMetrics
from monitor.points import Target
from monitor.poller import Job
from monitor.store import roster


class Ledger:
    """Stands in for the tables: what they say now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.targets: list[Target] = []
        self.upstreams: dict[str, str] = {}
        monkeypatch.setattr(watcher.roster, "each_target", lambda *_: iter(self.targets))
        monkeypatch.setattr(watcher.roster, "upstreams", lambda *_: dict(self.upstreams))

    def jobs(self, store: StoreOfWatch) -> dict[str, Job]:
        return {job.point: job for job in store.jobs()}


def test_a_job_is_made_anew_only_where_the_ledger_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(monkeypatch)
    assert watcher.roster is roster
    ledger.targets = [Target(n, f"p{n}", n, f"rtsp://10.0.0.{n}/live") for n in range(1, 6)]
    said: list[str] = []
    store = StoreOfWatch(Settings(data_dir=tmp_path), EngineClock(), WatchMetrics(), said.append)
    try:
        before = ledger.jobs(store)
        again = ledger.jobs(store)
        assert list(before) == [f"p{n}" for n in range(1, 6)]
        assert all(again[point] is before[point] for point in before)
        ledger.targets = [
            ledger.targets[0],
            Target(2, "p2", 2, "rtsp://10.0.1.2/live"),  # moved
            Target(3, "p3", 33, "rtsp://10.0.0.3/live"),  # another device
            ledger.targets[3],  # behind another switch
            Target(6, "p6", 6, "rtsp://10.0.0.6/live"),  # new, and p5 is gone
            Target(7, "p7", 7, "http://10.0.0.7/"),  # unusable
        ]
        ledger.upstreams = {"p4": "switch-7"}
        after = ledger.jobs(store)
        back = ledger.jobs(store)
    finally:
        store.close()
    assert list(after) == ["p1", "p2", "p3", "p4", "p6"]
    assert after["p1"] is before["p1"]
    assert (after["p2"].host, after["p2"].target.target.address) == ("10.0.1.2", "10.0.1.2")
    assert after["p3"].camera == "33"
    assert (before["p4"].upstream, after["p4"].upstream) == ("", "switch-7")
    assert all(back[point] is after[point] for point in after)
    assert len(said) == 2
    assert all("p7" in text for text in said)
