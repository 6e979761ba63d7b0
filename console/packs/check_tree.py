"""Step 3: a day's frontier folds to the root before it, and its leaves appended give the checkpoint's size and root."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from console.packs.check_signatures import note_of
from console.packs.content import Content
from console.packs.notebook import Notebook
from monitor.evidence.note import Checkpoint, Note
from monitor.evidence.pack import PackError
from monitor.evidence.tree import EMPTY, Frontier, leaf_hash, read_frontier


class TreeCheck:
    """The tree as it grows day by day. `note` is the checkpoint that the next day must follow, None before the log's first."""

    def __init__(self, content: Content, manifest: Mapping[str, Any], book: Notebook) -> None:
        self.content, self.manifest, self.book = content, manifest, book
        self.withholds = manifest["points"] is not None
        self.note: Note | None = None
        self.before = self.tree = EMPTY

    def day(self, day: str, lines: list[bytes]) -> bool:
        """Append a day's lines. False if they do not lead from the checkpoint before to the day's own, which is then `note`."""
        folder = f"log/{day}"
        frontier = self._frontier(folder)
        note = note_of(self.content.read(f"{folder}/checkpoint.note"), f"{folder}/checkpoint.note")
        if frontier is None:
            return False
        previous = f"{folder}/prev.note"
        if self.note is not None and note_of(self.content.read(previous), previous).text != self.note.text:
            self.book.fail(3, previous, "不是前一日的检查点 not the checkpoint of the day before")
            return False
        self.before, self.tree = frontier, self._grown(frontier, lines, folder)
        if not self._rooted(note, day, folder):
            return False
        self.note = note
        return True

    def leaf(self, line: bytes, where: str) -> bytes:
        """Return a line's leaf hash, or the one that stands for a withheld line. PackError for what is neither."""
        if not self.withholds or not line.startswith(b"~"):
            return leaf_hash(line)
        try:
            found = binascii.unhexlify(line[1:])
            if len(found) != 32 or line[1:].lower() != line[1:]:
                raise ValueError
        except ValueError:
            raise PackError(where, "不是叶哈希 not a leaf's hash") from None
        return found

    def _frontier(self, folder: str) -> Frontier | None:
        where = f"{folder}/frontier.json"
        body = self.content.read(where)
        try:
            if not body.endswith(b"\n"):
                raise ValueError("no LF at its end")
            found = read_frontier(body[:-1])
            if self.tree is not EMPTY and (found.size, found.sha256) != (self.tree.size, self.tree.sha256):
                raise ValueError("not the tree after the day before")
            before = Checkpoint(self.manifest["origin"], 0, EMPTY.root()) if self.note is None else self.note.checkpoint
            if (found.size, found.root()) != (before.size, before.root):
                raise ValueError("does not fold to the root before the day")
            sm3, told = found.sm3_root(), before.said("sm3")
            if sm3 is not None and told and base64.b64encode(sm3).decode() != told:
                raise ValueError("does not fold to the SM3 root before the day")
        except ValueError as error:
            self.book.fail(3, where, f"树的边界不对: {error}")
            return None
        return found

    def _grown(self, before: Frontier, lines: list[bytes], folder: str) -> Frontier:
        if not self.withholds:
            return before.appended(lines)
        return before.with_leaves(self.leaf(line, f"{folder}/records.ndjson:{n}") for n, line in enumerate(lines, 1))

    def _rooted(self, note: Note, day: str, folder: str) -> bool:
        where = f"{folder}/checkpoint.note"
        try:
            said = note.checkpoint
        except ValueError as error:
            self.book.fail(3, where, str(error))
            return False
        sm3, told = self.tree.sm3_root(), said.said("sm3")
        wrong = {
            "另一日志的检查点 of another log": said.origin != self.manifest["origin"],
            "不是这一天的检查点 of another day": said.day != day,
            "叶数不符 another number of leaves": said.size != self.tree.size,
            "树根不符 another root": said.root != self.tree.root(),
            "SM3 树根不符 another SM3 root": bool(told) and sm3 is not None and base64.b64encode(sm3).decode() != told,
        }
        for what, holds in wrong.items():
            if holds:
                self.book.fail(3, where, what)
        return not any(wrong.values())
