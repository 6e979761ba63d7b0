"""Saved column mappings: which heading of somebody's file is which column of ours.

A mapping is a file NAME.yaml (or .yml, .json) in the mappings directory:

    columns: {探头IP: ipv4, 登录口令: password}
    ignore: [照片, 填表人]
    extends: 一机一档        # the built-in headings too; `extends: none` for only those above
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from monitor.finding import Finding, InputError, refuse
from monitor.roster.columns import BY_FIELD, KNOWN, plain_header, without_note

BUILT_IN = "一机一档"
MAX_BYTES = 1_000_000
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Headings (as plain_header() makes them) to fields, and the headings to pass over."""

    name: str = BUILT_IN
    headings: Mapping[str, str] = field(default_factory=lambda: KNOWN)
    ignored: frozenset[str] = frozenset()

    def field_of(self, heading: str) -> str | None:
        """Return the field of a heading, "" to pass it over, None if it is not known."""
        for text in (plain_header(heading), plain_header(without_note(heading))):
            if text in self.ignored:
                return ""
            if text in self.headings:
                return self.headings[text]
        return None


DEFAULT = ColumnMapping()


def load_mapping(name: str = BUILT_IN, directory: Path | None = None) -> ColumnMapping:
    """Return a mapping by name: the built-in 一机一档, or a file of the directory.

    Raises InputError for an unknown name (naming the known ones) and for every fault of the file at once.
    """
    saved = saved_mappings(directory)
    if name in saved:
        return read_mapping(saved[name])
    if name == BUILT_IN:
        return DEFAULT
    known = "、".join([BUILT_IN, *sorted(saved)])
    raise refuse(f"没有名为 {name!r} 的列映射 no such column mapping", f"已有 known: {known}")


def saved_mappings(directory: Path | None) -> dict[str, Path]:
    """Return the mappings of a directory by name; empty where there is no directory."""
    if directory is None or not directory.is_dir():
        return {}
    return {path.stem: path for path in sorted(directory.iterdir()) if path.suffix in _SUFFIXES and path.is_file()}


def read_mapping(path: Path) -> ColumnMapping:
    """Read one mapping file strictly: unknown keys, unknown fields and repeated headings are findings."""
    findings: list[Finding] = []
    headings: dict[str, str] = {}
    ignored: set[str] = set()
    extends = BUILT_IN
    for key, node in _entries(_root(path), path, findings):
        if key == "columns" and isinstance(node, yaml.MappingNode):
            headings = _columns(node, path, findings)
        elif key == "ignore" and isinstance(node, yaml.SequenceNode):
            ignored = {plain_header(str(item.value)) for item in node.value}
        elif key == "extends" and isinstance(node, yaml.ScalarNode):
            extends = str(node.value)
            if extends not in (BUILT_IN, "none"):
                findings.append(_finding(path, node, key, f"不能扩展 cannot extend {extends!r}", f"{BUILT_IN} | none"))
        else:
            message = f"未知的键或值的形式不对 unknown key, or a value of the wrong form: {key!r}"
            remedy = "columns: {表头: 字段}, ignore: [表头], extends: 一机一档|none"
            findings.append(_finding(path, node, key, message, remedy))
    if findings:
        raise InputError(findings)
    known = {} if extends == "none" else dict(KNOWN)
    return ColumnMapping(path.stem, known | headings, frozenset(ignored - set(headings)))


def _root(path: Path) -> yaml.MappingNode:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise refuse("列映射文件过大 the mapping is too large", f"≤ {MAX_BYTES:,} B", file=str(path))
        root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        message = f"无法读取列映射 cannot read the column mapping ({type(error).__name__})"
        raise refuse(message, "须为 UTF-8 的 YAML 或 JSON must be YAML or JSON", file=str(path), line=line) from None
    if not isinstance(root, yaml.MappingNode):
        raise refuse("列映射须是键值表 the mapping must be a table of keys", "columns: {表头: 字段}", file=str(path))
    return root


def _entries(root: yaml.MappingNode, path: Path, findings: list[Finding]) -> list[tuple[str, yaml.Node]]:
    seen: dict[str, yaml.Node] = {}
    for key, node in root.value:
        text = str(key.value)
        if text in seen:
            findings.append(_finding(path, key, text, f"重复的键 repeated key: {text!r}", "只留一个 keep one"))
        seen[text] = node
    return list(seen.items())


def _columns(node: yaml.MappingNode, path: Path, findings: list[Finding]) -> dict[str, str]:
    headings: dict[str, str] = {}
    for heading, value in _entries(node, path, findings):
        target = str(value.value) if isinstance(value, yaml.ScalarNode) else ""
        found = target if target in BY_FIELD else KNOWN.get(plain_header(target))
        if found is None:
            message = f"没有这个字段 no such field: {target!r}"
            findings.append(_finding(path, value, heading, message, "可用字段 fields: " + ", ".join(BY_FIELD)))
            continue
        headings[plain_header(heading)] = found
    return headings


def _finding(path: Path, node: yaml.Node, column: str, message: str, remedy: str) -> Finding:
    return Finding(str(path), node.start_mark.line + 1, column, message, remedy)
