"""The `adj` record of an approved correction: what the evidence log keeps of exclusions, reclassifications, withdrawals."""

from __future__ import annotations

import hashlib

from monitor.model import Instant
from monitor.store.outbox import canonical


def correction(
    *,
    what: str,
    point: str,
    start: Instant,
    end: Instant,
    cause: str,
    claimed_by: str,
    claimed_at: Instant,
    document: str,
    approver: str,
    to: str = "",
    target: str = "",
) -> dict[str, object]:
    """Return the record's fields. Its `id` is the digest of all that was claimed; row numbers and the approver are no part.

    `what`: exclude, reclassify or revoke; `to`: the state that a reclassification gives; `target`: the id of what a
    revocation withdraws; `document`: a digest or "".
    """
    claimed = {
        "cause": cause,
        "claimed_at": int(claimed_at),
        "claimed_by": claimed_by,
        "document": document,
        "end": int(end),
        "point": point,
        "start": int(start),
        "target": target,
        "to": to,
        "what": what,
    }
    identity = hashlib.sha256(canonical(claimed).encode()).hexdigest()
    return {**claimed, "approver": approver, "id": identity}
