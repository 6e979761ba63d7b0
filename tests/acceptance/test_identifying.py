"""Devices are asked who they are: once, again when they come back, and another device behind an address is an event."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from config.settings import load_settings
from console.app.database import open_writer
from console.app.identifying import Identifying
from console.clock import wall_now
from monitor.probes.breaker import Breaker
from tests.camsla_command import Camsla
from tests.servers import fleet


def changed(folder: Path) -> list[tuple[str, str]]:
    """The events of points, as anybody may read them while the writer is open."""
    with closing(sqlite3.connect(folder / "data" / "camsla.db")) as connection:
        query = "SELECT p.code, e.kind FROM events e JOIN points p ON p.id = e.point_id"
        return connection.execute(query).fetchall()


def test_daily_and_on_return(tmp_path: Path) -> None:
    script = [{"cameras": "2", "fault": "replaced", "at_s": 12, "for_s": 300}]
    with fleet.running(tmp_path / "fleet", cameras=4, host_base="127.44.0.0", port=19654, faults=script) as city:
        camsla = Camsla(tmp_path)
        camsla.ok("points", "import", str(city.points), "--actor", "test")
        settings = load_settings(None, {"CAMSLA_DATA_DIR": str(tmp_path / "data")})
        with open_writer(settings) as writer:
            identifying = Identifying(settings, writer, Breaker(), wall_now)

            async def rounds() -> list[int]:
                counts = [await identifying.round(), await identifying.round()]
                for _ in range(60):  # until the other device stands there
                    identifying.came_back("SIM-00002")
                    counts.append(await identifying.round())
                    if changed(tmp_path):
                        break
                    await asyncio.sleep(1)
                return counts

            first, second, *later = asyncio.run(rounds())
            assert (first, second, set(later)) == (4, 0, {1})
        assert "不变 unchanged 4" in camsla.ok("points", "import", str(city.points), "--dry-run")
    events = changed(tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "camsla.db")) as connection:
        cameras = connection.execute("SELECT make, model, serial, macs FROM cameras").fetchall()
        audited = connection.execute("SELECT count(*) FROM audit WHERE action LIKE '%identity%'").fetchone()[0]
    assert all(all(told) for told in cameras), cameras
    assert len({serial for _, _, serial, _ in cameras}) == 4
    assert events == [("SIM-00002", "identity-changed")]
    assert audited == 4
