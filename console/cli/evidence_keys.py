"""`camsla evidence keygen|rotate|trust`: the key that seals the log, a witness's key, and what an evaluator pins."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, pass_session, print_json, write_out
from console.log.keys import first_line
from console.log.rotating import rotate as rotate_key
from console.log.sealing import log_of
from console.log.trust import trust_of
from monitor.evidence.keys import WITNESS, PrivateKey, PublicKey, write_key
from monitor.finding import refuse


@click.command(short_help="生成密钥 make a key")
@click.option("--witness", metavar="NAME", help="见证人的密钥，而非封存密钥 a witness's key instead of the collector's")
@click.option(
    "--out", type=click.Path(path_type=Path), help="密钥文件 the key file；封存密钥默认按设置 default: by the settings"
)
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="用其首行加密 encrypt with its first line")
@pass_session
@answering
def keygen(session: Session, witness: str | None, out: Path | None, passphrase_file: Path | None) -> None:
    """生成封存密钥（0600，与数据库分开存放和备份），并输出公钥与 trust.json 样本。

    Make the key that seals the log (mode 0600; keep it, and its backup, apart from the database) and print its public key
    with a template of trust.json. With --witness the key of somebody who co-signs.
    """
    if witness is None:
        settings = session.settings
        path = out or settings.evidence_key_path
        opened_by = passphrase_file or settings.evidence.passphrase_path
        name = settings.evidence.origin
    else:
        if out is None:
            raise refuse("须写明密钥文件 name the key file", "--out FILE", column="out")
        path, opened_by, name = out, passphrase_file, witness
    try:
        key = PrivateKey.generate(name)
    except ValueError as error:
        raise refuse(f"名称不能用 not a usable name: {error}", "不含空格和加号 no blanks, no plus sign") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_key(path, key, None if opened_by is None else first_line(opened_by))
    click.echo(f"密钥已生成，请另行备份 made, back it up apart from the database: {path}", err=True)
    if witness is not None:
        click.echo(key.public(WITNESS).text())
        return
    click.echo(key.public().text())
    _show_trust(trust_of(session.settings, key.public()))


def _show_trust(trust: dict[str, object]) -> None:
    click.echo("trust.json（另行交给评价机构 hand it over apart from any pack）:", err=True)
    print_json(trust)
    if not trust["witnesses"]:
        click.echo(
            "尚无见证人：只有本系统的签名，改写历史不会被发现 no witness is named in evidence.witnesses: whoever holds the "
            "key could rewrite history",
            err=True,
        )


@click.command(short_help="输出 trust.json print what an evaluator pins")
@click.option("--out", type=click.Path(path_type=Path), help="写入文件 write to a file")
@pass_session
@answering
def trust(session: Session, out: Path | None) -> None:
    """输出 trust.json：日志名称、现用公钥与须见证者 print trust.json: the log's name, its key, who must have witnessed it."""
    where = log_of(session.settings)
    document = trust_of(session.settings, where.keys.current().public())
    if out is None:
        _show_trust(document)
        return
    write_out(out, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    click.echo(f"已写入 written: {out}")


@click.command(short_help="换密钥 change the key")
@actor_option
@pass_session
@answering
def rotate(session: Session, actor: str) -> None:
    """换封存密钥：新旧密钥共同签署的记录进入日志，当日仍用旧钥封存，次日起用新钥。

    Change the key: a record signed by both goes into the log. The day it falls on is still sealed with the old key, the next
    with the new one. Hand out the new trust.json for packs that begin later.
    """
    where = log_of(session.settings)
    with database.open_writer(session.settings) as writer:
        new: PublicKey = rotate_key(writer, where, at=database.now(), actor=actor)
    click.echo(f"下一日起 from the next day on: {new.text()}")
    click.echo(f"新密钥 the new key: {where.keys.next_path}（请另行备份 back it up）", err=True)
    _show_trust(trust_of(session.settings, new))
