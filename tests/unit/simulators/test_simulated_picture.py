"""The fake cameras' picture: parameter sets read back bit by bit, the rest by FFmpeg's decoders."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence

import av
import pytest

from simulators import jpeg, picture
from simulators.h264 import MACROBLOCKS, format_parameters, key_picture, next_picture


class Reader:
    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data)

    def u(self, width: int) -> int:
        value, self.bits = int(self.bits[:width], 2), self.bits[width:]
        return value

    def ue(self) -> int:
        zeros = self.bits.index("1")
        return self.u(2 * zeros + 1) - 1


def test_parameter_sets_describe_a_baseline_picture_of_64_by_48():
    match = re.fullmatch(
        r"packetization-mode=1;profile-level-id=([0-9A-F]{6});sprop-parameter-sets=([^,]+),([^,]+)", format_parameters()
    )
    assert match
    sps, pps = (base64.b64decode(text) for text in match.groups()[1:])
    assert sps[0] == 0x67
    assert sps[1:4].hex().upper() == match[1] == "42C01E"
    reader = Reader(sps[4:])
    fields = [reader.ue() for _ in range(4)]
    assert fields == [0, 0, 2, 1]
    reader.u(1)
    assert ((reader.ue() + 1) * 16, (reader.ue() + 1) * 16) == (64, 48)
    assert reader.u(4) == 0b1100
    assert reader.bits.rstrip("0") == "1"

    assert pps[0] == 0x68
    reader = Reader(pps[1:])
    assert [reader.ue(), reader.ue(), reader.u(2), reader.ue(), reader.ue(), reader.ue(), reader.u(3)] == [0] * 7
    assert [reader.ue(), reader.ue(), reader.ue(), reader.u(3)] == [0, 0, 0, 4]
    assert reader.bits.rstrip("0") == "1"


def decoded(reel: Sequence[Sequence[bytes]]) -> Iterator[list[float]]:
    """Decode access units; yield each picture's mean luma, place by place."""
    stream = b"".join(b"\x00\x00\x00\x01" + unit for units in reel for unit in units)
    with av.open(io.BytesIO(stream), format="h264") as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            rows = [bytes(plane)[y * plane.line_size :][:64] for y in range(48)]
            blocks = ((16 * (n // 4), 16 * (n % 4)) for n in range(MACROBLOCKS))
            yield [sum(sum(row[x : x + 16]) for row in rows[y : y + 16]) / 256 for y, x in blocks]


@pytest.mark.parametrize("variant", range(picture.VARIANTS))
def test_a_decoder_sees_every_picture_of_the_film_to_the_byte(variant):
    film = picture.film(variant)
    live, still = list(decoded(film.live)), list(decoded(film.still))
    assert len(live) == len(still) == picture.PERIOD
    for number, shown in enumerate(live):
        assert shown == [picture.luma(place, number, variant) for place in range(MACROBLOCKS)]
    assert all(shown == live[0] for shown in still)
    assert live[0] != live[1] != live[2]


def test_variants_differ_and_incomplete_pictures_are_refused():
    grounds = {picture.film(variant).live[0] for variant in range(picture.VARIANTS)}
    assert len(grounds) == picture.VARIANTS
    with pytest.raises(ValueError, match="every macroblock"):
        key_picture([b""], 0)
    with pytest.raises(ValueError, match="384 bytes"):
        next_picture({3: b"short"}, 1)


def test_no_start_code_appears_inside_a_unit():
    dark = [bytes(384)] * MACROBLOCKS
    for unit in (key_picture(dark, 0), next_picture({0: dark[0], 11: dark[0]}, 1)):
        assert not re.search(rb"\x00\x00[\x00-\x02]", unit)


@pytest.mark.parametrize(
    "levels", [[[0, 255], [128, 127]], [[(7 * x * y + 3) % 256 for x in range(8)] for y in range(6)], [[255]]]
)
def test_a_decoder_sees_the_snapshot_as_it_was_meant(levels):
    with av.open(io.BytesIO(jpeg.encode(levels)), format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
    plane = bytes(frame.planes[0])
    assert (frame.width, frame.height) == (8 * len(levels[0]), 8 * len(levels))
    for y in range(frame.height):
        row = plane[y * frame.planes[0].line_size :][: frame.width]
        assert list(row) == [level for level in levels[y // 8] for _ in range(8)]
