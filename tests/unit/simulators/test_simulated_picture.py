"""The fake cameras' H.264 parameter sets, read back bit by bit."""

from __future__ import annotations

import base64
import re

from simulators.h264 import format_parameters


class Reader:
    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data)

    def u(self, width: int) -> int:
        value, self.bits = int(self.bits[:width], 2), self.bits[width:]
        return value

    def ue(self) -> int:
        zeros = self.bits.index("1")
        return self.u(2 * zeros + 1) - 1


def test_parameter_sets_describe_a_baseline_picture_of_320_by_240():
    match = re.fullmatch(
        r"packetization-mode=1;profile-level-id=([0-9A-F]{6});sprop-parameter-sets=([^,]+),([^,]+)", format_parameters()
    )
    assert match
    sps, pps = (base64.b64decode(text) for text in match.groups()[1:])
    assert sps[0] == 0x67
    assert sps[1:4].hex().upper() == match[1] == "42C01E"
    reader = Reader(sps[4:])
    fields = [reader.ue() for _ in range(4)]
    assert fields == [0, 0, 2, 0]
    reader.u(1)
    assert ((reader.ue() + 1) * 16, (reader.ue() + 1) * 16) == (320, 240)
    assert reader.u(4) == 0b1100
    assert reader.bits.rstrip("0") == "1"

    assert pps[0] == 0x68
    reader = Reader(pps[1:])
    assert [reader.ue(), reader.ue(), reader.u(2), reader.ue(), reader.ue(), reader.ue(), reader.u(3)] == [0] * 7
    assert [reader.ue(), reader.ue(), reader.ue(), reader.u(3)] == [0, 0, 0, 4]
    assert reader.bits.rstrip("0") == "1"
