"""Small pictures and clips, made when a test needs them, so that none lies in the tree."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
OPTIONS = {
    "h264": {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "keyint=5:scenecut=0"},
    "hevc": {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "keyint=5:min-keyint=5:log-level=none:repeat-headers=1"},
    "mjpeg": {"huffman": "default"},
}  # fmt: skip


def picture(width: int, height: int, number: int, pixels: str = "yuv420p") -> av.VideoFrame:
    """Return a picture with some structure, another one for each number."""
    frame = av.VideoFrame(width, height, pixels)
    for index, plane in enumerate(frame.planes):
        row = bytes((x * (3 + index) + number * 7) & 0xFF for x in range(plane.line_size))
        plane.update(b"".join(row[y % 16 :] + row[: y % 16] for y in range(plane.height)))
    frame.pts = number
    return frame


def encoded(codec: str, width: int = 64, height: int = 48, frames: int = 10) -> list[bytes]:
    """Return a stream's pictures, each an access unit (Annex B) or a JPEG file; the first is a key frame."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height, context.time_base = width, height, Fraction(1, 5)
    context.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    context.options = OPTIONS[codec]
    packets = [p for n in range(frames) for p in context.encode(picture(width, height, n, context.pix_fmt))]
    packets += context.encode(None)
    return [bytes(packet) for packet in packets]


def write_clip(path: Path, seconds: int = 20, rate: int = 10) -> None:
    """Write an H.264 clip with a key frame every half second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = OPTIONS["h264"]
        for number in range(seconds * rate):
            container.mux(stream.encode(picture(64, 48, number)))
        container.mux(stream.encode(None))
