"""`camsla authority`: the authority's figures brought in, checked, listed, and reconciled with our own."""

from __future__ import annotations

from collections.abc import Mapping

import click

from console.cli.on_demand import OnDemand

VERBS: Mapping[str, tuple[str, str]] = {
    "import": ("authority_import", "import_"),
    "check": ("authority_files", "check"),
    "withdraw": ("authority_files", "withdraw"),
    "list": ("authority_files", "list_"),
    "show": ("authority_files", "show"),
    "reconcile": ("authority_reconcile", "reconcile"),
    "mapping": ("authority_mapping", "mapping"),
}
"""Each verb's module here and the command's name in it, loaded when it is asked for."""


@click.group(cls=OnDemand, verbs=VERBS)
def authority() -> None:
    """公安数据：导入、核对、与系统监测对账 the authority's figures."""
