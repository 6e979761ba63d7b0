"""The command line: `camsla`. One file per noun; what they share is in frame.py."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.exclusions import exclusions
from console.cli.frame import Session
from console.cli.points import points
from console.cli.probe import probe
from console.cli.rates import rates
from console.cli.runs import runs
from console.cli.serve import serve
from console.cli.settle import settle
from console.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
    context.obj = Session(config)


for command in (points, runs, exclusions, rates, settle, probe, watch, serve):
    main.add_command(command)
