"""What a process asked of the disk, in order, told by strace: the material that power cuts are replayed from.

Files that are mapped into memory escape the trace; SQLite maps only its WAL index (`-shm`), which it rebuilds after a
crash. Anything else that the replay could not account for is an error here, never silently left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,lseek,fsync,fdatasync,sync_file_range,ftruncate,truncate,"
    "fallocate,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,mmap,copy_file_range,sendfile,splice"
)
NAMING = frozenset(
    {"rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat"}
)
UNREPLAYED = "-shm"
_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_FD = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Create:
    """A file came into being, or was emptied if it was there."""

    path: str
    emptied: bool


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """fsync or fdatasync of a file or a folder returned."""

    path: str


@dataclass(frozen=True, slots=True)
class Unlink:
    path: str


@dataclass(frozen=True, slots=True)
class Mkdir:
    path: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A file or folder changed its name; what bore the new one is gone."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Said:
    """Bytes went to standard output: the outside world knows."""

    data: bytes


Event = Create | Write | Truncate | Sync | Unlink | Mkdir | Rename | Said


def strace() -> str | None:
    """Return strace's path, or None where it is missing or may not trace."""
    found = shutil.which("strace")
    if found is None:
        return None
    tried = subprocess.run([found, "-f", "-e", "trace=none", "true"], capture_output=True, check=False)
    return found if tried.returncode == 0 else None


def record(tracer: str, command: Sequence[str], folder: Path, trace: Path, cwd: Path) -> list[Event]:
    """Run a command to its end and return what it did to files in `folder` and what it said, in order."""
    options = ["-f", "-y", "-xx", "-s", "10000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace)]
    done = subprocess.run([tracer, *options, *command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the recorded command failed: {done.stderr[-2000:]}")
    with trace.open() as lines:
        return list(_events(lines, str(folder.resolve())))


def _events(lines: Iterator[str], folder: str) -> Iterator[Event]:
    there: set[str] = set()
    place: dict[str, int] = {}
    for line in lines:
        if "+++" in line or "---" in line:
            continue
        found = _LINE.match(line)
        if found is None:
            if _bytes_of(folder) in line or "write(1<" in line:
                raise ValueError(f"cannot account for {line[:200]!r}")
            continue
        call, words, returned, opened = found.groups()
        if int(returned) < 0:
            continue
        if call == "write" and words.startswith("1<"):
            yield Said(_unhex(_TEXT.search(words[_end_of_fd(words) :])))
            continue
        if call in NAMING:
            yield from _naming(call, words, folder, there)
            continue
        path = _unhex_text(opened) if call in {"open", "openat", "creat"} else _path(words)
        if path is None or not path.startswith(folder) or path.endswith(UNREPLAYED):
            continue
        yield from _event(call, words, int(returned), path, there, place)


def _event(call: str, words: str, returned: int, path: str, there: set[str], place: dict[str, int]) -> Iterator[Event]:
    rest = words[_end_of_fd(words) :]
    numbers = [int(n) for n in re.findall(r", (\d+)", re.sub(r'"[^"]*"', "", rest))]
    if call in {"open", "openat"}:
        place[path] = 0
        emptied = "O_TRUNC" in words
        if "O_DIRECTORY" not in words and "O_CREAT" in words and (path not in there or emptied):
            there.add(path)
            yield Create(path, emptied)
    elif call == "pwrite64":
        data = _unhex(_TEXT.search(rest))
        if len(data) != numbers[0] or returned != numbers[0]:
            raise ValueError(f"a write of {numbers[0]} bytes to {path} was cut short")
        yield Write(path, numbers[1], data)
    elif call == "write":
        data = _unhex(_TEXT.search(rest))
        yield Write(path, place[path], data[:returned])
        place[path] += returned
    elif call == "lseek":
        place[path] = returned
    elif call in {"fsync", "fdatasync"}:
        yield Sync(path)
    elif call == "ftruncate":
        yield Truncate(path, numbers[0])
    elif call == "mmap" and "MAP_SHARED" not in words:
        return
    else:
        raise ValueError(f"cannot account for {call} of {path}")


def _naming(call: str, words: str, folder: str, there: set[str]) -> Iterator[Event]:
    """The events of a call that names files by text, seen from a folder where it says so."""
    paths = [str(PurePosixPath(_unhex_text(base) or "/") / _unhex(text).decode()) for base, text in _names(words)]
    if not any(path.startswith(folder) and not path.endswith(UNREPLAYED) for path in paths):
        return
    if call in {"unlink", "unlinkat", "rmdir"}:
        there.discard(paths[0])
        yield Unlink(paths[0])
    elif call in {"mkdir", "mkdirat"}:
        yield Mkdir(paths[0])
    elif call in {"rename", "renameat", "renameat2"}:
        old, new = paths
        moved = {path for path in there if path == old or path.startswith(f"{old}/")}
        there -= moved
        there |= {new + path.removeprefix(old) for path in moved}
        yield Rename(old, new)
    else:
        raise ValueError(f"cannot account for {call} of {paths}")


def _names(words: str) -> list[tuple[str | None, re.Match[str]]]:
    """Return the texts that a call names files by, each with the folder that it is seen from, if any."""
    found = []
    for match in re.finditer(r'(?:(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>, )?"((?:\\x[0-9a-f]{2})*)"', words):
        text = _TEXT.search(match.group(0))
        assert text is not None
        found.append((match.group(1), text))
    return found


def _path(words: str) -> str | None:
    """Return the path that a call's descriptor or text argument names."""
    described = _FD.match(words)
    if described is not None:
        return _unhex_text(described.group(2))
    mapped = re.search(r", \d+<((?:\\x[0-9a-f]{2})*)>", words)
    if mapped is not None:
        return _unhex_text(mapped.group(1))
    named = _TEXT.search(words)
    return None if named is None else _unhex(named).decode()


def _end_of_fd(words: str) -> int:
    found = _FD.match(words)
    return 0 if found is None else found.end()


def _unhex(found: re.Match[str] | None) -> bytes:
    return b"" if found is None else bytes.fromhex(found.group(1).replace("\\x", ""))


def _unhex_text(text: str | None) -> str | None:
    return None if text is None else bytes.fromhex(text.replace("\\x", "")).decode()


def _bytes_of(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())
