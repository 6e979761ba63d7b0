"""What somebody entered: read into a model, or kept with a message at each field so that nothing is typed twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from aiohttp import web
from multidict import MultiDictProxy
from pydantic import BaseModel, ValidationError

from monitor.finding import Finding, InputError

Model = TypeVar("Model", bound=BaseModel)
MAX_FIELDS = 2_000
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
NUL, NUL_REASON = "\0", "NUL"
WHOLE = ""
"""Where messages stand that belong to no field."""

_MESSAGES: Mapping[str, str] = {
    "missing": "请填写",
    "string_too_short": "请填写",
    "string_too_long": "太长，最多 {max_length} 个字",
    "string_pattern_mismatch": "格式不对",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "decimal_parsing": "应为数字",
    "float_parsing": "应为数字",
    "bool_parsing": "应为是或否",
    "date_from_datetime_parsing": "应为日期，如 2020-07-01",
    "date_parsing": "应为日期，如 2020-07-01",
    "datetime_from_date_parsing": "应为时间，如 2020-07-01 08:00",
    "datetime_parsing": "应为时间，如 2020-07-01 08:00",
    "enum": "不在可选之列",
    "literal_error": "不在可选之列",
    "greater_than_equal": "不得小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不得大于 {le}",
    "less_than": "应小于 {lt}",
    "extra_forbidden": "没有这一项",
    "too_long": "太多，最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
}
"""pydantic's complaints as people say them; message ids of the catalogue."""


class Upload(NamedTuple):
    """A file that came with a form."""

    name: str
    body: bytes


@dataclass(frozen=True)  # without slots, because Entered[Model]() could not note its parameter in them
class Entered(Generic[Model]):
    """A form as it was sent. `model` is None if anything is wrong; `errors` are messages by field, `values` what was typed."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    model: Model | None = None
    files: Mapping[str, Upload] = field(default_factory=dict)

    def refused(self, error: InputError) -> Entered[Model]:
        """Return the same with what the product says against it, at the fields that it names."""
        return replace(self, errors=_merged(self.errors, by_field(error.findings, set(self.values))), model=None)

    def wrong(self, name: str, message: str) -> Entered[Model]:
        """Return the same with one more message at a field."""
        return replace(self, errors=_merged(self.errors, {name: [message]}), model=None)


def by_field(findings: tuple[Finding, ...] | list[Finding], names: set[str]) -> dict[str, list[str]]:
    """Sort findings by the form's fields; those of no field belong to the whole form."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        place = finding.column if finding.column in names else WHOLE
        where = f"{finding.file}:{finding.line} " if finding.file and finding.line else ""
        what = f"{finding.column}：" if place == WHOLE and finding.column else ""
        found.setdefault(place, []).append(f"{where}{what}{finding.message} → {finding.remedy}")
    return found


def complaints(error: ValidationError, say: Callable[[str], str]) -> dict[str, list[str]]:
    """Return pydantic's complaints by field, in the person's language."""
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else WHOLE
        kind = detail["type"]
        if kind == "value_error":
            text = say(str(detail["ctx"]["error"]))
        else:
            text = say(_MESSAGES[kind]).format(**detail.get("ctx", {})) if kind in _MESSAGES else say("填写有误")
        found.setdefault(name, []).append(text)
    return found


def legible(request: web.Request) -> None:
    """HTTPBadRequest for an address with the character NUL, which no text of ours holds and PostgreSQL does not take."""
    pairs = [*request.query.items(), ("", request.path)]
    if any(NUL in name or NUL in value for name, value in pairs):
        raise web.HTTPBadRequest(reason=NUL_REASON)


async def entered(request: web.Request, model: type[Model], say: Callable[[str], str]) -> Entered[Model]:
    """Read a posted form. Empty fields count as not given. HTTPBadRequest for the character NUL.

    A larger upload than 10 MB is refused before it is read.
    """
    posted = await request.post()
    if any(
        NUL in name or NUL in (value if isinstance(value, str) else value.filename) for name, value in _texts(posted)
    ):
        raise web.HTTPBadRequest(reason=NUL_REASON)
    values: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for name, value in list(posted.items())[:MAX_FIELDS]:
        if isinstance(value, web.FileField):
            body = value.file.read(MAX_UPLOAD_BYTES + 1)
            if value.filename and body:
                files[name] = Upload(value.filename, body)
        elif isinstance(value, str):
            values[name] = value.strip()
    return parse(values, _several(posted, model), files, model, say)


def _texts(posted: MultiDictProxy[Any]) -> list[tuple[str, str | web.FileField]]:
    return [(name, value) for name, value in posted.items() if isinstance(value, str | web.FileField)]


def parse(
    values: dict[str, str],
    several: Mapping[str, list[str]],
    files: Mapping[str, Upload],
    model: type[Model],
    say: Callable[[str], str],
) -> Entered[Model]:
    """Make a model of what was typed; fields that the model does not know (the token) are left out."""
    known = model.model_fields
    given: dict[str, Any] = {name: value for name, value in values.items() if value and name in known}
    given |= {name: [v for v in its if v] for name, its in several.items()}
    try:
        made = model.model_validate(given)
    except ValidationError as error:
        return Entered(values, complaints(error, say), None, files)
    return Entered(values, {}, made, files)


def _several(posted: MultiDictProxy[Any], model: type[BaseModel]) -> dict[str, list[str]]:
    """Fields that may come more than once, like checked boxes."""
    return {
        name: [value.strip() for value in posted.getall(name, []) if isinstance(value, str)]
        for name, info in model.model_fields.items()
        if getattr(info.annotation, "__origin__", None) in {list, tuple, set, frozenset}
    }


def _merged(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: [*old.get(name, []), *new.get(name, [])] for name in [*old, *(n for n in new if n not in old)]}
