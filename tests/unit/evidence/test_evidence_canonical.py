"""One text per value, and nothing else is taken for it."""

from __future__ import annotations

import hashlib

import pytest

from monitor.canonical import canonical, digest, parse_line, parse_row


def test_keys_are_sorted_by_code_point_and_text_is_utf_8():
    value = {"点": 1, "b": [True, None, -1], "a": "二\u2028\n", "\U0001f4f7": 0, "\uffff": 0}
    text = canonical(value)
    assert text == '{"a":"二\u2028\\n","b":[true,null,-1],"点":1,"\uffff":0,"\U0001f4f7":0}'
    assert parse_line(text.encode()) == value
    assert digest(value) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"a":1.0}', "float"),
        (b'{"a":1e2}', "float"),
        (b'{"a":NaN}', "float"),
        (b'{"a":Infinity}', "float"),
        (b'{"a":9007199254740992}', "too large"),
        (b'{"a":-9007199254740992}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "too large"),
        (b'{"a":1,"a":1}', "repeats"),
        (b'{"b":1,"a":1}', "not canonical"),
        (b'{"a": 1}', "not canonical"),
        (b'{"a":-0}', "not canonical"),
        (b'{"a":"\\u4e8c"}', "not canonical"),
        (b'{"a":"\\/"}', "not canonical"),
        (b'{"a":1}\n', "not canonical"),
        (b'\xef\xbb\xbf{"a":1}', "Expecting value"),
        (b'{"a":"\xff"}', "utf-8"),
        (b'{"a":"\\ud800"}', "surrogates"),
        (b'{"a":', "Expecting value"),
        (b"", "Expecting value"),
        (b"[1]", "not an object"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_what_is_not_canonical_is_refused(line: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        parse_line(line)


def test_rows_are_arrays():
    assert parse_row(b'["a",null,1]') == ["a", None, 1]
    with pytest.raises(ValueError, match="not an array"):
        parse_row(b'{"a":1}')
