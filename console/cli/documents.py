"""`camsla documents`: scans and files that were handed in, known by their digests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console.app import database
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
from console.documents.handed_in import keep
from monitor.finding import refuse
from settlement.store import documents as store


@click.group()
def documents() -> None:
    """文件存档：扫描件、来文、佐证 documents."""


@documents.command(short_help="存入文件 keep a document")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="名称；默认为文件名 a name; by default the file's")
@actor_option
@pass_session
@answering
def add(session: Session, file: Path, name: str | None, actor: str) -> None:
    """存入 FILE（至多 10 MB）并给出指纹；同一文件只存一次 keep a file and print its digest; the same bytes are kept once."""
    with existing(file, "document").open("rb") as stream:
        body = stream.read(store.MAX_BYTES + 1)
    called = (name or file.name).strip()
    if not called or len(called) > 200 or not called.isprintable():
        raise refuse("名称无效 not a usable name", "1–200 个可见字符 printable characters", column="name")
    at = database.now()
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        sha, added = keep(writer, connection, body, called, at=at, actor=actor)
        if added:
            after = {"name": called, "bytes": len(body)}
            writer.audit(connection, at=at, actor=actor, action="document.add", object=sha, before=None, after=after)
    click.echo(f"{'已存 kept' if added else '此前已存 kept before'}: {sha}")


@documents.command("list", short_help="列出文件 list the documents")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出存档的文件 list what is kept."""
    zone = ZoneInfo(session.settings.zone)
    with database.reader(session.settings) as connection:
        rows = store.listed(connection)
    kept = [(row, datetime.fromtimestamp(row.recorded_at / 1e6, zone).isoformat(timespec="seconds")) for row in rows]
    if as_json:
        print_json([{**row._asdict(), "recorded_at": at} for row, at in kept])
        return
    print_table(
        "文件存档 documents",
        [
            ("指纹 digest", False),
            ("名称 name", False),
            ("类型 media", False),
            ("字节 bytes", True),
            ("存入 at", False),
            ("经办 by", False),
        ],
        [(row.sha256[:16], row.name, row.media, f"{row.size:,}", at, row.actor) for row, at in kept],
    )


@documents.command(short_help="取出文件 write a document to a file")
@click.argument("sha")
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="写到 write to")
@pass_session
@answering
def export(session: Session, sha: str, out: Path) -> None:
    """取出指纹为 SHA（至少前 6 位）的文件，核对内容与指纹 write the document to a file, its bytes checked against the digest."""
    if out.exists():
        raise refuse(
            "文件已存在，不覆盖 the file exists and is not overwritten", "换一个名称 choose another", file=str(out)
        )
    with database.reader(session.settings) as connection:
        name, body = store.body_of(connection, store.find(connection, sha))
    write_out(out, body)
    click.echo(f"{name} → {out}（{len(body):,} 字节 bytes）")
