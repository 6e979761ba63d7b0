"""Run every benchmark and print one table; `--json FILE` writes the figures as well."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import accounting, archive, console, evidence, papers, probing, settling, store
from tests.bench.figure import Figure

BENCHES = (accounting, settling, papers, store, archive, evidence, console, probing)


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
    chosen.json.write_text(json.dumps([_row(figure) for figure in figures], indent=1) + "\n")


def _row(figure: Figure) -> dict[str, object]:
    """What could not be measured is null: JSON has no word for it."""
    return figure.__dict__ | {"value": figure.value if figure.value == figure.value else None}


if __name__ == "__main__":
    main()
