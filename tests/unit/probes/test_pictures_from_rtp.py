"""Key frames put together from packets are the ones a real encoder made, and they decode; damaged ones are given up."""

from __future__ import annotations

import random

import pytest

from monitor.probes import jpeg
from monitor.probes.decoder import look
from monitor.probes.frame import collector_of
from monitor.probes.nal import H264, H265, MAX_PICTURE, Collector
from monitor.probes.rtp import parse
from monitor.probes.sdp import Track
from tests.servers.clip import encoded
from tests.servers.rtp import jpeg_parts, packet, packets, units

ENCODING = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}
CODECS = sorted(ENCODING)
STREAMS = {codec: encoded(codec, 160, 128) for codec in CODECS}


def collector(codec: str, parameters: dict[str, str] | None = None) -> Collector:
    made = collector_of(Track({96: ENCODING[codec]}, {96: parameters or {}}), 96)
    assert made is not None
    return made


def collected(made: Collector, data: list[bytes]) -> list[bytes]:
    keys = []
    for piece in data:
        parsed = parse(piece)
        assert parsed is not None
        if (key := made.push(parsed)) is not None:
            keys.append(key)
    return keys


@pytest.mark.parametrize("size", [40, 400, 60_000])
@pytest.mark.parametrize("codec", CODECS)
def test_every_key_frame_comes_out_and_decodes(codec: str, size: int) -> None:
    made = collector(codec)
    keys = collected(made, list(packets(codec, STREAMS[codec], size=size)))
    assert len(keys) == {"mjpeg": 10}.get(codec, 2)
    assert made.spoiled == 0
    for key in keys:
        answer, _ = look(codec, key, 0)
        assert answer == {"width": 160, "height": 128, "error": ""}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_key_frame_holds_the_encoders_own_units(codec: str) -> None:
    [key] = collected(collector(codec), list(packets(codec, STREAMS[codec][:2])))
    known = set(units(STREAMS[codec][0]))
    assert set(units(key)) <= known
    assert len(units(key)) >= 3


def test_a_jpeg_file_is_rebuilt_to_the_byte_in_its_scan() -> None:
    [file] = collected(collector("mjpeg"), list(packets("mjpeg", STREAMS["mjpeg"][:1])))
    assert jpeg_parts(file) == jpeg_parts(STREAMS["mjpeg"][0])


def test_the_huffman_tables_are_those_an_encoder_writes() -> None:
    written = STREAMS["mjpeg"][0]
    for table in (jpeg._DC_LUMA, jpeg._AC_LUMA, jpeg._DC_CHROMA, jpeg._AC_CHROMA):
        assert table in written


def test_quantisation_tables_by_quality() -> None:
    assert jpeg.quantisation(50)[:8] == bytes([16, 11, 12, 14, 12, 10, 16, 14])  # annex K, in zigzag order
    assert jpeg.quantisation(50)[64:68] == bytes([17, 18, 18, 24])
    assert jpeg.quantisation(99) == bytes(max(1, (v * 2 + 50) // 100) for v in jpeg.quantisation(50))
    assert set(jpeg.quantisation(1)) == {255}


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_with_a_packet_missing_is_given_up_and_the_next_is_taken(codec: str) -> None:
    whole = list(packets(codec, STREAMS[codec], size=200))
    made = collector(codec)
    keys = collected(made, whole[:1] + whole[2:])
    assert len(keys) == {"mjpeg": 9}.get(codec, 1)
    assert made.spoiled >= 1
    assert all(not look(codec, key, 0)[0]["error"] for key in keys)


@pytest.mark.parametrize("codec", CODECS)
def test_coming_in_the_middle_of_a_picture(codec: str) -> None:
    whole = list(packets(codec, STREAMS[codec], size=100))
    keys = collected(collector(codec), whole[2:])
    assert all(not look(codec, key, 0)[0]["error"] for key in keys)
    assert len(keys) == {"mjpeg": 9}.get(codec, 1)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_parameter_sets_from_the_description_alone(codec: str) -> None:
    import base64

    names = {"h264": {7: "sprop-parameter-sets", 8: ""}, "hevc": {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}}
    parameters: dict[str, list[str]] = {}
    slices = b""
    for unit in units(STREAMS[codec][0]):
        kind = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
        if kind in names[codec]:
            name = names[codec][kind] or "sprop-parameter-sets"
            parameters.setdefault(name, []).append(base64.b64encode(unit).decode())
        else:
            slices += b"\x00\x00\x01" + unit
    made = collector(codec, {name: ",".join(sets) for name, sets in parameters.items()})
    [key] = collected(made, list(packets(codec, [slices])))
    assert look(codec, key, 0)[0]["error"] == ""
    [bare] = collected(collector(codec), list(packets(codec, [slices])))
    assert look(codec, bare, 0)[0]["error"] != ""


def test_parameter_sets_sent_on_their_own_with_a_marker_are_kept() -> None:
    first = units(STREAMS["h264"][0])
    sets = [unit for unit in first if unit[0] & 0x1F in {7, 8}]
    rest = b"".join(b"\x00\x00\x01" + unit for unit in first if unit not in sets)
    data = [packet(seq, unit, timestamp=1, marker=True) for seq, unit in enumerate(sets)]
    data += list(packets("h264", [rest], seq=len(sets)))
    [key] = collected(collector("h264"), data)
    assert look("h264", key, 0)[0]["error"] == ""


def test_without_markers_the_next_timestamp_ends_a_picture() -> None:
    whole = [bytes([p[0], p[1] & 0x7F]) + p[2:] for p in packets("h264", STREAMS["h264"][:2])]
    assert len(collected(collector("h264"), whole)) == 1


@pytest.mark.parametrize("made", [H264(()), H265(())], ids=["h264", "h265"])
def test_a_fragment_that_never_ends_is_given_up(made: Collector) -> None:
    fragments = {True: b"\x7c\x85" if isinstance(made, H264) else b"\x62\x01\x93", False: b"\x7c\x05"}
    middle = fragments[False] if isinstance(made, H264) else b"\x62\x01\x13"
    held = 0
    for seq in range(MAX_PICTURE // 60_000 + 10):
        parsed = parse(packet(seq, (fragments[True] if seq == 0 else middle) + bytes(60_000)))
        assert parsed is not None
        assert made.push(parsed) is None
        held = max(held, len(made._fragment or b""))  # type: ignore[attr-defined]
    assert held <= MAX_PICTURE + 60_000


def test_an_encoding_that_is_not_decoded_has_no_collector() -> None:
    for encoding in ("MP4V-ES", "MP2T", "VP8", ""):
        assert collector_of(Track({96: encoding}), 96) is None


def test_a_thumbnail_is_grey_and_small() -> None:
    [key, *_] = collected(collector("h264"), list(packets("h264", STREAMS["h264"])))
    answer, grey = look("h264", key, 40)
    assert (answer["thumbnail_width"], answer["thumbnail_height"]) == (40, 32)
    assert len(grey) == 40 * 32
    assert len(set(grey)) > 10  # a picture, not one flat grey


def test_what_does_not_decode_is_an_error_not_an_exception() -> None:
    rng = random.Random(5)
    for codec in CODECS:
        for _ in range(20):
            answer, _ = look(codec, rng.randbytes(rng.randint(0, 400)), 0)
            assert set(answer) >= {"error"}
    assert look("h264", b"", 0)[0]["error"]
