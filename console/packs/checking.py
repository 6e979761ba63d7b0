"""The product's own check of a pack, with the product's own modules: the steps of docs/evidence-format.md in their order.

It shares no code with verifier.py or verifier.html: three opinions on one pack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.packs import check_container
from console.packs.check_log import LogCheck
from console.packs.check_signatures import check_witnesses, note_of, signed
from console.packs.check_statement import Settled
from console.packs.content import Content
from console.packs.notebook import Notebook
from console.packs.recompute import Recomputed
from console.packs.report import Report
from console.packs.trust import Trust
from monitor.evidence.keys import PublicKey
from monitor.evidence.pack import SIGNATURE, PackError
from monitor.evidence.unpack import PackReader
from monitor.finding import InputError
from settlement.contract import Terms

Moved = Callable[[int, int], None]
_MALFORMED = (KeyError, TypeError, AttributeError, IndexError, ValueError, ArithmeticError, RecursionError, InputError)


def _nobody(done: int, total: int) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's report, with what was replayed and recomputed on the way (None where it did not get so far)."""

    report: Report
    log: LogCheck | None = None
    found: Recomputed | None = None


def check_file(path: Path, trust: Trust, moved: Moved = _nobody) -> Report:
    """Check a pack as it was handed in. Nothing in it is believed before it is checked; OSError if it cannot be opened."""
    book = Notebook()
    try:
        with PackReader(path) as pack:
            manifest = check_container.manifest(pack, book)
            if manifest is not None:
                check_container.signature(pack, manifest, book)
                log, _ = _inside(pack, manifest, trust.collector, book, moved)
                if log is not None:
                    _who_signed(pack, log, trust, book)
    except PackError as error:
        book.fail(1, error.member or path.name, str(error))
    except _MALFORMED as error:
        # Documents may be signed and yet be of any shape: whatever cannot be read as one is told, never a crash.
        book.fail(9, "", f"内容不成其为记录或文件 something in it is not of its form: {error!r:.200}")
    return book.report()


def check_content(
    content: Content,
    manifest: Mapping[str, Any],
    collector: PublicKey,
    trust: Trust | None,
    moved: Moved = _nobody,
    terms: Terms | None = None,
) -> Checked:
    """Check what is about to be packed; the container is made from this very content afterwards.

    Without `trust` nobody must have co-signed; the report then says so. `terms` measure a period without a statement.
    """
    book = Notebook()
    book.say(1, "打包时由本内容生成 made from this content while packing")
    log, found = None, None
    try:
        log, found = _inside(content, manifest, collector, book, moved, terms)
        if log is not None and log.last_note is not None:
            check_witnesses(log.last_note, log.keys, manifest, trust, book)
    except PackError as error:
        book.fail(1, error.member, str(error))
    return Checked(book.report(), log, found)


def _inside(
    content: Content,
    manifest: Mapping[str, Any],
    collector: PublicKey,
    book: Notebook,
    moved: Moved,
    terms: Terms | None = None,
) -> tuple[LogCheck | None, Recomputed | None]:
    """Replay the log and settle; None for a log that does not hold together."""
    settled = Settled(content, manifest, book, terms)
    settled.read()
    log = LogCheck(content, manifest, collector, book, settled.measure)
    if not log.run(moved):
        return None, None
    settled.settle(log.state.att, log.found_inputs)
    return log, settled.found


def _who_signed(pack: PackReader, log: LogCheck, trust: Trust, book: Notebook) -> None:
    if log.last_note is not None:
        check_witnesses(log.last_note, log.keys, log.manifest, trust, book)
    if SIGNATURE in pack.members:
        note = note_of(pack.read(SIGNATURE), SIGNATURE)
        keys = [*log.keys[-1:], trust.collector.text()]  # a later rotation may have made the trusted one
        if not any(signed(note, key) for key in keys):
            book.fail(2, SIGNATURE, "没有采集方的有效签名 no valid signature of the collector's key")
