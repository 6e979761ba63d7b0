"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature): text in, text out. No I/O."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from monitor.evidence.keys import COLLECTOR, WITNESS, PrivateKey, PublicKey
from monitor.evidence.tree import HASH_BYTES, Frontier

MAX_BYTES: Final = 1 << 16
MAX_SIGNATURES: Final = 64
MAX_SECONDS: Final = (1 << 53) - 1

_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: origin, tree size, root, and further lines such as `day 2020-07-01` or `sm3 <base64>`."""

    origin: str
    size: int
    root: bytes
    extra: tuple[str, ...] = ()

    @classmethod
    def of(cls, origin: str, tree: Frontier, stamp: str) -> Checkpoint:
        """Return the checkpoint of a tree; `stamp` is `day <YYYY-MM-DD>` or `hour <µs>`."""
        sm3 = tree.sm3_root()
        extra = (stamp,) if sm3 is None else (stamp, f"sm3 {_encoded(sm3)}")
        return cls(origin, tree.size, tree.root(), extra)

    def said(self, word: str) -> str:
        """Return what follows `word ` in the first further line that begins so, or ""."""
        return next((line.removeprefix(f"{word} ") for line in self.extra if line.startswith(f"{word} ")), "")

    @property
    def day(self) -> str:
        """The day that it seals, or ""."""
        return self.said("day")

    def text(self) -> str:
        """Return the text that is signed; it ends with LF."""
        return "\n".join((self.origin, str(self.size), _encoded(self.root), *self.extra, ""))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read `text()` back. ValueError says what is wrong."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise ValueError("a checkpoint has at least three lines, none empty, each ended by LF")
        if not _SIZE.fullmatch(lines[1]):
            raise ValueError(f"not a tree size: {lines[1]:.60}")
        root = _decoded(lines[2])
        if len(root) != HASH_BYTES:
            raise ValueError(f"a root has {HASH_BYTES} bytes")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]))


@dataclass(frozen=True, slots=True)
class Signature:
    """A note's signature: the key's name and, in `blob`, its 4-byte hash and the rest."""

    name: str
    blob: bytes

    def line(self) -> str:
        """Return the signature's line, without LF."""
        return f"— {self.name} {_encoded(self.blob)}"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read `line()` back. ValueError if it is none."""
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"not a signature line: {line:.80}")
        blob = _decoded(match[2])
        if len(blob) < 5:
            raise ValueError("a signature is longer than its key's hash")
        return cls(match[1], blob)


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with LF, and its signatures in order, valid or not."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def encode(self) -> bytes:
        """Return the note's bytes: text, empty line, a line per signature."""
        return "\n".join((self.text, *(one.line() for one in self.signatures), "")).encode()

    def with_signature(self, signature: Signature) -> Note:
        """Return the note with one more signature; the same one is not added twice."""
        if signature in self.signatures:
            return self
        return Note(self.text, (*self.signatures, signature))

    @property
    def checkpoint(self) -> Checkpoint:
        """What the text says as a checkpoint. ValueError if it is none."""
        return Checkpoint.parse(self.text)

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read `encode()` back. ValueError says what is wrong."""
        if len(data) > MAX_BYTES:
            raise ValueError(f"a note of more than {MAX_BYTES} bytes")
        whole = data.decode()
        if _CONTROL.search(whole):
            raise ValueError("a control character in a note")
        text, found, tail = whole.rpartition("\n\n")
        if not found or not text or not tail.endswith("\n"):
            raise ValueError("a note is a text, an empty line and signature lines, each ended by LF")
        lines = tail[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise ValueError(f"more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))


def sign(text: str, key: PrivateKey) -> Signature:
    """Return a collector's signature over a text that ends with LF."""
    return Signature(key.name, key.public(COLLECTOR).hash + key.sign(text.encode()))


def cosign(text: str, key: PrivateKey, seconds: int) -> Signature:
    """Return a witness's signature over a checkpoint's text, given at `seconds` since 1970-01-01 UTC."""
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"not a time in seconds: {seconds}")
    return Signature(
        key.name, key.public(WITNESS).hash + seconds.to_bytes(8, "big") + key.sign(_cosigned(text, seconds))
    )


def signed_by(note: Note, key: PublicKey) -> int | None:
    """Tell whether a key signed the note: 0 for a collector's key, the time in seconds for a witness's, None if not.

    Every signature that the note gives for the key must be valid; of several the first one's time counts.
    """
    found: int | None = None
    for one in note.signatures:
        if one.name != key.name or one.blob[:4] != key.hash:
            continue
        seconds, signature, message = 0, one.blob[4:], note.text.encode()
        if key.kind == WITNESS:
            seconds, signature = int.from_bytes(one.blob[4:12], "big"), one.blob[12:]
            message = _cosigned(note.text, seconds)
        if seconds > MAX_SECONDS or not key.verify(signature, message):
            return None
        found = seconds if found is None else found
    return found


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"not base64: {text:.80}") from None
    if _encoded(data) != text:
        raise ValueError(f"not base64 in its only form: {text:.80}")
    return data
