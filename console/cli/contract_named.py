"""A contract's file as commands are given it: a bare name is the shipped example, never the version in the store."""

from __future__ import annotations

from pathlib import Path

from config.contracts import load_contract, shipped
from console.app import database
from console.cli.frame import Session, report
from monitor.finding import Finding, refuse
from settlement.contract import Terms
from settlement.store import contracts

WHICH = "文件 a file，或随附示例的名称 or the name of the shipped example (never the stored version)"


def named_contract(session: Session, path: Path) -> Terms:
    """Read a contract as `load_contract`; a bare name that is also that of a stored contract is told from it."""
    tell_which(session, path)
    return load_contract(path)


def tell_which(session: Session, path: Path) -> None:
    """Warn that a bare name stands for the shipped example, if the store holds a contract of that name.

    InputError where only the store knows the name: these commands read a file.
    """
    example = shipped(path) != path
    if (path.exists() and not example) or path.parent != Path() or not database.database_exists(session.settings):
        return
    with database.reader(session.settings) as connection:
        stored = contracts.versions(connection, path.name)
    if not stored:
        return
    last = f"{stored[-1].version}"
    if not example:
        raise refuse(
            f"{path.name} 只在库中（第 {last} 版），此命令读文件 is in the store only (version {last}): this command reads a file",
            "写合同的 YAML 文件 name its file；按库中版本结算 by the stored version: camsla statement draft",
            column="contract",
        )
    message = f"{path.name} 取随附的示例 is the shipped example here, not the stored version {last}（不是库中版本）"
    remedy = "按库中版本结算 by the stored version: camsla statement draft；否则写文件路径 else name its file"
    report([Finding("", 0, "contract", message, remedy, "warning")])
