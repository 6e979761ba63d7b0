"""kill -9 in the middle of writing: what was acknowledged before is there after, and the next life goes on."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.stores.made import at
from tests.stores.test_store_writer import gaps

ROUNDS = 20
ROOT = Path(__file__).parents[2]

# One life: resume, then commit for ever, saying each acknowledgement only after it was given.
LIFE = """
import itertools, json, sys
from pathlib import Path
from console.store.audit import Audit
from monitor.store.writer import Writer
from tests.stores.made import at, sample
url, lock, start, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
with Writer.open(url, Audit("test"), lock) as writer:
    seq = writer.resume("local", at(start))
    for second in itertools.count(start + 1):
        why = "ok" if (second // 7 + seed) % 3 else "timeout"
        sent = [sample("a", second, why), sample("b", second)]
        ack = writer.commit_batch("local", seq, sent, flush=second % 5 == 0)
        print(json.dumps([ack.seq, ack.sha256, second]), flush=True)
        seq += 1
"""


def test_no_acknowledged_result_is_lost(store):
    store.add_points("a", "b")
    chance = random.Random(20)
    acknowledged: list[tuple[int, str, int]] = []
    start = 0
    for life in range(ROUNDS):
        command = [sys.executable, "-c", LIFE, store.url, str(store.lock_path), str(start), str(life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 12)):
                acknowledged.append(tuple(json.loads(process.stdout.readline())))
            process.send_signal(signal.SIGKILL)
            # Further acknowledgements may have been written before the signal arrived.
            rest = process.stdout.read().splitlines(keepends=True)
            acknowledged += [tuple(json.loads(line)) for line in rest if line.endswith("\n")]
        stored = dict(store.rows("SELECT seq, sha256 FROM batches"))
        assert [a for a in acknowledged if stored.get(a[0]) != a[1]] == []
        assert sorted(stored) == list(range(1, len(stored) + 1))
        start = acknowledged[-1][2] + 10
    with store.writer() as writer:
        assert writer.resume("local", at(start)) == len(stored) + 1
        assert writer.project("local", at(start)) == len(stored)
    check_runs(store, acknowledged)


def check_runs(store, acknowledged):
    """Every acknowledged result of b lies in a run of b, and every life but the first began with a gap."""
    spans = store.rows(
        "SELECT r.first_at, r.last_at, r.n FROM runs r JOIN points p ON p.id = r.point_id"
        " WHERE p.code = 'b' ORDER BY r.first_at"
    )
    assert sum(n for _, _, n in spans) == store.rows("SELECT count(*) FROM batches")[0][0]
    for _, _, second in acknowledged:
        assert any(first <= at(second) <= last for first, last, _ in spans), second
    found = gaps(store)
    assert len(found) == ROUNDS
    assert {cause for _, _, cause, _ in found} == {"restart"}
    assert [end for _, end, _, _ in found[:-1]] == [(first - at(0)) // 1_000_000 for first, _, _ in spans[1:]], (
        "each gap ends where the next life's first run begins"
    )
    assert found[-1][1] is None
