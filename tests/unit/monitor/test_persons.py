from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.persons import same_person


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zhang San", "zhang san"),
        ("Zhang San", "ZHANG  SAN"),
        ("Zhang San", "Ｚhang　San"),
        ("Straße", "STRASSE"),
        ("os:zhang", "zhang"),
        ("OS: Zhang", "zhang"),
        ("ｏｓ：zhang", "Zhang"),
        ("张 三", "张三"),
        ("张　三", "张三"),
        (" 张三 ", "张三"),
    ],
)
def test_spellings_of_one_person(one: str, other: str) -> None:
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("张三", "张四"), ("zhang", "zhang san"), ("os", "os:os:os"), ("zhang1", "zhang2"), ("", "a")]
)
def test_other_persons(one: str, other: str) -> None:
    assert not same_person(one, other)


@given(st.text(max_size=20))
def test_the_compared_name_is_the_same_however_a_name_is_normalised(name: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert same_person(name, unicodedata.normalize(form, name))
    assert same_person(name, f"  {name} ")
