"""Every family that is published is documented, and the other way round; labels of the live ones are closed."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import generate_latest

from monitor.metrics import Condition, WatchMetrics
from monitor.model import State

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def published() -> str:
    metrics = WatchMetrics()
    metrics.watch(
        Condition(
            lambda: {State.ONLINE: 7},
            lambda: (0.5, 1.5),
            lambda: 3,
            lambda: 11,
            lambda: 0,
            lambda: False,
            lambda: {"up": 5, "down": 2, "unknown": 1},
            lambda: (13, 17),
            lambda: 19,
        )
    )
    return generate_latest(metrics.registry).decode()


def test_the_document_names_every_family_and_no_other() -> None:
    families = set(re.findall(r"^# TYPE (camsla_\w+) ", published(), re.M))
    families = {family for family in families if not family.endswith("_created")}
    documented = set(re.findall(r"^\| `(camsla_\w+)`", DOCUMENT.read_text(encoding="utf-8"), re.M))
    assert families == documented


def test_the_condition_is_published_as_it_is() -> None:
    lines = published().splitlines()
    for line in (
        'camsla_upstreams{state="up"} 5.0',
        'camsla_upstreams{state="down"} 2.0',
        'camsla_upstreams{state="unknown"} 1.0',
        "camsla_notices_waiting 13.0",
        "camsla_notices_joined_total 17.0",
        "camsla_results_given_up_total 19.0",
        "camsla_results_waiting 11.0",
    ):
        assert line in lines
