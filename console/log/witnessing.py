"""Witnesses' signatures: checked against the settings, kept with the log, put under the day's note in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from config.evidence import Witness
from console.log.roles import beside
from console.log.steps import Log
from monitor.evidence.keys import PublicKey
from monitor.evidence.note import Note, Signature, signed_by
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant
from monitor.store import log
from monitor.store.log import Between, SealedDay, Witnessed
from monitor.store.writer import Writer

AHEAD_S = 3_600
"""How far a witness's clock may stand ahead of ours."""
_REMEDY = "用 camsla evidence checkpoint 输出的检查点 sign what camsla evidence checkpoint prints"


class Added(NamedTuple):
    """A witness's signature that the log has: whose, when it was given (s), of which tree; `new` if it was not there before."""

    role: str
    seconds: int
    size: int
    day: str
    new: bool


def add(
    writer: Writer, where: Log, data: bytes, witnesses: Sequence[Witness], *, at: Instant, actor: str
) -> list[Added]:
    """Keep the witnesses' signatures of a note, or of bare signature lines, and put them under the day's note.

    InputError, with nothing kept: no checkpoint of this log, somebody who is no witness, a signature that is not valid, a
    clock far ahead.
    """
    text, signatures = _read(data)
    done: list[Added] = []
    with writer.transaction() as connection:
        sealed = log.days(connection)
        points: list[SealedDay | Between] = [*reversed(sealed), *log.checkpoints(connection)]
        findings: list[Finding] = []
        for signature in signatures:
            try:
                done.append(_add(connection, signature, text, points, witnesses, at, actor, writer))
            except InputError as error:
                findings += error.findings
        if findings:
            raise InputError(findings)
    for day in {one.day for one in done if one.day}:
        put(writer, where, day)
    return done


def put(writer: Writer, where: Log, day: str) -> None:
    """Put every signature that the database has of a day under its note in the folder."""
    with writer.transaction() as connection:
        sealed = log.find_day(connection, day)
        known = [] if sealed is None else log.signatures(connection, sealed.size)
    note = where.folder.read_day(day).note
    for one in known:
        note = note.with_signature(Signature.parse(one.line))
    where.folder.set_note(day, note)


def _add(
    connection: Connection,
    signature: Signature,
    text: str,
    points: Sequence[SealedDay | Between],
    witnesses: Sequence[Witness],
    at: Instant,
    actor: str,
    writer: Writer,
) -> Added:
    witness, key = _witness(signature, witnesses)
    for point in points:
        own = Note.parse(point.note.encode()).text
        if text and own != text:
            continue
        seconds = signed_by(Note(own, (signature,)), key)
        if seconds is None:
            continue
        if seconds * MICROSECONDS > at + AHEAD_S * MICROSECONDS:
            raise refuse(
                f"{beside(witness.role)} 的时钟超前 the witness's clock is far ahead: {seconds - at // MICROSECONDS:,} s",
                "校准时钟后重新签名 set the clock and sign again",
                column=signature.name,
            )
        new = log.add_signature(connection, Witnessed(point.size, signature.name, signature.line(), at, actor))
        day = point.day if isinstance(point, SealedDay) else ""
        if new:
            writer.audit(
                connection,
                at=at,
                actor=actor,
                action="evidence.witness",
                object=f"{day or 'checkpoint'} {point.size}",
                before=None,
                after={"role": witness.role, "line": signature.line()},
            )
        return Added(witness.role, seconds, point.size, day, new)
    raise refuse(
        "签名无效，或不是本日志的检查点 not valid over any checkpoint of this log", _REMEDY, column=signature.name
    )


def _witness(signature: Signature, witnesses: Sequence[Witness]) -> tuple[Witness, PublicKey]:
    for witness in witnesses:
        key = PublicKey.parse(witness.key)
        if (key.name, key.hash) == (signature.name, signature.blob[:4]):
            return witness, key
    known = "、".join(f"{beside(one.role)}（{PublicKey.parse(one.key).name}）" for one in witnesses) or "（无 none）"
    raise refuse(
        "不是设置中的见证人 not one of the witnesses that the settings name",
        f"evidence.witnesses: {known}",
        column=signature.name,
    )


def _read(data: bytes) -> tuple[str, list[Signature]]:
    """Return a note's text ("" for bare signature lines) and its witnesses' signatures."""
    try:
        if data.startswith("— ".encode()):
            lines = data.decode().splitlines()
            return "", [Signature.parse(line) for line in lines if line]
        note = Note.parse(data)
        point = note.checkpoint
    except UnicodeDecodeError:
        raise refuse("不是文本文件 not a text file", _REMEDY) from None
    except ValueError as error:
        raise refuse(f"不是检查点或签名行 neither a checkpoint nor signature lines: {error}", _REMEDY) from None
    own = [one for one in note.signatures if one.name != point.origin]
    if not own:
        raise refuse(
            "没有见证签名 no witness has signed it", "先由见证人签名 let a witness sign it first", column="signature"
        )
    return note.text, own
