"""The second step of a ledger import, for the page and the API alike: exactly the plan that somebody saw."""

from __future__ import annotations

from console.board.board import Board
from console.ledger.importing import Asked, carried_out, cipher_of, digest_of, planned, where
from console.web.faults import ConflictError
from console.web.visit import Visit


async def carry_out(visit: Visit, asked: Asked, digest: str) -> dict[str, int]:
    """Plan again, and carry the plan out if it is the one with this digest. ConflictError if it is another by now."""
    settings = visit.site.settings
    plan, mark = await visit.compute(planned, where(settings), asked)
    if digest_of(plan) != digest:
        raise ConflictError(visit.say("预演之后台账已变，与您看到的差异不同。请重新上传比对。"))
    counts = await visit.write(carried_out, plan, mark, cipher_of(settings), actor=visit.person.name, at=visit.at)
    if (board := visit.site.more.get(Board)) is not None:
        await board.refresh()  # so that the page that follows shows what was imported
    return dict(counts)
