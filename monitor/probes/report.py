"""A probe's result as the JSON object that `camsla probe --json` prints."""

from __future__ import annotations

from typing import Any

from monitor.probes.result import ProbeResult


def result_json(result: ProbeResult) -> dict[str, Any]:
    """Return `{"target", "state", "rung", "reason", "rungs": [{"name", "ok", "reason", "ms", "log"}…]}`."""
    return {
        "target": result.target,
        "state": result.state.value,
        "rung": result.rung.value,
        "reason": result.reason.value,
        "rungs": [
            {"name": step.name, "ok": step.ok, "reason": step.reason.value, "ms": step.ms, "log": list(step.log)}
            for step in result.steps
        ],
    }
