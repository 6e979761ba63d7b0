"""A writer's life to be recorded: points, then batch after batch with a notice each, acknowledgements printed when given.

Run as `python -m tests.power_cut.life DATABASE BATCHES SYNCHRONOUS CHECKPOINT_PAGES` under a tracer. What is printed is
what the outside world was promised.
"""

from __future__ import annotations

import json
import random
import sys

from sqlalchemy import insert

from console.store.audit import Audit
from monitor.model import STATE_OF, Instant, Outcome, Reason, Rung, Sample
from monitor.notices import ClockStep
from monitor.store.tables import points
from monitor.store.writer import Writer

VANTAGE = "local"
POINTS = 24
VALID_S = 130
T0 = 1_593_532_800_000_000
STEP_US = 60_000_000


def results(seq: int) -> list[Sample]:
    """Return batch `seq`: every point once, some changed since the batch before."""
    chance = random.Random(seq)
    reasons = (Reason.OK, Reason.OK, Reason.OK, Reason.TIMEOUT, Reason.REFUSED)
    made = []
    for number in range(POINTS):
        reason = chance.choice(reasons)
        outcome = Outcome(STATE_OF[reason], reason, Rung.DESCRIBE)
        at = Instant(T0 + seq * STEP_US + number)
        made.append(Sample(f"p{number:02d}", VANTAGE, at, outcome, VALID_S, chance.randrange(100_000)))
    return made


def promise(**what: object) -> None:
    """Print one line in one write, as `camsla watch --acks` does."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(database: str, batches: int, synchronous: str, checkpoint_pages: int) -> None:
    with Writer.open(f"sqlite:///{database}", Audit("test")) as writer:
        with writer.transaction() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
        # Between transactions, where SQLite takes them; checkpoints come often, so that cuts meet them.
        driver.execute(f"PRAGMA synchronous={synchronous}")
        driver.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
        with writer.transaction() as connection:
            connection.execute(insert(points), [{"code": f"p{n:02d}"} for n in range(POINTS)])
        promise(points=POINTS)
        seq = writer.resume(VANTAGE, Instant(T0))
        for _ in range(batches):
            told = [ClockStep(Instant(T0 + seq * STEP_US), seq)]
            at = Instant(T0 + (seq + 1) * STEP_US)
            ack = writer.commit(VANTAGE, seq, results(seq), told, flush=seq % 10 == 0, at=at)
            assert ack is not None
            promise(seq=ack.seq, sha256=ack.sha256)
            seq = writer.next_seq(VANTAGE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
