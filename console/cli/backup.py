"""`camsla backup FILE`: everything but the keys in one archive, while the server may run."""

from __future__ import annotations

from pathlib import Path

import click

from config.settings import Settings
from console.app import database
from console.backups import backup as making
from console.backups import noting
from console.backups.form import key_files
from console.cli.frame import Session, actor_option, answering, pass_session, progress_bar
from console.log.keys import first_line
from monitor.finding import InputError
from monitor.model import Instant


@click.command(short_help="备份 everything but the keys in one archive")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="连同两把密钥，须给口令文件 the keys as well, under a passphrase")
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="其首行加密密钥 its first line encrypts the keys"
)
@actor_option
@pass_session
@answering
def backup(session: Session, file: Path, with_keys: bool, passphrase_file: Path | None, actor: str) -> None:
    """备份数据库、证据日志和原始归档到 FILE（ZIP，0600）；服务可以照常运行。密钥默认不在其中，须另行保管。

    Write database, evidence log and raw archive to FILE. The key of camera passwords and the key of the evidence log are
    not in it: keep them apart, or use --with-keys. Restored with `camsla restore`, into either database.
    """
    if with_keys != (passphrase_file is not None):
        raise click.UsageError("--with-keys 与 --passphrase-file 须同时给出 go together")
    settings = session.settings
    at = database.now()
    bar, moved = progress_bar("备份 backing up")
    with bar:
        manifest = making.make(
            settings,
            file,
            at=at,
            moved=moved,
            passphrase=None if passphrase_file is None else first_line(passphrase_file),
        )
    noted = _note(settings, str(file.resolve()), with_keys, at, actor)
    rows = sum(table.rows for table in manifest.tables.values())
    click.echo(
        f"已备份 backed up: {file}，{rows:,} 行 rows，{len(manifest.files):,} 个文件 files，{file.stat().st_size:,} B"
    )
    if not noted:
        click.echo("审计记录由运行中的服务补记 the running server writes the audit row", err=True)
    if not with_keys:
        for path in key_files(settings).values():
            if path.exists():
                click.echo(f"密钥不在备份中，请另行保管 not in it, keep it apart: {path}", err=True)
    click.echo("设置文件和合同文件也不在备份中 nor are the settings file and files of contracts", err=True)


def _note(settings: Settings, file: str, with_keys: bool, at: Instant, actor: str) -> bool:
    """Leave a note of the backup, and take it down unless another process writes; tell whether it is in the audit log."""
    noting.leave(settings.data_dir, file=file, with_keys=with_keys, at=at, actor=actor)
    try:
        database.open_writer(settings).close()  # takes down what waits
    except InputError:
        return False
    return True
