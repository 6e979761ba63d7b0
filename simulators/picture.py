"""What the fake cameras show: a bright square wandering over a textured ground, as H.264 units and as pixels.

The picture has 12 places, one macroblock each; the square stands on one of them and steps on with every picture. Every
`GROUP` pictures a key picture begins anew. Cameras differ by `variant`, the ground's brightness.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from simulators.h264 import MACROBLOCKS, key_picture, next_picture, picture_parameters, sequence_parameters

PICTURES_PER_S = 5
GROUP = 5
"""Pictures from one key picture to the next: one second."""
PERIOD = 60
"""Pictures until the film repeats; a multiple of GROUP, of MACROBLOCKS, and an even number of groups."""
VARIANTS = 8
_BRIGHT = 230


class Film(NamedTuple):
    """A camera's endless film: access units by picture number modulo PERIOD; `still` is the same without motion."""

    live: tuple[tuple[bytes, ...], ...]
    still: tuple[tuple[bytes, ...], ...]


@lru_cache(maxsize=VARIANTS)
def film(variant: int) -> Film:
    """Return the film of a variant, 0..VARIANTS - 1; made once, about 100 kB."""
    head = (sequence_parameters(), picture_parameters())
    live: list[tuple[bytes, ...]] = []
    still: list[tuple[bytes, ...]] = []
    frozen = [_macroblock(place, variant, lit=place == 0) for place in range(MACROBLOCKS)]
    for number in range(PERIOD):
        lit = number % MACROBLOCKS
        in_group = number % GROUP
        if in_group == 0:
            identity = number // GROUP % 2
            shown = [_macroblock(place, variant, lit=place == lit) for place in range(MACROBLOCKS)]
            live.append((*head, key_picture(shown, identity)))
            still.append((*head, key_picture(frozen, identity)))
        else:
            before = (lit - 1) % MACROBLOCKS
            changed = {place: _macroblock(place, variant, lit=place == lit) for place in (before, lit)}
            live.append((next_picture(changed, in_group),))
            still.append((next_picture({}, in_group),))
    return Film(tuple(live), tuple(still))


def ground(place: int, variant: int) -> int:
    """Return the ground's mean luma at a place."""
    return 40 + 8 * place + 6 * variant


def luma(place: int, number: int, variant: int) -> int:
    """Return the mean luma of a place in a picture."""
    return _BRIGHT if place == number % MACROBLOCKS else ground(place, variant)


def _macroblock(place: int, variant: int, *, lit: bool) -> bytes:
    level = _BRIGHT if lit else ground(place, variant)
    # A texture, so that no detector takes the ground for a covered lens: ±12 about the mean, in a weave.
    texture = bytes(level + (12 if (x ^ y) & 2 else -12) for y in range(16) for x in range(16))
    chroma = bytes([112 + 2 * place]) * 64 + bytes([144 - 2 * variant]) * 64
    return texture + chroma
