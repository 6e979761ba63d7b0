"""Run every benchmark and print one table; `--json FILE` writes the figures as well."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import accounting
from tests.bench.figure import Figure

BENCHES = (accounting,)


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--json", type=Path, default=Path("bench.json"))
    chosen = words.parse_args()
    figures: list[Figure] = []
    for bench in BENCHES:
        for figure in bench.run():
            figures.append(figure)
            print(f"{figure.name}: {figure.value:,.4g} {figure.unit}", flush=True)
    table = Table(title=f"camsla · {platform.python_version()} · {platform.machine()}", title_justify="left")
    for heading in ("measured", "figure", "unit", "target", "against"):
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, figure.target, figure.against)
    Console(width=150).print(table)
    chosen.json.write_text(json.dumps([figure.__dict__ for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
