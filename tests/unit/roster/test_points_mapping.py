"""Saved column mappings: found by name, read strictly, laid over the built-in template."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.finding import InputError
from monitor.roster.columns import COLUMNS, EXPORTED, KNOWN, plain_header
from monitor.roster.mapping import BUILT_IN, load_mapping
from monitor.roster.parse import read_points


def test_a_mapping_adds_headings_and_ignores_others(tmp_path: Path) -> None:
    (tmp_path / "电信.yaml").write_text("columns: {探头编号: code, 探头 IP: ipv4}\nignore: [照片]\n")
    path = tmp_path / "points.csv"
    path.write_text("探头编号,探头IP,照片,期次\nP1,10.0.0.1,a.jpg,一期\n")
    (row,) = read_points(path, load_mapping("电信", tmp_path)).checked()
    assert (row.code, row.camera, row.facts) == ("P1", {"ipv4": "10.0.0.1"}, {"phase": "一期"})


def test_json_and_extends_none(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"columns": {"编号": "code", "期次": "area"}, "extends": "none"}')
    mapping = load_mapping("own", tmp_path)
    assert (mapping.field_of("期次"), mapping.field_of("点位编号"), mapping.field_of("编 号")) == ("area", None, "code")


def test_a_saved_mapping_may_take_the_built_in_name(tmp_path: Path) -> None:
    (tmp_path / f"{BUILT_IN}.yaml").write_text("ignore: [备注]\n")
    assert load_mapping(BUILT_IN, tmp_path).field_of("备注") == ""
    assert load_mapping(BUILT_IN, tmp_path / "nowhere").field_of("备注") == "remark"


def test_an_unknown_name_lists_the_known_and_never_leaves_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "a.yaml").write_text("ignore: [x]\n")
    (tmp_path / "outside.yaml").write_text("ignore: [x]\n")
    for name in ("b", "../outside", str(tmp_path / "outside")):
        with pytest.raises(InputError, match="一机一档、a"):
            load_mapping(name, folder)


BAD = {
    "columns: {探头: camera_ip}\n": [(1, "探头", "no such field")],
    "columns: {探头: ipv4}\ncolums: {}\n": [(2, "colums", "unknown key")],
    "ignore: 照片\n": [(1, "ignore", "wrong form")],
    "columns:\n  探头: ipv4\n  探头: port\n": [(3, "探头", "repeated key")],
    "extends: other\nignore: {}\n": [(1, "extends", "cannot extend"), (2, "ignore", "wrong form")],
    "- a\n": [(0, "", "must be a table")],
    "columns: {a: [\n": [(2, "", "cannot read")],
    "": [(0, "", "must be a table")],
}


@pytest.mark.parametrize("text", sorted(BAD))
def test_bad_mappings_are_refused_with_every_fault(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_mapping("bad", tmp_path)
    assert [(f.line, f.column) for f in caught.value.findings] == [(line, column) for line, column, _ in BAD[text]]
    for finding, (_, _, words) in zip(caught.value.findings, BAD[text], strict=True):
        assert words in finding.message


def test_no_heading_means_two_columns() -> None:
    names = [
        name
        for column in COLUMNS
        for name in {plain_header(text) for text in (column.header, column.field, *column.aliases)}
    ]
    assert len(names) == len(set(names)) == len(KNOWN)


def test_exports_have_no_login_column() -> None:
    assert not {"username", "password"} & {column.field for column in EXPORTED}
