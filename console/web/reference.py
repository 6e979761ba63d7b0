"""The reference of the API as people read it, made from the OpenAPI document: endpoints by tag, their fields and a call of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

Document = Mapping[str, Any]
Schema = Mapping[str, Any]
DEPTH = 4
"""So deep fields within fields are listed; what lies deeper is in the document."""
METHODS = ("get", "post", "put", "patch", "delete")


class Field(NamedTuple):
    """A parameter or a field: its name (`rows[].code`), kind, whether it must be given, default and meaning."""

    name: str
    place: str
    kind: str
    required: bool
    default: str
    note: str


class Answer(NamedTuple):
    """One status, what it means, its media type and fields."""

    status: str
    note: str
    media: str
    fields: tuple[Field, ...]


class Shown(NamedTuple):
    """An endpoint as the reference shows it; `upload` is the media type where the request is a file by itself."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]
    refusals: tuple[Answer, ...]
    upload: str
    curl: str


class Group(NamedTuple):
    """The endpoints of a tag."""

    tag: str
    endpoints: tuple[Shown, ...]


def groups_of(document: Document, origin: str) -> list[Group]:
    """Return the endpoints by tag, in the document's order; `origin` is the address that the calls are written with."""
    found: dict[str, list[Shown]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                shown = _shown(document, path, method, item, origin)
                found.setdefault(operation["tags"][0], []).append(shown)
    return [Group(tag, tuple(its)) for tag, its in sorted(found.items())]


def _shown(document: Document, path: str, method: str, item: Mapping[str, Any], origin: str) -> Shown:
    operation = item[method]
    given = [_resolved(document, one) for one in [*item.get("parameters", []), *operation.get("parameters", [])]]
    parameters = tuple(_parameter(document, one) for one in given)
    taken = operation.get("requestBody", {}).get("content", {})
    body = taken.get("application/json", {}).get("schema", {})
    upload = next((media for media in taken if media != "application/json"), "")
    answers = [_answer(document, status, one) for status, one in operation["responses"].items()]
    return Shown(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        operation.get("description", ""),
        parameters,
        tuple(_fields(document, body)),
        tuple(one for one in answers if one.status < "400"),
        tuple(one for one in answers if one.status >= "400"),
        upload,
        _curl(document, path, method, given, body, origin, operation.get("security") == [], upload),
    )


def _parameter(document: Document, one: Mapping[str, Any]) -> Field:
    schema = _resolved(document, one.get("schema", {}))
    default = schema.get("default")
    return Field(
        one["name"],
        one["in"],
        _kind(document, schema),
        bool(one.get("required")),
        "" if default in (None, "") else str(default),
        one.get("description", ""),
    )


def _answer(document: Document, status: str, one: Mapping[str, Any]) -> Answer:
    found = _resolved(document, one)
    contents: Mapping[str, Any] = found.get("content", {})
    media = next(iter(contents), "")
    content: Mapping[str, Any] = contents.get(media, {})
    fields = () if media.startswith("application/problem") else tuple(_fields(document, content.get("schema", {})))
    return Answer(status, found.get("description", ""), media, fields)


def _fields(document: Document, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    found = _plain(document, schema)
    if found.get("type") == "array":
        yield from _fields(document, found.get("items", {}), f"{prefix}[]", depth)
        return
    if depth >= DEPTH:
        return
    required = set(found.get("required", ()))
    for name, one in found.get("properties", {}).items():
        whole = f"{prefix}.{name}" if prefix else name
        resolved = _resolved(document, one)
        default = one.get("default", resolved.get("default"))
        note = str(one.get("description", resolved.get("description", "")))
        text = "" if default in (None, "", [], {}) else json.dumps(default, ensure_ascii=False)
        yield Field(whole, "body", _kind(document, one), name in required, text, " ".join(note.split()))
        yield from _fields(document, one, whole, depth + 1)


def _resolved(document: Document, one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references; what stands beside one wins."""
    while "$ref" in one:
        target: Any = document
        for part in str(one["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        one = {**target, **{name: value for name, value in one.items() if name != "$ref"}}
    return one


def _plain(document: Document, schema: Schema) -> Schema:
    """Return a schema without its references and without the chance that it is null."""
    found = _resolved(document, schema)
    options = [one for one in found.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        return _plain(document, {**options[0], **{name: value for name, value in found.items() if name != "anyOf"}})
    return found


def _kind(document: Document, schema: Schema) -> str:
    found = _resolved(document, schema)
    if "anyOf" in found:
        return " | ".join(dict.fromkeys(_kind(document, one) for one in found["anyOf"]))
    if "enum" in found:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in found["enum"])
    if "const" in found:
        return json.dumps(found["const"], ensure_ascii=False)
    kind = str(found.get("type", "any"))
    if kind == "array":
        return f"[{_kind(document, found.get('items', {}))}]"
    bounds = [
        f"{sign} {found[name]}"
        for name, sign in (("minimum", "≥"), ("maximum", "≤"), ("exclusiveMinimum", ">"), ("maxLength", "≤"))
        if name in found
    ]
    form = found.get("format") or found.get("pattern")
    return " ".join([kind, *([f"({form})"] if form else []), *([f"{', '.join(bounds)}"] if bounds else [])])


def sample(document: Document, schema: Schema, depth: int = 0) -> Any:
    """Return a value of a schema's shape for an example: its own example or default where it has one, else the simplest."""
    found = _plain(document, schema)
    for name in ("example", "default", "const"):
        if found.get(name) is not None:
            return found[name]
    for name in ("examples", "enum"):
        if found.get(name):
            return found[name][0]
    if found.get("anyOf"):
        return sample(document, found["anyOf"][0], depth)
    match found.get("type"):
        case "object" if depth < DEPTH:
            required = set(found.get("required", ()))
            fields = {name: one for name, one in found.get("properties", {}).items() if name in required}
            return {name: sample(document, one, depth + 1) for name, one in fields.items()}
        case "array":
            least = 1 if found.get("minItems") else 0
            return [sample(document, found.get("items", {}), depth + 1)][:least]
        case "integer" | "number":
            return found.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            dated = {"date": "2020-07-01", "date-time": "2020-07-01T00:00:00Z"}
            return dated.get(found.get("format", ""), "…")
        case _:
            return {}


def _curl(
    document: Document,
    path: str,
    method: str,
    parameters: list[Mapping[str, Any]],
    body: Schema,
    origin: str,
    anybody: bool,
    upload: str,
) -> str:
    query = [one["name"] for one in parameters if one["in"] == "query" and one.get("required")]
    values = "&".join(f"{quote(name)}=…" for name in query)
    lines = [
        f"curl {'' if method == 'get' else f'-X {method.upper()} '}'{origin}{path}{'?' + values if values else ''}'"
    ]
    if not anybody:
        lines.append('-H "Authorization: Bearer $CAMSLA_TOKEN"')
    if any(one["name"] == "Idempotency-Key" for one in parameters):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if body:
        text = json.dumps(sample(document, body), ensure_ascii=False).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    if upload:
        lines += [f"-H 'Content-Type: {upload}'", "--data-binary @…"]
    return " \\\n  ".join(lines)
