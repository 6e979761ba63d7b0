"""A worker that decodes one picture at a time for decoders.py, in a process of its own: a camera's bits are hostile.

Run as a file by a fresh interpreter; standard input is a socket. A job is `>B I H I` (codec, seconds allowed, width of the
thumbnail or 0, length) and the data; its answer `>I` (length) and JSON: {"width", "height", "error", "thumbnail_width",
"thumbnail_height"}, followed by the thumbnail's grey bytes. Before it reads anything it gives up what it does not need:
memory beyond the limit it was started with, files, other processes. It ends itself by SIGALRM when a job takes too long,
and when its parent has gone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from typing import Any

JOB = struct.Struct(">BIHI")
ANSWER = struct.Struct(">I")
CODECS = ("h264", "hevc", "mjpeg")
MAX_PICTURE = 4 * 1024 * 1024
MAX_PIXELS = 64_000_000
"""Of a decoded picture: 8K has half of that."""
MAX_THUMBNAIL = 512
MAX_OPEN_FILES = 64


def confine(memory_bytes: int) -> None:
    """Give up what decoding does not need."""
    import resource  # noqa: PLC0415 - this file's constants are read on systems that have none

    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    ):
        resource.setrlimit(kind, (limit, limit))
    os.nice(5)  # a picture may wait, the watcher's clock may not


def look(codec: str, data: bytes, thumbnail_px: int) -> tuple[dict[str, Any], bytes]:
    """Decode the first picture in the data; return the answer and the thumbnail's bytes."""
    import av  # noqa: PLC0415 - only after confine()

    av.logging.set_level(None)
    try:
        context: Any = av.CodecContext.create(codec, "r")
        context.options = {"max_pixels": str(MAX_PIXELS)}
        context.thread_count = 1
        frames = context.decode(av.Packet(data)) or context.decode(None)
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}, b""
    if not frames:
        return {"error": "no picture came out"}, b""
    frame = frames[0]
    if frame.is_corrupt:
        return {"error": "the picture is damaged"}, b""
    answer: dict[str, Any] = {"width": frame.width, "height": frame.height, "error": ""}
    if not thumbnail_px:
        return answer, b""
    width = min(thumbnail_px, MAX_THUMBNAIL, frame.width)
    height = max(1, min(MAX_THUMBNAIL, frame.height * width // frame.width))
    plane = frame.reformat(width, height, "gray").planes[0]
    grey = bytes(plane)
    rows = [grey[at : at + width] for at in range(0, height * plane.line_size, plane.line_size)]
    return answer | {"thumbnail_width": width, "thumbnail_height": height}, b"".join(rows)


def _receive(parent: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = parent.recv(min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)


def main() -> None:
    """Serve jobs until the parent goes."""
    parent = socket.socket(fileno=0)
    confine(int(sys.argv[1]))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to decide
    import av  # noqa: F401, PLC0415 - loaded before the first job is timed

    parent.sendall(ANSWER.pack(0))
    while head := _receive(parent, JOB.size):
        codec, allowed_s, thumbnail_px, size = JOB.unpack(head)
        signal.alarm(allowed_s)
        data = _receive(parent, size) if size <= MAX_PICTURE else None
        if data is None:
            return
        answer, thumbnail = look(CODECS[codec], data, thumbnail_px)
        signal.alarm(0)
        text = json.dumps(answer).encode()
        parent.sendall(ANSWER.pack(len(text)) + text + thumbnail)


if __name__ == "__main__":
    main()
