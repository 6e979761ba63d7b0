"""A contract's file as commands are given it: a bare name is the shipped example, and says so where the store has another."""

from __future__ import annotations

from pathlib import Path

from config.contracts import load_contract, shipped
from console.app import database
from console.cli.frame import Session, report
from monitor.finding import Finding
from settlement.contract import Terms
from settlement.store import contracts

WHICH = "文件 a file，或随附示例的名称 or the name of the shipped example (never the stored version)"


def named_contract(session: Session, path: Path) -> Terms:
    """Read a contract as `load_contract`, with a warning where its bare name is also that of a stored contract."""
    tell_which(session, path)
    return load_contract(path)


def tell_which(session: Session, path: Path) -> None:
    """Warn that a bare name stands for the shipped example, if the store holds a contract of that name."""
    if shipped(path) == path or not database.database_exists(session.settings):
        return
    with database.reader(session.settings) as connection:
        stored = contracts.versions(connection, path.name)
    if stored:
        message = f"{path.name} 取随附的示例 is the shipped example here, not the stored version {stored[-1].version}（不是库中版本）"
        remedy = "按库中版本结算 by the stored version: camsla statement draft；否则写文件路径 else name its file"
        report([Finding("", 0, "contract", message, remedy, "warning")])
