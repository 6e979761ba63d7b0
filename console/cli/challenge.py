"""`camsla challenge`: an evaluator's secret points and times, committed to before and revealed after."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.authority.terms import terms_for
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    existing,
    json_option,
    pass_session,
    print_json,
    print_table,
    write_out,
)
from console.evaluator import challenging
from console.evaluator.challenging import MOST_AHEAD_S, WITHIN_S, Compared
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant, State
from monitor.roster.export import escaped
from monitor.sources.challenges import commitment, read_challenge, read_observations, read_salt
from monitor.store import evaluations as store
from monitor.store.evaluations import CHALLENGE, REVEAL, Evaluation
from monitor.store.identities import point_ids

MAX_SHOWN = 200
_FILE = click.Path(path_type=Path)
_HASH = re.compile(r"[0-9a-f]{64}")
STATE_ZH = {State.ONLINE: "在线 online", State.OFFLINE: "离线 offline", State.UNKNOWN: "未知 unknown", None: ""}


@click.group()
def challenge() -> None:
    """暗访核验：先承诺、后揭示 challenges."""


@challenge.command(short_help="登记承诺 commit to secret points and times")
@click.argument("file", type=_FILE, required=False)
@click.option(
    "--sha256", "given", metavar="HEX", help="只登记评价方自己算出的承诺 register a commitment made elsewhere"
)
@click.option("--salt", type=_FILE, help="已有的盐值文件 a salt that exists; 默认生成 by default FILE.salt is made")
@actor_option
@pass_session
@answering
def commit(session: Session, file: Path | None, given: str | None, salt: Path | None, actor: str) -> None:
    """登记暗访名单 FILE（point,at）的加盐指纹；库里只存指纹，名单与盐值由评价方保管到揭示时。

    Register the salted hash of a list of secret points and times. Only the hash is kept here: list and salt stay with
    the evaluator until the reveal. He may reckon it on his own machine and hand in the hash alone (--sha256):

    \b
        cat FILE.salt FILE | sha256sum
        copy /b FILE.salt+FILE joined && certutil -hashfile joined SHA256      (Windows)

    FILE.salt is 64 lower-case hexadecimal digits and a line feed, at random (openssl rand -hex 32 > FILE.salt).
    """
    if (file is None) == (given is None):
        raise click.UsageError("给出 FILE 或 --sha256，二者取一 give FILE, or --sha256")
    if file is None:
        known = (given or "").strip().lower()
        if salt is not None or not _HASH.fullmatch(known):
            raise refuse(
                "须为 64 位十六进制 64 hexadecimal digits, without --salt",
                "sha256sum 的输出 as printed",
                column="sha256",
            )
        _register(session, known, actor)
        return
    existing(file, "challenge")
    read = read_challenge(file)
    at = database.now()
    latest = Instant(at + MOST_AHEAD_S * MICROSECONDS)
    with database.reader(session.settings) as connection:
        points = point_ids(connection)
    challenging.check_moments(
        read, points, at, latest, "承诺须早于时刻，且一年之内 commit before the time, within a year"
    )
    with _salted(file, salt) as (place, bytes_):
        _register(session, commitment(bytes_, read.data), actor)
    click.echo(f"盐值 salt: {place}（由评价方保管，揭示前不外传 keep it secret until the reveal）")
    click.echo(f"核对 check: cat {place} {file} | sha256sum")


@contextmanager
def _salted(file: Path, salt: Path | None) -> Iterator[tuple[Path, bytes]]:
    """Give the salt that was named, or a new one beside the file, which goes again if the registration fails."""
    if salt is not None:
        yield salt, read_salt(salt)
        return
    place = file.with_name(file.name + ".salt")
    fresh = f"{secrets.token_hex(32)}\n".encode()
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(fresh)
    except FileExistsError:
        remedy = f"用它 use it: --salt {place}，或另存名单 or give the list another name"
        raise refuse("盐值文件已存在 the salt exists and is not overwritten", remedy, file=str(place)) from None
    except OSError as error:
        message = f"盐值文件写不进 the salt cannot be written: {error.strerror}"
        raise refuse(message, "检查目录权限 check the folder", file=str(place)) from error
    try:
        yield place, fresh
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def _register(session: Session, known: str, actor: str) -> None:
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        at = database.now()
        found, added = store.add(connection, writer.audit, CHALLENGE, known, None, of={}, at=at, actor=actor)
    word = "已登记承诺 committed" if added else f"此前已由 {found.actor} 登记 was committed before"
    click.echo(f"{word}: {known}（{_local(found.at, session.settings.zone)}）")


@challenge.command(short_help="揭示并比对 reveal, and compare with the record")
@click.argument("file", type=_FILE)
@click.option("--salt", type=_FILE, required=True, help="承诺时的盐值文件 the salt of the commitment")
@click.option(
    "--observations", type=_FILE, required=True, help="所见 what was seen: point,at,seen(online|offline),note"
)
@click.option("--contract", help="按此合同的口径 under this contract's policy; 默认为设置 default: the settings'")
@click.option("--within", type=click.IntRange(0, 86_400), default=WITHIN_S, show_default=True, metavar="SECONDS",
              help="观察与承诺时刻至多相差 how far an observation may be from its committed time")  # fmt: skip
@click.option("--out", type=_FILE, help="逐条结果写成 CSV every instant as CSV")
@actor_option
@json_option
@pass_session
@answering
def reveal(
    session: Session,
    file: Path,
    salt: Path,
    observations: Path,
    contract: str | None,
    within: int,
    out: Path | None,
    actor: str,
    as_json: bool,
) -> None:
    """核对 FILE 与承诺，并把所见与本系统在这些时刻的记录比对：一致率、95 % 精确区间、不一致清单。

    Check the list against its commitment and compare what was seen with the record at these instants: how often they
    agree (with Clopper and Pearson's exact 95 % interval), where they do not; of what the record does not know is apart.
    """
    for path in (file, observations):
        existing(path, "challenge")
    settings = session.settings
    read, salted, seen = read_challenge(file), read_salt(salt), read_observations(observations)
    known = commitment(salted, read.data)
    terms = None if contract is None else terms_for(settings, contract)
    policy = settings.policy if terms is None else terms.policy
    with database.open_writer(settings) as writer, writer.transaction() as connection:
        committed = store.newest(connection, CHALLENGE, known)
        if committed is None:
            raise refuse(
                f"没有这份承诺：盐值不对或名单被改动 no such commitment, wrong salt or changed file: {known}",
                "用承诺时的两个原文件；camsla challenge list use the two files as they were",
                file=str(file),
            )
        now = database.now()
        why = f"须在承诺 {_local(committed.at, settings.zone)} 之后、现在之前 after the commitment and before now"
        challenging.check_moments(read, point_ids(connection), committed.at, now, why)
        pairs = challenging.paired(read, seen, str(observations), within)
        rows = challenging.compare(connection, pairs, policy, settings.zone)
        found = (committed.at, committed.actor)
        name = "" if terms is None else terms.contract
        document = challenging.reveal_document(known, found, salted, read, rows, (name, policy), within)
        of = _summary(document)
        added, new = store.add(connection, writer.audit, REVEAL, known, document, of=of, at=now, actor=actor)
    if out is not None:
        write_out(out, _csv(rows, settings.zone))
    if as_json:
        print_json({"version": added.version, "sha256": added.sha256, "added": new, **document})
        return
    _show(document, rows, settings.zone)
    click.echo(f"{'已登记结果 recorded' if new else '与此前相同 the same as before'}: v{added.version} {added.sha256}")


def _summary(document: dict[str, Any]) -> dict[str, int | str]:
    by = document["by_policy"]
    return {"agreed": by["agreed"], "compared": by["compared"], "challenge": document["challenge"]}


def _show(document: dict[str, Any], rows: Sequence[Compared], zone: str) -> None:
    click.echo(
        f"承诺 commitment: {document['challenge']}（{_local(document['committed_at'], zone)}，{document['committed_by']}）"
    )
    columns = [("记录 record", False), ("比对 compared", True), ("一致 agreed", True), ("不一致 disagreed", True),
               ("一致率 rate", True), ("95 % 区间 interval", False), ("未知 unknown", True)]  # fmt: skip
    named = f"口径 policy {document['contract']}".strip()
    tallies = [
        (
            title, by["compared"], by["agreed"], by["disagreed"], _percent(by["rate"]),
            f"{_percent(by['low'])} – {_percent(by['high'])}" if by["rate"] else "", by["unknown"],
        )
        for title, by in (("原始 raw", document["by_raw"]), (named, document["by_policy"]))
    ]  # fmt: skip
    print_table("一致率 agreement（Clopper–Pearson）", columns, tallies)
    if document["not_observed"]:
        click.echo(f"未观察 not observed: {document['not_observed']}")
    _list("不一致 disagreements", [r for r in rows if _differs(r)], zone)
    _list(
        "记录未知 unknown to the record",
        [r for r in rows if r.seen is not None and State.UNKNOWN in (r.raw, r.policy)],
        zone,
    )


def _differs(row: Compared) -> bool:
    return row.seen is not None and any(s not in (State.UNKNOWN, row.seen) for s in (row.raw, row.policy))


HEADINGS = ("点位 point", "承诺时刻 planned", "观察时刻 at", "所见 seen", "原始 raw", "口径 policy", "备注 note")


def _cells(row: Compared, zone: str) -> tuple[str, ...]:
    at = "" if row.at is None else _local(row.at, zone)
    states = (STATE_ZH[state] for state in (row.seen, row.raw, row.policy))
    return row.point, _local(row.planned, zone), at, *states, row.note


def _list(title: str, rows: Sequence[Compared], zone: str) -> None:
    if not rows:
        return
    print_table(f"{title} · {len(rows):,}", [(heading, False) for heading in HEADINGS],
                [_cells(row, zone) for row in rows[:MAX_SHOWN]])  # fmt: skip
    if len(rows) > MAX_SHOWN:
        click.echo(f"…… 另有 {len(rows) - MAX_SHOWN:,} 条 more（--out 看全部 shows all）")


def _csv(rows: Sequence[Compared], zone: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*HEADINGS, "一致 agrees"])
    for row in rows:
        agrees = "" if row.agrees is None else "是 yes" if row.agrees else "否 no"
        writer.writerow([escaped(cell) for cell in (*_cells(row, zone), agrees)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


@challenge.command("list", short_help="列出承诺与结果 list commitments and results")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出承诺及其揭示结果 list commitments and what their reveals found."""
    zone = session.settings.zone
    with database.reader(session.settings) as connection:
        commitments = store.listed(connection, CHALLENGE)
        reveals: dict[str, Evaluation] = {row.id: row for row in store.listed(connection, REVEAL)}
    found = [(row, reveals.get(row.id)) for row in commitments]
    if as_json:
        print_json([
            {
                "commitment": row.id,
                "at": _local(row.at, zone),
                "actor": row.actor,
                "reveal": None if result is None else {"version": result.version, **_short(result.document)},
            }
            for row, result in found
        ])  # fmt: skip
        return
    print_table(
        "暗访核验 challenges",
        [("承诺 commitment", False), ("登记 at", False), ("经办 by", False), ("揭示 revealed", False), ("一致 agreed", False)],
        [
            (row.id[:16], _local(row.at, zone), row.actor, "" if result is None else _local(result.at, zone),
             "" if result is None else "{agreed}/{compared}".format(**result.document["by_policy"]))
            for row, result in found
        ],
    )  # fmt: skip


def _short(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in ("contract", "by_raw", "by_policy", "not_observed")}


def _percent(share: str | None) -> str:
    return "—" if share is None else f"{float(share):.2%}"


def _local(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone)).isoformat(timespec="seconds")
