"""A ledger file brought in: uploaded, shown as what it would change, confirmed."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.ledger.confirming import carry_out
from console.ledger.importing import (
    Asked,
    Row,
    Waiting,
    WaitingFiles,
    mappings,
    previewed,
    where,
)
from console.points.means import address
from console.points.words import KIND_TONE, KIND_ZH
from console.web.access import LEDGER_WRITERS
from console.web.export import exported
from console.web.faults import ConflictError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import Finding
from monitor.roster.mapping import BUILT_IN
from monitor.roster.table import MAX_BYTES, MAX_ROWS

routes = Routes()
SECTION = "points"
UPLOAD = "/points/import"
GONE = N_("上传的文件已不在：已经导入、超过半小时，或您之后又传了一份。请重新上传。")


class UploadForm(BaseModel):
    """How a file is read: by which mapping, its changes from which day on (none: today)."""

    model_config = ConfigDict(frozen=True)

    mapping: Annotated[str, Field(max_length=100)] = BUILT_IN
    effective_from: date | None = None


class ConfirmForm(BaseModel):
    """The digest of the plan that was shown."""

    model_config = ConfigDict(frozen=True)

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PreviewQuery(TableQuery):
    """The preview's address; `kind` shows the changes of one kind alone."""

    kind: Annotated[str, Field(max_length=20)] = ""


CHANGES: tuple[Column[Row], ...] = (
    Column("line", N_("行"), lambda row: row.line or None, "number"),
    Column("point", N_("点位编号"), lambda row: row.point, "code", searched=True),
    Column(
        "kind",
        N_("变化"),
        lambda row: KIND_ZH.get(row.kinds[0], row.kinds[0]) if row.kinds else None,
        "badge",
        tone=lambda row: KIND_TONE.get(row.kinds[0], "mute"),
    ),
    Column("effective", N_("生效日"), lambda row: row.effective, "date"),
    Column("field", N_("字段"), lambda row: row.field, searched=True),
    Column("old", N_("原值"), lambda row: row.old, searched=True),
    Column("new", N_("新值"), lambda row: row.new, searched=True),
)
FINDINGS: tuple[Column[Finding], ...] = (
    Column("line", N_("行"), lambda row: row.line or None, "number"),
    Column("column", N_("列"), lambda row: row.column, searched=True),
    Column("message", N_("问题"), lambda row: row.message, searched=True),
    Column("remedy", N_("怎么改"), lambda row: row.remedy),
    Column(
        "level",
        N_("级别"),
        lambda row: N_("错误") if row.level == "error" else N_("提醒"),
        "badge",
        tone=lambda row: "bad" if row.level == "error" else "warn",
    ),
)


def _files(visit: Visit) -> WaitingFiles:
    found: WaitingFiles = visit.site.more.setdefault(WaitingFiles, WaitingFiles())
    return found


class AgainQuery(BaseModel):
    """What the form is filled with: how the file before was read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mapping: Annotated[str, Field(max_length=100)] = ""
    effective_from: Annotated[str, Field(max_length=10)] = ""


@routes.page("/points/import", allow=LEDGER_WRITERS, section=SECTION)
async def upload(visit: Visit) -> web.StreamResponse:
    """Show the form."""
    return _form(visit, None, visit.query(AgainQuery))


def _form(visit: Visit, entered: Entered[UploadForm] | None, again: AgainQuery | None = None) -> web.StreamResponse:
    return visit.render(
        "watch/import.html",
        status=200 if entered is None else 422,
        entered=entered,
        again=again or AgainQuery(),
        mappings=mappings(visit.site.settings),
        limits=(MAX_BYTES, MAX_ROWS),
    )


@routes.form("/points/import", allow=LEDGER_WRITERS, section=SECTION)
async def compare(visit: Visit) -> web.StreamResponse:
    """Read the file and compare it with the ledger; nothing is changed."""
    entered = await visit.enter(UploadForm)
    file = entered.files.get("file")
    if file is None:
        sent = (await visit.request.post()).get("file")
        empty = isinstance(sent, web.FileField) and sent.filename
        entered = entered.wrong("file", visit.say("文件是空的") if empty else visit.say("请选择文件"))
    elif len(file.body) > MAX_BYTES:
        entered = entered.wrong("file", visit.say("文件超过 10 MB，请拆分"))
    if entered.model is None or file is None:
        return _form(visit, entered)
    form = entered.model
    if form.mapping not in mappings(visit.site.settings):
        return _form(visit, entered.wrong("mapping", visit.say("不在可选之列")))
    asked = Asked(file.name, file.body, form.mapping, form.effective_from or visit.today)
    preview = await visit.compute(previewed, where(visit.site.settings), asked)
    key = _files(visit).put(Waiting(visit.person.name, asked, preview, visit.at))
    return visit.see(f"/points/import/{key}")


@routes.page("/points/import/{key:[A-Za-z0-9_-]{22}}", allow=LEDGER_WRITERS, section=SECTION)
async def preview(visit: Visit) -> web.StreamResponse:
    """Show what the file would change, or everything that forbids it."""
    waiting = _waiting(visit)
    if waiting is None:
        return visit.see(UPLOAD, visit.say(GONE))
    query = visit.query(PreviewQuery)
    found = waiting.preview
    rows = [row for row in found.rows if not query.kind or query.kind in row.kinds]
    if query.format:
        if found.possible:
            return await exported(visit, rows, CHANGES, query, "changes")
        return await exported(visit, found.findings, FINDINGS, query, "errors")
    return visit.render(
        "watch/import_preview.html",
        waiting=waiting,
        preview=found,
        query=query,
        table=table_of(rows, CHANGES, query) if found.possible else table_of(found.findings, FINDINGS, query),
        kinds=KIND_ZH,
        tones=KIND_TONE,
        address=address,
        key=visit.path("key"),
    )


def _waiting(visit: Visit) -> Waiting | None:
    """The file that the address names; None if it is not there any more, or another's."""
    return _files(visit).get(visit.path("key"), visit.person.name, visit.at)


@routes.form("/points/import/{key:[A-Za-z0-9_-]{22}}/confirm", allow=LEDGER_WRITERS, section=SECTION)
async def confirm(visit: Visit) -> web.StreamResponse:
    """Carry out exactly the plan that was shown."""
    waiting = _waiting(visit)
    if waiting is None:
        return visit.see(UPLOAD, visit.say(GONE))
    entered = await visit.enter(ConfirmForm)
    if entered.model is None or not waiting.preview.possible:
        raise ConflictError(visit.say("没有可执行的方案，请重新上传比对。"))
    counts = await carry_out(visit, waiting.asked, entered.model.digest)
    _files(visit).drop(visit.path("key"))
    told = [
        f"{visit.say(word)} {counts[kind]}"
        for kind, word in KIND_ZH.items()
        if kind != "unchanged" and counts.get(kind)
    ]
    what = ("、" if visit.language == "zh" else ", ").join(told)
    return visit.see("/points", visit.say("台账已导入：{what}").format(what=what))
