"""Which terms a command means by a contract's name or file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from config.contracts import load_contract, shipped
from config.settings import Settings
from console.app import database
from monitor.finding import refuse
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.store import contracts


def terms_for(settings: Settings, contract: str, quarter: Quarter | None = None) -> Terms:
    """Return a contract's terms: the stored version in force in the quarter (or the newest approved), else a file's.

    A path to a file, or the name of a contract that ships with the product where none of that name is stored, is read
    as a file. InputError if there is neither.
    """
    path = Path(contract)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return load_contract(path)
    with ExitStack() as stack:
        if database.database_exists(settings):
            connection = stack.enter_context(database.reader(settings))
            if quarter is not None and (found := contracts.in_force(connection, contract, quarter.start)) is not None:
                return found.terms
            stored = [version for version in contracts.versions(connection, contract) if version.approved_by]
            if stored:
                return stored[-1].terms
    if not shipped(path).is_file():
        raise refuse(
            f"没有这个合同 no such contract: {contract}",
            "写文件路径，或先 name a file, or first: camsla contract add FILE, camsla contract approve CONTRACT VERSION",
            column="contract",
        )
    return load_contract(path)
