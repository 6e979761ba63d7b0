"""The command line: `camsla`. One file per noun; what they share is in frame.py."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from console.cli.usage import in_chinese

COMMANDS = (
    "points",
    "runs",
    "exclusions",
    "corrections",
    "events",
    "rates",
    "outages",
    "settle",
    "contract",
    "authority",
    "documents",
    "statement",
    "score",
    "challenge",
    "ledger",
    "payment",
    "invoice",
    "budget",
    "workdays",
    "probe",
    "discover",
    "watch",
    "archive",
    "serve",
    "account",
    "evidence",
    "backup",
    "restore",
)
"""Each is a module here with a command of its name, loaded when it is asked for: a start should not take a second."""


class _OnDemand(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with in_chinese():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with in_chinese():
            return super().invoke(ctx)


@click.group(cls=_OnDemand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="camsla")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="CAMSLA_CONFIG",
    help="设置文件 settings (YAML)；默认 default ./camsla.yaml",
)
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """看护城市监控点位并结算其租赁合同。

    Watch a city's cameras and settle the contract that pays for them.
    """
    from console.cli.frame import Session  # noqa: PLC0415  `--help` and `--version` need none of it

    context.obj = Session(config)
