"""Contracts as files: one YAML file each, read strictly. Those that ship with the product lie in contracts/."""

from __future__ import annotations

from pathlib import Path

from config.load import load_model
from settlement.contract import Terms

SHIPPED = Path(__file__).parent / "contracts"


def load_contract(path: Path) -> Terms:
    """Read a contract. Raises InputError with every finding, each with file and line.

    A bare name of a contract that ships with the product, like `xinjian`, stands for its file.
    """
    return load_model(shipped(path), Terms)


def shipped(path: Path) -> Path:
    """Return the file that a bare name of a shipped contract stands for; any other path as it is."""
    if not path.exists() and path.parent == Path() and (SHIPPED / f"{path.name}.yaml").is_file():
        return SHIPPED / f"{path.name}.yaml"
    return path
