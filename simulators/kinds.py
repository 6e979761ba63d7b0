"""The names of the faults: what each does to the truth, to the listeners, and to a picture under way.

`state` is what a faithful watcher of the video has to say while the fault is in force:

- a frozen picture is `online`: the stream is there; the truth file's `fault` column says that it is frozen;
- a camera that refuses one transport is `online` by the other;
- a clock, an ONVIF service or a name gone wrong leaves the video as it is: `online`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_CAMERAS = frozenset({"cameras", "switches", "suppliers"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One fault. `line`: the listeners are as ever, closed (refused), or dead (nothing comes back at all).

    `media`: what a client that plays gets. `concerns`: what an event with this fault may select.
    """

    state: Literal["online", "offline", "unknown"]
    meaning: str
    line: Literal["open", "closed", "dead"] = "open"
    media: Literal["live", "still", "none"] = "none"
    concerns: frozenset[str] = _CAMERAS


KINDS: Mapping[str, Kind] = {
    "refuse": Kind("offline", "the listeners are closed; connections in progress are cut", "closed"),
    "reboot": Kind("offline", "like refuse; nonces, sessions, bad logins and the clock are lost", "closed"),
    "silent": Kind("offline", "accepts connections and never says a byte"),
    "hang": Kind("offline", "answers OPTIONS, never anything else"),
    "reset": Kind("offline", "resets the connection on the first request"),
    "drip": Kind("offline", "sends each reply one byte a second"),
    "404": Kind("offline", "DESCRIBE is answered 404"),
    "redirect": Kind("offline", "DESCRIBE is answered 302 to the trap, an address that is nobody's"),
    "malformed": Kind("offline", "answers what is neither RTSP nor HTTP, or cuts the reply short"),
    "oversized": Kind("offline", "DESCRIBE is answered with up to 1 GiB of body or of header lines; so is ONVIF"),
    "no-media": Kind("offline", "PLAY is answered 200 and nothing is sent"),
    "401": Kind("unknown", "every password is wrong", media="live"),
    "lock-out": Kind("unknown", "too many bad logins: 401 for everyone", media="live"),
    "slow": Kind("online", "answers correctly, 1.5 s late", media="live"),
    "461": Kind("online", "SETUP over the RTSP connection is answered 461; UDP works", media="live"),
    "udp-broken": Kind("online", "what is sent over UDP never arrives; TCP works", media="live"),
    "frozen": Kind("online", "the same picture again and again", media="still"),
    "skew": Kind("online", "the clock is off by offset_s", media="live"),
    "off-host": Kind("online", "ONVIF addresses, stream and snapshot address name the trap", media="live"),
    "off-host-control": Kind("online", "Content-Base and track control of DESCRIBE name the trap", media="live"),
    "onvif-malformed": Kind("online", "ONVIF is answered with what is neither HTTP nor SOAP", media="live"),
    "onvif-oversized": Kind("online", "ONVIF is answered with up to 1 GiB", media="live"),
    "replaced": Kind("online", "another device answers: other serial number, other hardware addresses", media="live"),
    "switch-down": Kind(
        "offline", "a switch and every camera behind it are dead", "dead", concerns=frozenset({"switches"})
    ),
    "ring-down": Kind(
        "offline", "all of a supplier is dead: cameras, switches, controls", "dead", concerns=frozenset({"suppliers"})
    ),
    "control-down": Kind("offline", "control targets are dead", "dead", concerns=frozenset({"controls"})),
}

RANDOM_KINDS = tuple(
    name for name, kind in KINDS.items() if kind.concerns == _CAMERAS and name not in {"skew", "lock-out"}
)
"""The faults that may befall a camera by chance: those of one camera that need no further word."""
