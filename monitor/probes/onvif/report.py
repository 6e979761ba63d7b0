"""Liveness and identity as the JSON object that `camsla probe --onvif --json` prints."""

from __future__ import annotations

from typing import Any

from monitor.probes.onvif.identity import Identity
from monitor.probes.onvif.liveness import Liveness
from monitor.probes.report import result_json


def onvif_json(live: Liveness, identity: Identity | None) -> dict[str, Any]:
    """Return result_json()'s object with `clock_offset_s`, `time_zone` and `identity` (null if it was not asked)."""
    return {
        **result_json(live.result),
        "clock_offset_s": live.clock_offset_s,
        "time_zone": live.zone,
        "identity": None if identity is None else identity_json(identity),
    }


def identity_json(identity: Identity) -> dict[str, Any]:
    """Return an identity as JSON; `missing` maps each part that could not be had to its reason."""
    return {
        "reason": identity.reason.value,
        "make": identity.make,
        "model": identity.model,
        "firmware": identity.firmware,
        "serial": identity.serial,
        "hardware_id": identity.hardware_id,
        "macs": list(identity.macs),
        "profiles": [
            {"token": p.token, "name": p.name, "encoding": p.encoding, "width": p.width, "height": p.height}
            for p in identity.profiles
        ],
        "stream_uri": identity.stream_uri,
        "stream_off_host": identity.stream_off_host,
        "off_host": list(identity.off_host),
        "clock_offset_s": identity.clock_offset_s,
        "auth": identity.auth,
        "auth_checked": identity.auth_checked,
        "missing": {part: reason.value for part, reason in identity.missing},
        "notes": list(identity.notes),
    }
