"""What all commands share: settings, who acts, the database, and how bad input is answered (exit 2)."""

from __future__ import annotations

import functools
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from config.settings import Settings, load_settings
from monitor.finding import Finding, InputError, refuse

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    from rich.progress import Progress


class Session:
    """One invocation: the settings, and the database once somebody asks for it."""

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self._settings: Settings | None = None

    @property
    def path(self) -> Path | None:
        """The settings file: the one named, else ./camsla.yaml if there is one."""
        if self._config is None and Path("camsla.yaml").exists():
            return Path("camsla.yaml")
        return self._config

    @property
    def settings(self) -> Settings:
        """The settings in force; raises InputError with every finding."""
        if self._settings is None:
            self._settings = load_settings(self.path, os.environ)
        return self._settings

    def with_watch(self, overrides: Mapping[str, object]) -> Settings:
        """Return the settings with keys of `watch` replaced, checked like those of a file."""
        environ = dict(os.environ)
        for name, value in overrides.items():
            environ[f"CAMSLA_WATCH__{name.upper()}"] = str(value)
        return load_settings(self.path, environ)


pass_session = click.make_pass_decorator(Session)


def actor_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--actor NAME`: who answers for the change. Default: the operating system's login, marked as such."""
    return click.option(
        "--actor",
        envvar="CAMSLA_ACTOR",
        default=lambda: f"os:{getpass.getuser()}",
        show_default="系统登录名 the system login",
        callback=_actor,
        help="经办人 who answers for this change",
    )(command)


def _actor(_context: click.Context, _option: click.Parameter, value: str) -> str:
    name = value.strip()
    if not name or len(name) > 64 or not name.isprintable():
        raise click.BadParameter("须为 1 到 64 个可见字符 1 to 64 printable characters")
    return name


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="输出 JSON print JSON")(command)


def print_json(value: object) -> None:
    """Print one JSON document, Chinese text as it is, keys in the order given."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(
    title: str,
    columns: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[object]],
    width: int = 160,
    optional: Sequence[str] = (),
) -> None:
    """Print a table; a column is (heading, is it a number). `width` is that of a file or pipe; a terminal has its own.

    Columns named in `optional` are left out where all their cells are empty. Figures are never cut off: a file gets longer
    lines, and a terminal too narrow for the table gets one line per cell.
    """
    from rich.console import Console  # noqa: PLC0415  a watcher that lives for months prints no tables
    from rich.table import Table  # noqa: PLC0415

    from console.cli.table import records, rooms  # noqa: PLC0415  as above

    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    kept = [n for n, (heading, _) in enumerate(columns) if heading not in optional or any(row[n] for row in texts)]
    columns, texts = [columns[n] for n in kept], [[row[n] for n in kept] for row in texts]
    terminal = sys.stdout.isatty()
    wide = Console(width=None if terminal else width, highlight=False)
    room, least = rooms(columns, texts, wide.width)
    if least > wide.width:
        if terminal and texts:
            wide.print(title, style="bold", markup=False)
            click.echo("\n".join(records(columns, texts)))
            return
        wide = Console(width=least, highlight=False)
    table = Table(title=title, title_justify="left", header_style="bold")
    for (heading, number), (whole, fixed) in zip(columns, room, strict=True):
        table.add_column(
            heading,
            justify="right" if number else "left",
            no_wrap=whole and fixed is None,
            width=fixed,
            overflow="fold",
        )
    for row in texts:
        table.add_row(*row)
    if not table.rows:
        table.add_row("（无 none）", *[""] * (len(columns) - 1))
    wide.print(table)


def report(findings: Iterable[Finding]) -> None:
    """Print findings to the error stream, one a line; warnings are marked."""
    for finding in findings:
        mark = "警告 warning" if finding.level == "warning" else "错误 error"
        click.echo(f"{mark}: {finding}", err=True)


def progress_bar(description: str) -> tuple[Progress, Callable[[int, int], None]]:
    """Return a progress bar on the error stream and the callback (done, total) that moves it."""
    from rich import progress  # noqa: PLC0415  as above
    from rich.console import Console  # noqa: PLC0415

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        console=Console(stderr=True, highlight=False, soft_wrap=True),
    )
    task = bar.add_task(description, total=None)

    def moved(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return bar, moved


def answering(command: Callable[P, R]) -> Callable[P, R]:
    """Turn bad input and an unreachable database into messages and exit 2; anything else is a bug and shows itself."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except InputError as error:
            report(error.findings)
        except (OperationalError, DBAPIError) as error:
            report(
                [
                    Finding(
                        "",
                        0,
                        "database_url",
                        f"数据库不可用 the database does not answer: {str(error.orig).strip()}",
                        "检查 CAMSLA_DATABASE_URL、磁盘和权限 check the address, the disk and the permissions",
                    )
                ]
            )
        raise SystemExit(2)

    return wrapped


def existing(path: Path, what: str) -> Path:
    """Return the path if it is a readable file, else refuse."""
    if not path.is_file():
        raise refuse(f"没有这个文件 no such {what} file", "检查路径 check the path", file=str(path))
    return path


def write_out(path: Path | None, data: bytes | str) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    raw = data.encode() if isinstance(data, str) else data
    if path is None:
        sys.stdout.buffer.write(raw)
        return
    part = path.with_name(path.name + ".part")
    part.write_bytes(raw)
    part.replace(path)
