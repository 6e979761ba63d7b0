"""Packs being made: one at a time in a process of its own, a short queue before it, each with progress and a way to end it."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from config.settings import Settings
from console.log.sealing import log_of
from console.packs import pack_shelf
from console.packs.gather import Order
from console.packs.pack_shelf import Pack
from console.web.access import Person
from console.worker import StoppedError, in_worker
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant

MOST_WAITING = 6
MOST_OF_ONE = 3
MOST_TOLD = 40
"""So many orders are told of after they have ended."""
DEADLINE_S = 3_600.0
MOST_ATTACHED = 8
State = Literal["waiting", "making", "done", "failed", "cancelled"]


class Attachment(NamedTuple):
    """A document to go into the pack: a title of the index, and the file."""

    title: str
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants packed. `points` None: all of the contract's; `inputs` is the scorecard's YAML, "" for none."""

    contract: str
    period: str
    points: tuple[str, ...] | None = None
    until: str = ""
    rubric: str = ""
    inputs: str = ""
    attached: tuple[Attachment, ...] = ()


@dataclass(slots=True)
class PackJob:
    """An order and how far it is; `done` in hundredths."""

    id: str
    wanted: Wanted
    asked_by: str
    asked_at: Instant
    state: State = "waiting"
    done: int = 0
    findings: tuple[Finding, ...] = ()
    pack: Pack | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {"done", "failed", "cancelled"}


class PackJobs:
    """The orders. Methods may be called from any thread; a thread runs only while there is something to make."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._jobs: dict[str, PackJob] = {}
        self._queue: deque[PackJob] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def order(self, wanted: Wanted, *, actor: str, at: Instant) -> PackJob:
        """Take an order. InputError where too many wait already, or a file or its title is of no use."""
        _check(wanted.attached)
        with self._lock:
            alive = [job for job in self._jobs.values() if not job.over]
            if self._closed or len(alive) > MOST_WAITING or sum(job.asked_by == actor for job in alive) >= MOST_OF_ONE:
                raise refuse(
                    f"排队的证据包已满 the queue of packs is full（{len(alive)}）",
                    "等前面的完成，或取消一个 wait for one to end, or cancel one",
                )
            same = next((job for job in alive if job.wanted == wanted and job.asked_by == actor), None)
            if same is not None:
                return same
            job = PackJob(secrets.token_hex(12), wanted, actor, at)
            self._jobs[job.id] = job
            self._queue.append(job)
            for old in [job.id for job in self._jobs.values() if job.over][:-MOST_TOLD]:
                del self._jobs[old]
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="packs", daemon=True)
                self._thread.start()
        return job

    def jobs(self) -> list[PackJob]:
        """Return the orders since the server's start, the newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (-job.asked_at, job.id))

    def find(self, name: str) -> PackJob | None:
        """Return an order, None if nobody knows of it any more."""
        with self._lock:
            return self._jobs.get(name)

    def cancel(self, job: PackJob) -> None:
        """End an order, whether it waits or is being made; one that is over stays as it is."""
        job.stopping.set()
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
                job.state = "cancelled"

    def close(self) -> None:
        """End everything; returns when the worker process is gone."""
        with self._lock:
            self._closed = True
            waiting = [job for job in self._jobs.values() if not job.over]
            thread = self._thread
        for job in waiting:
            self.cancel(job)
        if thread is not None:
            thread.join(timeout=15)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                job = self._queue.popleft()
                job.state = "making"
            try:
                job.pack = self._make(job)
                job.state = "done"
            except StoppedError:
                job.state = "cancelled"
            except InputError as error:
                job.findings, job.state = error.findings, "failed"
            except Exception as error:
                last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
                remedy = "请系统管理员看日志 let the administrator look at the log"
                finding = Finding("", 0, "", f"打包失败 the pack could not be made: {last[0]}", remedy)
                job.findings, job.state = (finding,), "failed"

    def _make(self, job: PackJob) -> Pack:
        # Imported here: only who makes a pack needs typesetter and log.
        from console.packs.build import Packing  # noqa: PLC0415

        data_dir = self._settings.data_dir
        folder = pack_shelf.folder_of(data_dir)
        with self._lock:
            alive = {its.id for its in self._jobs.values() if not its.over}
        pack_shelf.prune(data_dir, job.asked_at, alive)
        scratch, part = folder / f"{job.id}.order", folder / f"{job.id}.part"
        scratch.mkdir(mode=0o700)
        answer = scratch / "answer.json"

        def moved(done: int, _total: int) -> None:
            job.done = done

        try:
            order = _order(self._settings, job.wanted, scratch)
            witnesses = tuple((one.role, one.key) for one in self._settings.evidence.witnesses)
            in_worker(Packing(order, part, answer, witnesses), DEADLINE_S, moved, job.stopping.is_set)
            said = json.loads(answer.read_text("utf-8"))
            wanted = job.wanted
            return pack_shelf.put(
                data_dir,
                part,
                {
                    **said,
                    "id": job.id,
                    "contract": wanted.contract,
                    "period": order.period,
                    "until": wanted.until,
                    "points": None if wanted.points is None else len(wanted.points),
                    "rubric": wanted.rubric,
                    "asked_by": job.asked_by,
                    "asked_at": int(job.asked_at),
                    "statement": said["statement"] or "",
                    "left_open": said["open"],
                    "witnesses": [one["role"] for one in said["witnesses"] if one["role"] and one["at"]],
                },
            )
        finally:
            part.unlink(missing_ok=True)
            shutil.rmtree(scratch, ignore_errors=True)


def _order(settings: Settings, wanted: Wanted, scratch: Path) -> Order:

    documents = []
    for n, one in enumerate(wanted.attached):
        place = scratch / str(n)
        place.mkdir()
        path = place / Path(one.name.replace("\\", "/")).name
        path.write_bytes(one.body)
        documents.append((path, one.title))
    inputs = None
    if wanted.inputs:
        inputs = scratch / "inputs.yaml"
        inputs.write_text(wanted.inputs, "utf-8")
    return Order(
        log_of(settings),
        wanted.contract,
        wanted.period.strip(),
        wanted.points,
        wanted.until,
        tuple(documents),
        None,
        Path(wanted.rubric) if wanted.rubric else None,
        inputs,
    )


def _check(attached: Sequence[Attachment]) -> None:
    if len(attached) > MOST_ATTACHED:
        raise refuse(f"附件超过 {MOST_ATTACHED} 个 too many attachments", "合并成一个 PDF join them", column="attached")
    for one in attached:
        name = Path(one.name.replace("\\", "/")).name
        if not one.title or len(one.title) > 200 or not one.title.isprintable() or not name.strip(". "):
            raise refuse(
                f"附件标题或文件名无效 not a usable title or name: {one.title[:40]!r}",
                "标题 1–200 个可见字符 a title of printable characters",
                column="attached",
            )


def sees(person: Person, job: PackJob) -> bool:
    """Tell whether a person may see an order: of a contract and a period that they see, with all points."""
    return (
        pack_shelf.whole_contract(person)
        and person.sees_contract(job.wanted.contract)
        and person.sees_period(job.wanted.period)
    )
