from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from config.contracts import SHIPPED, load_contract
from config.load import MAX_BYTES, load_model, load_yaml
from monitor.finding import Finding, InputError
from settlement.contract import Terms

BAD = sorted((Path(__file__).parents[2] / "bad_config").glob("contract_*.yaml"))
GOOD = """contract: c1
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
phases:
  - id: phase-1
    unit_price: "850.00"
    in_service_from: 2019-07-01
    months: 48
"""


def findings_of(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(InputError) as caught:
        load_contract(path)
    return caught.value.findings


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_bad_contract_says_what_is_wrong_where(path: Path) -> None:
    rows = path.read_bytes().split(b"\n")
    expected = rows[0].decode().removeprefix("# expect: ")
    marked = [n for n, row in enumerate(rows, 1) if row.endswith(b"# here")]
    findings = findings_of(path)
    assert len(findings) == 1, findings
    assert expected in findings[0].message + findings[0].remedy
    assert findings[0].remedy
    assert [findings[0].line] == marked
    assert findings[0].file == str(path)


def test_the_bad_contracts_are_there() -> None:
    assert len(BAD) >= 40


def test_the_good_contract_that_the_bad_ones_spoil_is_good(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD, encoding="utf-8")
    terms = load_contract(path)
    assert terms.phases[0].unit_price_fen == 85_000
    assert terms.target == Fraction(9, 10)


def test_all_errors_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    text = (
        GOOD.replace("0.06", "6")
        .replace("target: 0.90", "target: 1.2\ntarget: 1.3")
        .replace("2019-07-01", "2019-02-30")
    )
    path.write_text(
        text
        + '    colour: red\n  - id: phase-1\n    unit_price: "1.00"\n    in_service_from: 2019-07-01\n    months: 1\n',
        encoding="utf-8",
    )
    found = findings_of(path)
    assert [(finding.line, finding.column) for finding in found] == [
        (2, "tax_rate"),
        (3, "target"),
        (4, "target"),
        (9, "phases[0].in_service_from"),
        (11, "phases[0].colour"),
        (12, "phases[1].id"),
    ]


def test_a_mapping_s_error_stands_at_its_key(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD + "policy:\n  confirm_samples: 0\n", encoding="utf-8")
    (found,) = findings_of(path)
    assert (found.line, found.column) == (11, "policy.confirm_samples")
    assert str(found).startswith(f"{path}:11 [policy.confirm_samples]: ")


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Decimal("0.1")),
        ("0.30000000000000004", Decimal("0.30000000000000004")),
        ("628.00", Decimal("628.00")),
        ("-1", -1),
        ("0", 0),
        ("010", "010"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("2020-07-01", date(2020, 7, 1)),
        ("2020-7-1", "2020-7-1"),
        ("2020-07-01T00:00:00", "2020-07-01T00:00:00"),
        ('"2020-07-01"', "2020-07-01"),
        ("'0.1'", "0.1"),
    ],
)
def test_a_value_means_what_it_looks_like(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"key: {text}\n", encoding="utf-8")
    data, _ = load_yaml(path)
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_lines_of_what_is_there_and_of_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("a: 1\nb:\n  - c: 2\n    d: 3\n  - 4\n", encoding="utf-8")
    data, lines = load_yaml(path)
    assert data == {"a": 1, "b": [{"c": 2, "d": 3}, 4]}
    assert lines.at(("b", 0, "d")) == 4
    assert lines.at(("b", 1)) == 5
    assert lines.at(("b", 0, "missing")) == 3
    assert lines.at(("nowhere",)) == 1


def test_an_empty_file_is_an_empty_mapping_and_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("# nothing\n", encoding="utf-8")
    assert load_yaml(path)[0] == {}
    path.write_text("a: 1\n", encoding="utf-8-sig")
    assert load_yaml(path)[0] == {"a": 1}


@pytest.mark.parametrize("make", ["missing", "folder", "large", "two"])
def test_a_file_that_cannot_be_used(tmp_path: Path, make: str) -> None:
    path = tmp_path / "c.yaml"
    expected = "无法读取 cannot read the file"
    if make == "folder":
        path.mkdir()
    elif make == "large":
        path.write_text("# " + "x" * MAX_BYTES, encoding="utf-8")
        expected = "larger than that"
    elif make == "two":
        path.write_text("a: 1\n---\nb: 2\n", encoding="utf-8")
        expected = "not valid YAML"
    with pytest.raises(InputError, match=expected):
        load_model(path, Anything)


def test_a_shipped_contract_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    terms = load_contract(Path("xinjian"))
    assert terms == load_contract(SHIPPED / "xinjian.yaml")
    with pytest.raises(InputError):
        load_contract(Path("elsewhere"))


def test_the_reference_contract_says_what_the_report_says_and_what_is_assumed() -> None:
    terms = load_contract(SHIPPED / "xinjian.yaml")
    first, second = terms.phases
    assert (first.id, first.unit_price_fen, first.in_service_from, first.months) == (
        "phase-1",
        85_000,
        date(2019, 7, 1),
        48,
    )
    assert (second.id, second.unit_price_fen, second.in_service_from, second.in_service_until) == (
        "phase-2",
        62_800,
        date(2020, 7, 1),
        date(2024, 7, 1),
    )
    assert second.components_fen == {"line": 12_200, "integration": 35_900, "platform": 14_700}
    assert second.contracted is not None
    assert second.contracted.total_fen == 3_014_400_000
    assert (terms.tax_rate, terms.target, terms.prepay_share) == (Fraction(6, 100), Fraction(9, 10), Fraction(9, 10))
    assert first.assumed
    assert second.assumed
    assert terms.assumed


def test_terms_survive_being_stored() -> None:
    terms = load_contract(SHIPPED / "xinjian.yaml")
    document = terms.document()
    assert document["phases"][1]["unit_price"] == "628.00"
    assert Terms.model_validate(document) == terms
