"""Steps 2 to 7: notes, tree, lines, chains, seconds and states of the days of a pack, replayed once from first to last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from console.packs.check_signatures import check_agent, check_rotation, note_of, require_signed
from console.packs.check_tree import TreeCheck
from console.packs.content import Content, one_line
from console.packs.notebook import Notebook
from monitor.canonical import digest, parse_line
from monitor.evidence.keys import PublicKey
from monitor.evidence.note import Note, signed_by
from monitor.evidence.pack import PackError
from monitor.evidence.replay import IMPORTS, State, empty, read_state
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import leaf_hash, root_of

Moved = Callable[[int, int], None]
OTHERS = frozenset({"tr", "ros", "sum"})
"""Records that a pack of some points withholds of others."""
LATE = frozenset({"adj", "gap"})
"""Records that, after the statement's inputs on their day, were not yet known to it; imports besides."""
SHARES = 100
"""Parts of a day that progress is told in: the first CLOSING of them are its lines, the rest its sums."""
CLOSING = 60
LINES_AT_ONCE = 5_000
_MARKS = (b'"k":"adj"', b'"k":"gap"', b'"what":"runs"', b'"what":"gaps"')


class LogCheck:
    """The days of a pack, replayed. `collector` is the key to begin with: the log's first, or a later one that it rotated to.

    `known` is called once with the state that the statement was made from, or, without a statement, with the last one.
    """

    def __init__(
        self,
        content: Content,
        manifest: Mapping[str, Any],
        collector: PublicKey,
        book: Notebook,
        known: Callable[[State], None],
    ) -> None:
        self.content, self.manifest, self.collector, self.book, self._known = content, manifest, collector, book, known
        points = manifest["points"]
        self.only = None if points is None else frozenset(points)
        self.keys: list[str] = []
        """The collector's keys, in the order in which they were in force."""
        self.state = empty(manifest["origin"], manifest["zone"], only=self.only)
        self.corrections: list[dict[str, Any]] = []
        """The `adj` records of these days."""
        self.seen_inputs = False
        self._records = self._withheld = self._sums = self._states = 0
        self._tree = TreeCheck(content, manifest, book)
        self.found_inputs = False
        self._fork: State | None = None

    @property
    def last_note(self) -> Note | None:
        """The last day's checkpoint."""
        return self._tree.note

    def run(self, moved: Moved) -> bool:
        """Replay all days. False if what follows would have nothing to stand on. `moved` hears of hundredths of days."""
        days: list[str] = self.manifest["days"]
        if not self._begin(days[0]):
            return False
        for n, day in enumerate(days):
            if not self._day(day, partial(_part, moved, n, len(days))):
                return False
        if self.manifest["statement"] is None:
            self._known(self.state)
        tree = self._tree.tree
        root = tree.root().hex()
        self.book.facts |= {"days": len(days), "records": self._records, "size": tree.size, "root": root}
        self.book.say(3, f"{len(days):,} 天 days，树 tree {tree.size:,}，根 root {root[:16]}…")
        withheld = f"，不公开 withheld {self._withheld:,}" if self._withheld else ""
        self.book.say(4, f"{self._records:,} 条记录 records{withheld}")
        self.book.say(5, f"{len(self.state.points):,} 个点位 points")
        self.book.say(6, f"{self._sums:,} 份日汇总 sums")
        if self.only is not None:
            self.book.leave(7, "只含部分点位 only some points are in this pack")
        else:
            self.book.say(7, f"{self._states} 份状态文件 state documents")
        return True

    # -- where the first day begins

    def _begin(self, day: str) -> bool:
        size, wanted = self.manifest["first_size"], self.manifest["state"]
        previous = self.content.read(f"log/{day}/prev.note")
        if not size:
            if previous:
                self.book.fail(3, f"log/{day}/prev.note", "首日之前应为空 nothing comes before the log's first day")
            self.state.key = self._first_key(day)
            self.keys.append(self.state.key)
            return not self.book.failed(3)
        note = self._tree.note = note_of(previous, f"log/{day}/prev.note")
        document = one_line(self.content, "log/state.json")
        try:
            if digest(document) != wanted:
                raise ValueError("不是清单所记的指纹 not the digest of the manifest")
            self.state = read_state(document, self.manifest["zone"], self.only)
            if self.state.origin != self.manifest["origin"]:
                raise ValueError("是另一日志的 of another log")
            self._proven(wanted, note)
        except ValueError as error:
            self.book.fail(3, "log/state.json", str(error))
            return False
        self.keys.append(self.state.key)
        return require_signed(note, self.state.key, f"log/{day}/prev.note", self.book)

    def _proven(self, wanted: str, note: Note) -> None:
        """Check that the day before named this state document in its last leaf. ValueError if not."""
        proof: dict[str, Any] = one_line(self.content, "log/state.proof.json")
        checkpoint = note.checkpoint
        line = proof["line"].encode()
        record = parse_line(line)
        path = [bytes.fromhex(one) for one in proof["path"]]
        if root_of(leaf_hash(line), proof["leaf"], checkpoint.size, path) != checkpoint.root:
            raise ValueError("不在前一检查点的树中 not in the tree of the checkpoint before")
        if record.get("k") != "man" or record.get("state") != wanted or record.get("day") != self.state.day:
            raise ValueError("前一日的 man 没有记它 the man record of the day before does not name it")
        if proof["leaf"] != checkpoint.size - 1 or self.state.size != checkpoint.size:
            raise ValueError("不是前一日最后的状态 not the state at the end of the day before")

    def _first_key(self, day: str) -> str:
        """The key in force at the log's beginning: the trusted one, or the first that a rotation replaced."""
        note = note_of(self.content.read(f"log/{day}/checkpoint.note"), f"log/{day}/checkpoint.note")
        if signed_by(note, self.collector) is not None:
            return self.collector.text()
        for other in self.manifest["days"]:
            for line in self.content.lines(f"log/{other}/records.ndjson"):
                if b'"k":"key"' in line:
                    return str(parse_line(line).get("old", ""))
        return self.collector.text()

    # -- one day

    def _day(self, day: str, part: Moved) -> bool:
        folder = f"log/{day}"
        lines = list(self.content.lines(f"{folder}/records.ndjson"))
        if not self._tree.day(day, lines) or self._tree.note is None:
            return False
        require_signed(self._tree.note, self.state.key, f"{folder}/checkpoint.note", self.book)
        if not self._fed(day, lines, folder, lambda done, total: part(CLOSING * done, SHARES * total)):
            return False
        del lines  # a city's first year weighs hundreds of megabytes
        ahead = SHARES - CLOSING
        self._closed(folder, lambda done, total: part(CLOSING * total + ahead * done, SHARES * total))
        part(1, 1)
        return True

    # -- the lines of a day

    def _fed(self, day: str, lines: list[bytes], folder: str, moved: Moved) -> bool:
        """Feed a day's lines. False at the first that the log cannot have."""
        where = f"{folder}/records.ndjson"
        for n, line in enumerate(lines, 1):
            if n % LINES_AT_ONCE == 0:
                moved(n, len(lines))
            place = f"{where}:{n}"
            leaf = self._tree.leaf(line, place)
            if self.only is not None and line.startswith(b"~"):
                self._withheld += 1
                self.state.skip(leaf)
                if self._fork is not None:
                    self._fork.skip(leaf)
                continue
            try:
                record = parse_line(line)
            except ValueError as error:
                self.book.fail(4, place, str(error))
                return False
            if not self._taken(record, leaf, place, islice(lines, n, None)):
                return False
        self._records += len(lines)
        if not lines or self.state.day != day:
            self.book.fail(4, where, "没有以当天的 man 结束 does not end with the man of its day")
            return False
        return True

    def _taken(self, record: dict[str, Any], leaf: bytes, place: str, later: Iterable[bytes]) -> bool:
        try:
            self._visible(record)
            self.state.feed(record, leaf, self._imported)
            if self._fork is not None:
                self._feed_fork(self._fork, record, leaf)
            self._noted(record, place, later)
        except PackError as error:
            self.book.fail(4, place, str(error))
            return False
        except ValueError as error:
            self.book.fail(4 if record.get("k") == "man" else 5, place, str(error))
            return False
        return True

    def _visible(self, record: Mapping[str, Any]) -> None:
        if self.only is not None and record.get("k") in OTHERS and record.get("point") not in self.only:
            raise ValueError(
                "此点位不在本包内，应只留叶哈希 a point that is not in this pack: its leaf hash alone belongs here"
            )

    def _imported(self, sha256: str) -> Iterable[bytes]:
        return self.content.lines(f"blobs/{sha256}")

    def _noted(self, record: dict[str, Any], place: str, later: Iterable[bytes]) -> None:
        kind = record["k"]
        if kind == "sum":
            self._sums += 1
        elif kind == "key":
            check_rotation(record)
            self.keys.append(record["new"])
        elif kind == "agt":
            check_agent(record)
        elif kind == "adj":
            self.corrections.append(record)
        elif kind == "man":
            self._man(record, place)
        elif kind == "att" and self._is_inputs(record):
            self.seen_inputs = True
            if any(map(_late, later)):
                self._fork = self.state.apart()

    def _feed_fork(self, fork: State, record: dict[str, Any], leaf: bytes) -> None:
        """Feed what the statement knew, leaving out corrections, gaps and imports that came after it on its day."""
        if is_late(record):
            fork.skip(leaf)
        else:
            fork.feed(record, leaf, self._imported)

    def _is_inputs(self, record: Mapping[str, Any]) -> bool:
        statement = self.manifest["statement"]
        return statement is not None and (record["what"], record["id"], record["version"], record["sha256"]) == (
            "inputs",
            statement["id"],
            statement["version"],
            statement["inputs_sha256"],
        )

    def _man(self, record: Mapping[str, Any], place: str) -> None:
        before = self._tree.before
        told = record["prev"]["root"]
        if told != (before.root().hex() if before.size else ""):
            raise ValueError("man: prev 不是前一日的树根 not the root of the day before")
        if record["state"]:
            self._states += 1
            if self.only is None and digest(self.state.document()) != record["state"]:
                self.book.fail(7, place, "状态文件重算不一致 the state document, made anew, has another digest")

    def _closed(self, folder: str, moved: Moved) -> None:
        """Compare a closed day's sums with the seconds of its records."""
        for doubt in wrong_sums(self.state, moved):
            if not doubt.told:
                self.book.leave(6, f"{folder}: {doubt.point} {doubt.day} 早于本包可知 before what this pack can tell")
            elif doubt.said is None:
                self.book.fail(5, folder, f"{doubt.point} {doubt.day}: 缺少日汇总 no sum, owed {doubt.owed}")
            else:
                said, owed = list(doubt.said), None if doubt.owed is None else list(doubt.owed)
                what = f"记 says {said}，重算 recomputed {owed} (on, off, un, ex)"
                self.book.fail(6, folder, f"{doubt.point} {doubt.day}: {what}")
        if self.seen_inputs:
            self._known(self._fork or self.state)
            self.seen_inputs, self._fork = False, None
            self.found_inputs = True


def _part(moved: Moved, n: int, days: int, done: int, total: int) -> None:
    """Tell of a part of day n as of all days."""
    moved(SHARES * n + SHARES * done // max(total, 1), SHARES * days)


def is_late(record: Mapping[str, Any]) -> bool:
    """Tell whether a record changes what earlier seconds were taken for."""
    kind = record["k"]
    return kind in LATE or (kind == "att" and record["what"] in IMPORTS)


def _late(line: bytes) -> bool:
    return any(mark in line for mark in _MARKS)
