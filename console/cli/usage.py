"""How a command line that cannot be read is answered: click's messages, with their Chinese before them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

_BY_START = (
    ("No such command", "没有这个命令"),
    ("No such option", "没有这个选项"),
    ("Missing command", "缺少命令"),
    ("Missing option", "缺少选项"),
    ("Missing argument", "缺少参数"),
    ("Missing parameter", "缺少参数"),
    ("Invalid value", "取值无效"),
    ("Got unexpected extra", "多余的参数"),
)


class Unreadable(click.UsageError):
    """A message in Chinese and English. Shown as click shows its own, exit code 2."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print usage, where help is, and the message."""
        if self.ctx is not None:
            click.echo(f"用法 {self.ctx.get_usage()}", file=file, err=file is None)
            click.echo(f"帮助 help: {self.ctx.command_path} --help", file=file, err=file is None)
        click.echo(f"错误 error: {self.format_message()}", file=file, err=file is None)


@contextmanager
def in_chinese() -> Iterator[None]:
    """Put Chinese before what click says of a command line within."""
    try:
        yield
    except Unreadable:
        raise
    except click.exceptions.NoArgsIsHelpError:  # it is the help, not a complaint
        raise
    except click.UsageError as error:
        raise Unreadable(_told(error), error.ctx) from error


def _told(error: click.UsageError) -> str:
    text = error.format_message()
    for start, chinese in _BY_START:
        if text.startswith(start):
            return f"{chinese} {text}"
    if isinstance(error, click.BadOptionUsage):
        return f"选项写法有误 {text}"
    return text
