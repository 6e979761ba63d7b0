"""A folder beside a database: the same log, or a day further because the power went before the database heard of it."""

from __future__ import annotations

from collections.abc import Sequence

from console.log.steps import Step, leaves_of
from monitor.canonical import canonical, parse_line
from monitor.evidence.folder import Day, LogFolder
from monitor.evidence.note import Note
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.log import SealedDay, Waiting

CLOSERS = frozenset({"ros", "sum", "man"})


def require_same(folder: LogFolder, newest: SealedDay | None) -> None:
    """InputError unless the folder has the database's newest sealed day."""
    if newest is None:
        return
    days = folder.days()
    if newest.day not in days:
        raise refuse(
            f"日志目录缺少已封存的 {newest.day} the log's folder lacks the sealed day {newest.day}",
            "恢复目录的备份，或检查 evidence.folder restore the folder from its backup, or check evidence.folder",
            file=str(folder.path),
        )
    if folder.read_day(newest.day).note.text != Note.parse(newest.note.encode()).text:
        raise refuse(
            f"日志目录中的 {newest.day} 与数据库不符 the folder's {newest.day} is another than the database's",
            "恢复同一时间的备份 restore both from backups of one time",
            file=str(folder.path / newest.day),
        )


def take_over(
    folder: LogFolder, day: Day, held: Sequence[bytes], rows: Sequence[Waiting], size: int, zone: str, at: Instant
) -> tuple[Step, list[Waiting]]:
    """Return the step that records a day as the folder has it, and the rows that are left waiting.

    `held` are the lines that have their leaves already, `rows` what waits, `size` the tree before the day. InputError if
    the day was not made from these.
    """
    new = [line for line in day.lines if parse_line(line)["k"] not in CLOSERS]
    tree = day.frontier.appended(day.lines)
    whole = day.frontier.size == size and day.note.checkpoint.root == tree.root() and new[: len(held)] == list(held)
    del new[: len(held)]
    taken = _found(rows, new)
    if not whole or taken is None:
        raise refuse(
            f"日志目录中的 {day.day} 不是本数据库的 the folder holds a day that is not this database's: {day.day}",
            "从同一时间的备份恢复数据库与目录，或另起日志（新 origin）"
            "restore database and folder from one time, or begin a log of another origin",
            file=str(folder.path / day.day),
        )
    expected = size + len(held)
    step = Step(
        day.day,
        size,
        tree.size,
        tree.root().hex(),
        day.note.encode().decode(),
        at,
        expected,
        leaves_of(taken, new, expected),
        key=folder.load_state(day.day, zone).key,
    )
    gone = {row.id for row in taken}
    return step, [row for row in rows if row.id not in gone]


def _found(rows: Sequence[Waiting], lines: Sequence[bytes]) -> list[Waiting] | None:
    """Return the waiting row of each line, None if a line has none."""
    by_text: dict[str, list[Waiting]] = {}
    for row in reversed(rows):
        by_text.setdefault(canonical({**row.body, "at": row.at, "k": row.kind}), []).append(row)
    found = []
    for line in lines:
        record = parse_line(line)
        if record["k"] == "tr":
            del record["seq"], record["prev"]
        same = by_text.get(canonical(record))
        if not same:
            return None
        found.append(same.pop())
    return found
