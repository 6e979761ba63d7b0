"""Strict YAML: every complaint at once, each with its file and line; no value changes its meaning on the way in.

Beyond what YAML itself forbids, this refuses duplicate keys, anchors and aliases, tags, and files that are too large or
too deep. A decimal number becomes exactly the Decimal that is written, a date a date; `yes`, `1_000`, `010`, `1e3` and
`12:30` are text, as they look, and not what older YAML makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.finding import Finding, InputError

MAX_BYTES = 262_144
MAX_DEPTH = 40
MAX_DIGITS = 40

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_TAG = "tag:yaml.org,2002:"
_PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), list("-+0123456789")),
    ("float", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+"), list("-+0123456789")),
    ("timestamp", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), list("0123456789")),
)


class Lines:
    """On which line of a YAML file (from 1) each value stands, by its path of keys and list positions."""

    def __init__(self) -> None:
        self._lines: dict[Place, int] = {}

    def put(self, place: Place, line: int) -> None:
        """Note a value's line; the first note stays, so that a value under a key stands at its key."""
        self._lines.setdefault(place, line)

    def at(self, place: Place) -> int:
        """Return the line of a value, or of the nearest thing around it that is in the file; 1 for the whole."""
        for size in range(len(place), 0, -1):
            if place[:size] in self._lines:
                return self._lines[place[:size]]
        return 1


class _Strict(yaml.SafeLoader):
    """Composes nodes with only the implicit types above, and refuses anchors, aliases, and depth."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None, None, "不支持锚点与别名 anchors and aliases are not accepted", event.start_mark
            )
        if self.depth >= MAX_DEPTH:
            raise yaml.composer.ComposerError(
                None, None, f"嵌套超过 {MAX_DEPTH} 层 nested deeper than that", event.start_mark
            )
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _name, _pattern, _first in _PLAIN:
    _Strict.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern.pattern})\Z"), _first)


class _Reading:
    """One file being read: its data, its lines, and what is wrong with it so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines = Lines()
        self.findings: list[Finding] = []
        self.broken: set[Place] = set()

    def complain(self, place: Place, line: int, message: str, remedy: str) -> None:
        self.broken.add(place)
        self.findings.append(Finding(self.file, line, dotted(place), message, remedy))

    def value(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        self.lines.put(place, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, n)) for n, item in enumerate(node.value)]
        return self._scalar(node, place, line)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(place, line, "键须为文字 a key must be text", "写成 write it like key: value")
                continue
            key = str(key_node.value)
            inner = (*place, key)
            if key in data:
                first = self.lines.at(inner)
                message = f"键重复 duplicate key: {key}（首见于第 {first} 行 first on line {first}）"
                # Not marked as broken: what is wrong with the first value is worth saying too.
                self.findings.append(Finding(self.file, line, dotted(inner), message, "只留一个 keep one of them"))
                continue
            self.lines.put(inner, line)
            data[key] = self.value(value_node, inner)
        return data

    def _scalar(self, node: yaml.Node, place: Place, line: int) -> Any:
        text, kind = str(node.value), node.tag.removeprefix(_TAG)
        known = next((pattern for name, pattern, _ in _PLAIN if name == kind), None)
        if kind != "str" and (known is None or not known.fullmatch(text)):
            self.complain(
                place, line, f"不支持的标签 a tag is not accepted: {node.tag[:60]}", "写成普通的值 write plainly"
            )
            return None
        if kind in {"int", "float"} and len(text) > MAX_DIGITS:
            self.complain(place, line, f"数字过长 more than {MAX_DIGITS} digits", "缩短 shorten it")
            return None
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                return Decimal(text)
            case "timestamp":
                try:
                    return date.fromisoformat(text)
                except ValueError:
                    self.complain(place, line, f"不可能的日期 impossible date: {text}", "核对日历 check the calendar")
                    return None
            case _:
                return text


def dotted(place: Place) -> str:
    """Write a place as people do: ("phases", 0, "id") → "phases[0].id"."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _read(path: Path) -> tuple[dict[str, Any], _Reading]:
    """Read a file as far as it goes. InputError only where nothing can be made of it."""
    reading = _Reading(str(path))

    def stop(message: str, remedy: str, line: int = 0) -> InputError:
        return InputError([Finding(reading.file, line, "", message, remedy)])

    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise stop(f"无法读取 cannot read the file: {reason}", "检查路径和权限 check path and mode") from None
    if len(raw) > MAX_BYTES:
        raise stop(f"文件超过 {MAX_BYTES:,} 字节 the file is larger than that", "检查文件 is it the right file?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise stop("不是 UTF-8 文字 not UTF-8 text", "另存为 UTF-8 save it as UTF-8", line) from None
    try:
        loader = _Strict(text)  # the constructor already reads, and refuses control characters
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        detail = error.problem or error.context
        raise stop(
            f"不是合规的 YAML not valid YAML: {detail}",
            "检查缩进与符号 check indentation and signs",
            mark.line + 1 if mark else 0,
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise stop("含有控制字符 the file has control characters", "删除 remove them", line) from None
    if node is None:
        return {}, reading
    if not isinstance(node, yaml.MappingNode):
        raise stop(
            "文件须为键值映射 the file is not a mapping of keys", "每行写成 key: value", node.start_mark.line + 1
        )
    return reading.value(node, ()), reading


def load_yaml(path: Path) -> tuple[dict[str, Any], Lines]:
    """Read a YAML mapping and the line of every value in it; an empty file is an empty mapping.

    Raises InputError with every finding: unreadable, not UTF-8, not YAML, no mapping, duplicate keys, impossible dates.
    """
    data, reading = _read(path)
    if reading.findings:
        raise InputError(reading.findings)
    return data, reading.lines


def load_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file as a model. Raises InputError with the file's and the model's findings together, by line."""
    data, reading = _read(path)
    findings = list(reading.findings)
    value: Model | None = None
    try:
        value = model.model_validate(data)
    except ValidationError as error:
        findings += [
            finding_of(detail, reading.file, reading.lines)
            for detail in error.errors(include_url=False)
            if not _explained(detail["loc"], reading.broken)
        ]
    if findings or value is None:
        raise InputError(sorted(findings))
    return value


def _explained(place: Place, broken: set[Place]) -> bool:
    """Tell whether the file itself already has a finding there, so that the model's would only echo it."""
    return any(place[:size] in broken for size in range(1, len(place) + 1))


_LIMITS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
_MESSAGES = {
    "extra_forbidden": ("未知的键 unknown key: {key}", "检查拼写或删除 check its spelling or remove it"),
    "missing": ("缺少键 missing key: {key}", "补上 add it"),
    "model_type": ("须为键值映射 must be a mapping", "写成 write it like key: value"),
    "model_attributes_type": ("须为键值映射 must be a mapping", "写成 write it like key: value"),
    "dict_type": ("须为键值映射 must be a mapping", "写成 write it like key: value"),
    "tuple_type": ("须为列表 must be a list", "每项一行，以 - 开头 one item a line, each after a -"),
    "list_type": ("须为列表 must be a list", "每项一行，以 - 开头 one item a line, each after a -"),
    "string_type": ("须为文字 must be text: {input}", '加引号 put it in quotes, like "0571"'),
    "string_pattern_mismatch": ("含有不允许的字符 has characters that are not accepted: {input}", "{pattern}"),
    "string_too_short": ("文字过短 too short: {input}", "至少 at least {min_length}"),
    "string_too_long": ("文字过长 too long", "至多 at most {max_length}"),
    "too_short": ("项数过少 too few items", "至少 at least {min_length}"),
    "too_long": ("项数过多 too many items", "至多 at most {max_length}"),
    "literal_error": ("未知的值 unknown value: {input}", "可用 use one of {expected}"),
    "enum": ("未知的值 unknown value: {input}", "可用 use one of {expected}"),
    "bool_type": ("须为真假值 must be true or false: {input}", "true / false"),
    "bool_parsing": ("须为真假值 must be true or false: {input}", "true / false"),
}
_WHOLE = ("须为整数 must be a whole number: {input}", "写整数 write a whole number")
_NUMBER = ("须为数字 must be a number: {input}", "写数字 write a number")


def finding_of(detail: ErrorDetails, file: str, lines: Lines | None) -> Finding:
    """Turn one of pydantic's errors into a finding at its line. `lines` None: the value came from elsewhere."""
    place: Place = tuple(detail["loc"])
    message, remedy = _words(detail, place)
    return Finding(file, lines.at(place) if lines else 0, dotted(place), message, remedy)


def _words(detail: ErrorDetails, place: Place) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if "message" in context and "remedy" in context:
        return str(context["message"]), str(context["remedy"])
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), ""
    given = repr(str(detail["input"])[:60])
    limits = [f"{sign} {context[name]}" for name, sign in _LIMITS.items() if name in context]
    if limits:
        return f"超出范围 out of range: {given}", f"须 must be {', '.join(limits)}"
    words = _MESSAGES.get(kind)
    if words is None and kind.startswith("int"):
        words = _WHOLE
    if words is None and kind.startswith(("float", "decimal")):
        words = _NUMBER
    if words is None and kind.startswith(("date", "time")):
        words = ("不可能的日期或时间 impossible date or time: {input}", "写成 2020-07-01 write it like 2020-07-01")
    if words is None:
        return f"不合规 not accepted: {detail['msg']}", ""
    return _filled(words[0], place, given, context), _filled(words[1], place, given, context)


def _filled(template: str, place: Place, given: str, context: Mapping[str, Any]) -> str:
    return template.format_map({"key": place[-1] if place else "", "input": given, **context})
