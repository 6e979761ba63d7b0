"""`camsla evidence cosign|add-signature`: a witness signs a checkpoint, the installation takes the signature in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from config.load import MAX_BYTES
from console.app import database
from console.cli.frame import Session, actor_option, answering, existing, pass_session, write_out
from console.log.keys import first_line
from console.log.sealing import log_of
from console.log.witnessing import add
from monitor.evidence.keys import PublicKey, read_key
from monitor.evidence.note import Note, cosign, signed_by
from monitor.finding import refuse
from monitor.model import MICROSECONDS


def _bytes(file: Path, what: str) -> bytes:
    data = (
        sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else existing(file, what).read_bytes()[: MAX_BYTES + 1]
    )
    if len(data) > MAX_BYTES:
        raise refuse("文件过大 the file is too large", "检查文件 is it the right one?", file=str(file))
    return data


@click.command("cosign", short_help="见证签名 co-sign a checkpoint")
@click.argument("note", type=click.Path(path_type=Path))
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), required=True, help="见证人的密钥文件 the witness's key"
)
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="首行为口令 its first line opens the key")
@click.option(
    "--collector",
    metavar="KEY",
    help="采集方公钥，先核验其签名 the collector's public key: its signature is checked first",
)
@click.option("--out", type=click.Path(path_type=Path), help="写入文件 write to a file")
@answering
def cosign_(note: Path, key_file: Path, passphrase_file: Path | None, collector: str | None, out: Path | None) -> None:
    """对检查点 NOTE（- 为标准输入）签名并输出带签名的检查点；没有本程序的见证人用 verifier.py cosign。

    Sign a checkpoint and print it with the signature. A witness without this program uses `verifier.py cosign`.
    """
    data = _bytes(note, "note")
    try:
        found = Note.parse(data)
        point = found.checkpoint
    except ValueError as error:
        message = f"不是检查点 not a checkpoint: {error}"
        raise refuse(message, "须是 camsla evidence checkpoint 的输出 as that prints it", file=str(note)) from None
    if collector is not None:
        try:
            public = PublicKey.parse(collector)
        except ValueError as error:
            raise refuse(
                f"不是公钥 not a public key: {error}", "见 trust.json see trust.json", column="collector"
            ) from None
        if public.name != point.origin or signed_by(found, public) is None:
            raise refuse(
                "采集方签名无效，不予见证 the collector's signature is not valid: do not witness this",
                "核对公钥与检查点来源 check the key, and where the note comes from",
                file=str(note),
            )
    key = read_key(key_file, None if passphrase_file is None else first_line(passphrase_file))
    signed = found.with_signature(cosign(found.text, key, database.now() // MICROSECONDS))
    write_out(out, signed.encode())
    if out is not None:
        click.echo(f"已写入 written: {out}")


@click.command("add-signature", short_help="收入见证签名 take a witness's signature in")
@click.argument("file", type=click.Path(path_type=Path))
@actor_option
@pass_session
@answering
def add_signature(session: Session, file: Path, actor: str) -> None:
    """收入 FILE（- 为标准输入）中的见证签名：带签名的检查点，或单独的签名行；须是设置所列见证人。

    Take in the signatures of FILE: a checkpoint with signatures, or signature lines alone, of the witnesses that the
    settings name. A sealed day's checkpoint.note in the folder gets them.
    """
    settings = session.settings
    data = _bytes(file, "note")
    with database.open_writer(settings) as writer:
        added = add(writer, log_of(settings), data, settings.evidence.witnesses, at=database.now(), actor=actor)
    for one in added:
        what = one.day or "逐时检查点 hourly checkpoint"
        click.echo(
            f"{'已收入 added' if one.new else '此前已有 known before'}: {one.role} → {what}，{one.size:,} 条 records"
        )
