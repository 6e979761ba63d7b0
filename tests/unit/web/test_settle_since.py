"""An adjustment says what came between: the exclusion that was approved after the quarter had been drafted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from console.app.database import open_writer
from monitor.model import Instant
from tests.settle_site import AT, PERSONS, call, made, upto
from tests.site_app import get, post, site_client
from tests.stores.quarters import NOW, excluded
from tests.unit.web.test_settle_statement import LIFE

DAY = int(timedelta(days=1).total_seconds() * 1_000_000)
LATE, LATER = Instant(NOW + DAY), Instant(NOW + 2 * DAY)


async def test_an_adjustment_leads_to_what_was_decided_since(tmp_path: Any) -> None:
    settings = made(tmp_path)
    async with site_client(settings, PERSONS, at=NOW) as client:
        await upto(client, *LIFE)
    writer = open_writer(settings, "cli")
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00", at=LATE)
    excluded(writer, "A-1", "2020-11-02T00:00:00", "2020-11-03T00:00:00", at=LATE)  # of the other quarter
    writer.close()
    async with site_client(settings, PERSONS, at=LATER) as client:
        assert (await post(client, f"{AT}/2020Q4/draft", "h", {}))[0] == 303
        _, page = await get(client, f"{AT}/2020Q4", "h")
        line = re.search(
            r'href="([^"]+/why/\d+)" title="[^"]*">[^<]*</a></td>(?:(?!</tr>).)*以前期调整 2020Q3', page, re.S
        )
        assert line is not None
        _, why = await get(client, line[1], "h")
        assert "此间登记的变化" in why
        assert "同意剔除" in why
        assert "2020-08-03" in why
        assert "2020-11-02" not in why
        assert f'href="{AT}/2020Q3/points/A-1?revision=0"' in why
        _, paid = await get(client, f"{AT}/2020Q4/why/2", "h")
        assert "此间登记的变化" not in paid
        _, trail = await call(client, "GET", "/statements/small/2020Q3/trail", "h")
        assert trail["items"][0]["after"] == "state issued"
