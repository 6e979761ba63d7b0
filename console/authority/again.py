"""The same file handed in again: nothing new where it was read alike, refused where it was read in another way."""

from __future__ import annotations

from sqlalchemy import Connection

from monitor.finding import refuse
from settlement.store import authority as store
from settlement.store.authority import Imported, StoredFile


def read_alike(connection: Connection, stored: StoredFile, file: Imported) -> None:
    """Refuse a file that stands already, read in another way: whoever corrected the reading must not find the old figures."""
    before = [figure._replace(file="") for figure in store.figures_of(connection, stored)]
    if before == [figure._replace(file="") for figure in file.figures]:
        return
    stands = "已核对" if stored.checked_at else "待核对"
    raise refuse(
        f"同一文件已由 {stored.actor} 按另一种读法导入，{stands} the same file stands, read in another way",
        f"先撤回那一份（编号 {stored.id}），再按现在的读法导入 withdraw that one first, then import it again",
        file=file.name,
    )
