"""Making a pack, in a process of its own: check the very content, write the papers about it, pack, sign."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from console.evidence_page import page as verifier_page
from console.packs import (
    check_container,
    conclusion,
    index,
    index_sheet,
    method,
    people,
    readme,
    scores,
    site_checks,
    tables,
)
from console.packs.checking import Checked, check_content
from console.packs.content import Members, Source
from console.packs.days import first_size
from console.packs.gather import Gathered, Order, gather, papers
from console.packs.report import Report
from console.packs.story import Count, Sealed, Story
from console.packs.trust import Trust, read_trust
from monitor.canonical import canonical
from monitor.evidence.keys import PrivateKey, PublicKey
from monitor.evidence.note import Note, sign
from monitor.evidence.pack import SIGNATURE, PackWriter, shrinks
from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.store.database import snapshot
from monitor.store.evaluations import Evaluation
from monitor.store.migrate import check_schema
from settlement.document import digest
from settlement.reports.typeset import to_pdf

Moved = Callable[[int, int], None]
MOST_TOLD = 20
SHARE_OF_CHECK = 80
"""Of a hundred steps of progress, so many are the check's."""


@dataclass(frozen=True, slots=True)
class Packing:
    """A job for a worker: write the pack to `out` and what is to be said of it, as JSON, to `answer`.

    `witnesses` are those of the settings, (role, key), for the conclusion page. InputError where the content does not hold: a pack
    that our own check refuses is not written.
    """

    order: Order
    out: Path
    answer: Path
    witnesses: tuple[tuple[str, str], ...] = ()

    def __call__(self, moved: Moved) -> None:
        """Make the pack; `moved` hears of hundredths."""
        with snapshot(self.order.where.url) as connection:
            check_schema(connection)
            said = _Making(connection, self.order, self.witnesses, moved).write(self.out)
        self.answer.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


@dataclass(slots=True)
class _Making:
    connection: Connection
    order: Order
    witnesses: tuple[tuple[str, str], ...]
    moved: Moved
    told: int = -1
    """The hundredth that was told last."""
    subject: Gathered = field(init=False)
    key: PrivateKey = field(init=False)

    def write(self, out: Path) -> dict[str, Any]:
        """Check, then pack to a file. Returns what is to be said."""
        subject = self.subject = gather(self.connection, self.order)
        where = self.order.where
        self.key = where.keys.signing(where.origin, "")
        manifest = self._manifest()
        content = Members(subject.members)
        trust = self._trust(self.key.public())
        checked = check_content(content, manifest, self.key.public(), trust, self._checking, subject.terms)
        _require_whole(checked.report)
        story = self._story(checked)
        members = {**subject.members, **self._blobs(story), **self._papers(story, checked)}
        with out.open("wb+") as file:
            _pack(PackWriter(file), members, manifest, self.key, self._packing(len(members)))
        report = checked.report
        return {
            "days": len(subject.days),
            "records": checked.report.facts.get("records"),
            "points": story.points,
            "bytes": out.stat().st_size,
            "exit": report.exit,
            "open": list(report.open),
            "statement": None if subject.stored is None else subject.stored.name,
            "witnesses": [witness._asdict() for witness in report.witnesses],
        }

    def _checking(self, done: int, total: int) -> None:
        self._hundredths(SHARE_OF_CHECK * done // max(total, 1))

    def _packing(self, total: int) -> Callable[[int], None]:
        return lambda done: self._hundredths(SHARE_OF_CHECK + (100 - SHARE_OF_CHECK) * done // max(total, 1))

    def _hundredths(self, done: int) -> None:
        """Tell of a hundredth once: what is told goes through a pipe."""
        if done != self.told:
            self.told = done
            self.moved(done, 100)

    def _manifest(self) -> dict[str, Any]:
        """The manifest but for `files`."""
        subject, where = self.subject, self.order.where
        state = subject.members.get("log/state.json")
        stored = subject.stored
        return {
            "format": check_container.FORMAT,
            "origin": where.origin,
            "contract": subject.terms.contract,
            "period": subject.period.label,
            "zone": where.zone,
            "days": subject.days,
            "first_size": first_size(where.folder, subject.days[0]),
            "state": hashlib.sha256(state[:-1]).hexdigest() if isinstance(state, bytes) else "",
            "statement": None
            if stored is None
            else {
                "id": f"{stored.contract}/{stored.quarter}",
                "version": stored.revision,
                "sha256": stored.body_sha,
                "inputs_sha256": stored.inputs_sha,
            },
            "points": None if self.order.points is None else sorted(set(self.order.points)),
            "files": {},
            "software": where.software,
        }

    def _trust(self, collector: PublicKey) -> Trust | None:
        if self.order.trust is not None:
            return read_trust(self.order.trust)
        if not self.witnesses:
            return None
        known = tuple((role, PublicKey.parse(key)) for role, key in self.witnesses)
        return Trust(self.order.where.origin, collector, known, ())

    def _story(self, checked: Checked) -> Story:
        subject, report = self.subject, checked.report
        stored, log, found = subject.stored, checked.log, checked.found
        held = {} if found is None else found.stretches
        corrections = [] if log is None else [record for record in log.corrections if record["point"] in held]
        return Story(
            terms=subject.terms,
            version=subject.version,
            period=subject.period.label,
            first=subject.period.first,
            last=subject.period.last,
            sealed=Sealed(
                self.order.where.origin,
                date.fromisoformat(subject.days[0]),
                date.fromisoformat(subject.days[-1]),
                int(str(report.facts["size"])),
                str(report.facts["root"]),
                int(str(report.facts["records"])),
            ),
            made_on=date.fromisoformat(subject.days[-1]),
            software=self.order.where.software,
            points=len(held) if self.order.points is None else _counted(subject, held),
            subset=None if self.order.points is None else tuple(sorted(set(self.order.points))),
            document=None if stored is None else stored.document,
            inputs=subject.inputs,
            statement_sha="" if stored is None else stored.body_sha,
            inputs_sha="" if stored is None else stored.inputs_sha,
            terms_sha=digest(subject.terms.document()),
            issued=subject.issued,
            issue_sealed=subject.issue_sealed,
            lacking=tuple(role for role, _ in self.witnesses if role not in {one.role for one in report.witnesses}),
            files=subject.files,
            corrections=_counts(corrections),
            attached=subject.attached,
            sheets={f"{name}.pdf": sample.id for name, sample in self._samples()},
            scorecard="" if self.order.rubric is None else "csv/scorecard.csv",
        )

    def _blobs(self, story: Story) -> dict[str, bytes]:
        """Documents that the pack names: the authority's files, what stands behind corrections, what was attached."""
        wanted = {str(file[name]) for file in story.files for name in ("sha256", "scan_sha256") if file.get(name)}
        wanted |= {document for count in story.corrections for document in count.documents}
        found = papers(self.connection, wanted) | dict(self.subject.attached_bodies)
        return {f"blobs/{sha256}": body for sha256, body in found.items()}

    def _papers(self, story: Story, checked: Checked) -> dict[str, Source]:
        subject, report = self.subject, checked.report
        terms, period = subject.terms, subject.period
        made: dict[str, Source] = {
            "README.md": readme.text_of(story),
            "method.html": method.page_of(story, report),
            "index.pdf": to_pdf("evidence_index.typ", index.page_of(story), story.made_on),
            "index.xlsx": index_sheet.sheet(story),
            "conclusion.pdf": to_pdf("evidence_conclusion.typ", conclusion.page_of(story, report), story.made_on),
            "verifier.py": (files("monitor.evidence") / "verifier.py").read_bytes(),
            "verifier.html": verifier_page(),
        }
        if checked.log is not None and checked.found is not None:
            every = tables.of(
                checked.log.state, checked.found, terms, period, checked.log.corrections, self.order.where.zone
            )
            made |= {name: partial(_table, headings, rows) for name, headings, rows in every}
        if story.subset is None:
            made |= scores.members(
                self.connection, terms, period, self._end(), self.order.rubric, self.order.score_inputs
            )
        return made | site_checks.members(self._samples(), terms)

    def _samples(self) -> list[tuple[str, Evaluation]]:
        subject = self.subject
        return site_checks.drawn(
            self.connection, subject.terms, subject.period, subject.days[-1], self.order.where.zone
        )

    def _end(self) -> Instant:
        """The end of the last sealed day: what was known then is what papers tell."""
        day = date.fromisoformat(self.subject.days[-1])
        return Instant(midnight(date.fromordinal(day.toordinal() + 1), self.order.where.zone) * MICROSECONDS)


def _table(headings: Iterable[str], rows: Callable[[], Iterable[Any]]) -> Iterable[bytes]:
    return people.table(list(headings), rows())


def _counted(subject: Gathered, held: Mapping[str, object]) -> int:
    """How many points the statement has; without one, as many as the pack."""
    if subject.inputs is None:
        return len(held)
    return sum(len(facts["roster"]) for facts in subject.inputs["facts"].values())


def _counts(corrections: Iterable[Mapping[str, Any]]) -> tuple[Count, ...]:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for record in corrections:
        kinds.setdefault(people.KINDS[record["what"]], []).append(record)
    return tuple(
        Count(kind, len(its), tuple(sorted({record["document"] for record in its if record["document"]})))
        for kind, its in sorted(kinds.items())
    )


def _require_whole(report: Report) -> None:
    """Refuse to pack what our own check refuses."""
    if report.exit == 1:
        remedy = (
            "核对日志目录与数据库是否同一时间的备份 are folder and database of one time? 未写出 nothing was written"
        )
        told = [Finding("", 0, "check", text, remedy) for text in report.failures[:MOST_TOLD]]
        raise InputError(told)


def _pack(
    writer: PackWriter,
    members: Mapping[str, Source],
    manifest: dict[str, Any],
    key: PrivateKey,
    moved: Callable[[int], None],
) -> None:
    """Write all members, the manifest and its signature among them; those behind the signature are in memory."""
    before = sorted(name for name in members if name < check_container.MANIFEST)
    later = sorted(name for name in members if name > SIGNATURE)
    held = {name: b"".join(Members(members).chunks(name)) for name in later}
    for done, name in enumerate(before, 1):
        source = members[name]
        writer.add(
            name,
            source if isinstance(source, bytes) else source(),
            stored=isinstance(source, bytes) and not shrinks(source),
        )
        moved(done)
    manifest["files"] = writer.digests | {name: hashlib.sha256(body).hexdigest() for name, body in held.items()}
    line = canonical(manifest).encode() + b"\n"
    writer.add(check_container.MANIFEST, line)
    packed = writer.data_digest([(body, False) for body in held.values()])
    text = check_container.signed_text(manifest, hashlib.sha256(line).hexdigest(), packed)
    writer.add(SIGNATURE, Note(text, (sign(text, key),)).encode(), stored=True)
    for name, body in held.items():
        writer.add(name, body)
    writer.close()
