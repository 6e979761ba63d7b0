"""`camsla restore FILE`: a backup put back into an empty place, checked before anything is written."""

from __future__ import annotations

from pathlib import Path

import click

from console.app import database
from console.backups import restore as putting
from console.backups.checking import verified
from console.backups.form import key_files
from console.cli.frame import Session, actor_option, answering, pass_session, progress_bar
from console.log.keys import first_line

_KEYS = {
    "fits": "在位且相符 there, and the right one",
    "missing": "缺失：放回备份的密钥文件 missing: put its backup there",
    "other": "不相符：这不是备份时的密钥 another key than the backup was made with",
    "restored": "已从备份恢复 restored",
    "unneeded": "备份时没有 there was none",
}


@click.command(short_help="恢复备份 put a backup back")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="已有内容改名保留后恢复 keep what is there aside, under another name")
@click.option("--check", is_flag=True, help="只核验，不写入 check it only")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="其首行打开备份中的密钥 opens the keys in it")
@actor_option
@pass_session
@answering
def restore(session: Session, file: Path, replace: bool, check: bool, passphrase_file: Path | None, actor: str) -> None:
    """把 FILE 恢复到设置所指的数据库和目录；先逐字节核验，全部就位或什么都不变。服务须先停止。

    Check FILE to its last byte, then put database, evidence log and archive in place: all of it or nothing. The place must be
    empty unless --replace is given. SQLite and PostgreSQL restore each other's backups.
    """
    bar, moved = progress_bar("核验 checking" if check else "恢复 restoring")
    if check:
        with bar:
            manifest = verified(file, moved)
        click.echo(f"完好 whole: {len(manifest.files):,} 个文件 files，{manifest.software}，{manifest.database}")
        return
    settings = session.settings
    with bar:
        done = putting.restore(
            settings,
            file,
            at=database.now(),
            actor=actor,
            replace=replace,
            passphrase=None if passphrase_file is None else first_line(passphrase_file),
            moved=moved,
        )
    rows = sum(table.rows for table in done.manifest.tables.values())
    click.echo(f"已恢复 restored: {rows:,} 行 rows，{len(done.manifest.files):,} 个文件 files")
    for one in done.aside:
        click.echo(f"原有内容保留在 what was there is kept as: {one}", err=True)
    for name, state in done.keys.items():
        click.echo(f"密钥 key {key_files(settings)[name]}: {_KEYS[state]}", err=True)
    click.echo("所有人须重新登录 everybody signs in anew", err=True)
