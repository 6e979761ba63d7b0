"""`agt` records: which batches of a vantage are in the log, as one digest over their digests.

With it the raw archive, whose batches can be told by their digests, hangs on the log as well. Digests are read in pieces, so
that a database that is years old does not hold up its writer.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, insert, select, update

from monitor.model import Instant
from monitor.store.lock import one_at_a_time
from monitor.store.outbox import report
from monitor.store.tables import batches, log_batches, vantages

MOST_BATCHES = 20_000
"""So many batches one record covers at most: a vantage writes 3,600 an hour."""


def cover(connection: Connection, at: Instant, most: int = MOST_BATCHES) -> bool:
    """Add a record for each vantage that has batches beyond its last one, in the caller's transaction.

    Return whether more are left than `most`: then it is to be called again. Batches that were given up, or archived
    before they were covered, leave a hole in the numbers, and the record ends before it.
    """
    one_at_a_time(connection, "cover batches")
    more = False
    query = select(vantages.c.id, vantages.c.name, log_batches.c.seq).outerjoin(
        log_batches, log_batches.c.vantage_id == vantages.c.id
    )
    for number, name, covered in connection.execute(query.order_by(vantages.c.name)).all():
        found = connection.execute(
            select(batches.c.seq, batches.c.n, batches.c.sha256)
            .where(batches.c.vantage_id == number, batches.c.seq > (covered or 0))
            .order_by(batches.c.seq)
            .limit(most)
        ).all()
        whole = [row for place, row in enumerate(found) if row.seq == found[0].seq + place]
        if not whole:
            continue
        more = more or len(whole) < len(found) or len(found) == most
        digest = hashlib.sha256(b"".join(bytes.fromhex(row.sha256) for row in whole)).hexdigest()
        body = {
            "first": whole[0].seq,
            "key": "",
            "last": whole[-1].seq,
            "n": sum(row.n for row in whole),
            "sha256": digest,
            "sig": "",
            "vantage": name,
        }
        report(connection, at, "agt", [body])
        if covered is None:
            connection.execute(insert(log_batches).values(vantage_id=number, seq=whole[-1].seq))
        else:
            reached = update(log_batches).where(log_batches.c.vantage_id == number)
            connection.execute(reached.values(seq=whole[-1].seq))
    return more
