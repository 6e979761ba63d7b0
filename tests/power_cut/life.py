"""A writer's life to be recorded: points, then batch after batch with a notice each, and the evidence log kept beside it.

Run as `python -m tests.power_cut.life DATABASE BATCHES SYNCHRONOUS CHECKPOINT_PAGES KEY` under a tracer. What is printed is
what the outside world was promised: acknowledgements, checkpoints, sealed days.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from sqlalchemy import insert

from console.log.keys import KeyFiles
from console.log.sealing import Sealer
from console.log.steps import Log
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
DAY_US = 86_400_000_000
PER_DAY = 40
"""So many batches, and the next is a day later."""
ORIGIN = "camsla.local/cut"
SEAL_MINUTES = 10


def instant(seq: int) -> Instant:
    """Return when batch `seq` is made: some of a day's, a minute apart."""
    return Instant(T0 + (seq // PER_DAY) * DAY_US + seq * STEP_US)


def log_of(database: Path, key: Path) -> Log:
    """Return the log beside a database."""
    url, folder = f"sqlite:///{database}", database.parent / "evidence"
    return Log(url, folder, ORIGIN, "Asia/Shanghai", KeyFiles(key), "camsla test")


def sealer(database: Path, key: Path, writer: Writer) -> Sealer:
    """Return what keeps that log."""
    return Sealer(log_of(database, key), writer, delay_minutes=SEAL_MINUTES, apart=False)


def results(seq: int) -> list[Sample]:
    """Return batch `seq`: every point once, some changed since the batch before."""
    chance = random.Random(seq)
    reasons = (Reason.OK, Reason.OK, Reason.OK, Reason.TIMEOUT, Reason.REFUSED)
    made = []
    for number in range(POINTS):
        reason = chance.choice(reasons)
        outcome = Outcome(STATE_OF[reason], reason, Rung.DESCRIBE)
        at = Instant(instant(seq) + number)
        made.append(Sample(f"p{number:02d}", VANTAGE, at, outcome, VALID_S, chance.randrange(100_000)))
    return made


def promise(**what: object) -> None:
    """Print one line in one write, as `camsla watch --acks` does."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(database: str, batches: int, synchronous: str, checkpoint_pages: int, key: str) -> None:
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
        keeper = sealer(Path(database), Path(key), writer)
        seq = writer.resume(VANTAGE, Instant(T0))
        for _ in range(batches):
            told = [ClockStep(instant(seq), seq)]
            at = Instant(instant(seq) + STEP_US)
            ack = writer.commit(VANTAGE, seq, results(seq), told, flush=seq % 10 == 0, at=at)
            assert ack is not None
            promise(seq=ack.seq, sha256=ack.sha256)
            seq = writer.next_seq(VANTAGE)
            if seq % 10 == 0:
                for step in keeper.round(Instant(instant(seq) + SEAL_MINUTES * 60_000_000), checkpoint=True):
                    promise(day=step.day, size=step.size, root=step.root)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
