"""A body is JSON, or its sender reads where it is not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiro.errors import InvalidRequest, MalformedBody
from tiro.json_body import MAX_DEPTH, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_what_is_json_is_read_as_it_is(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def read_or_refuse(body: str | bytes) -> None:
    refused = ""
    try:
        read_json(body)
    except (MalformedBody, InvalidRequest) as error:
        refused = str(error)
    assert "Expecting" not in refused


@given(st.text() | st.binary())
def test_nothing_breaks_it(body: str | bytes) -> None:
    read_or_refuse(body)


@given(VALUES, st.data())
def test_json_with_a_character_changed_is_read_or_refused_in_our_words(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from("\"'{}[],:\\ue.-0NI\x00 ")) + text[place + 1 :]
    read_or_refuse(changed)


@pytest.mark.parametrize("text", ["1.0", "1e0", "100e-2", "0.1e1"])
def test_a_number_without_a_fraction_is_an_integer(text: str) -> None:
    assert isinstance(read_json(text), int)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "empty"),
        (None, "empty"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("\ufeff{}", "byte order mark"),
        ("{", "ends at line 1, column 2; expected: a name in double quotes"),
        ('{\n  "a": 1\n  "b": 2}', "line 3, column 3"),
        ("{'a': 1}", "a string has double quotes"),
        ('{"a": True}', "JSON writes true, false and null"),
        ('{"a": 1,}', "remove the comma"),
        ("[1,]", "remove the comma"),
        ('{"a": "x', "the string that begins at line 1, column 7 has no end"),
        ('{"a": "\t"}', "U+0009"),
        ("{} {}", "the end of the body"),
        ("model=base&language=en", "line 1, column 1 has m"),
        ("9" * 5000, "too many digits"),
        ("[" * 100_000, "levels"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "levels"),
        ('{"a": ["\\ud800"]}', "/a/0 has half of a surrogate pair"),
        ('{"\\udc00": 1}', "half of a surrogate pair"),
    ],
)
def test_what_is_not_json_says_where(body: str | bytes | None, says: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        read_json(body)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a": 1, "a": 2}', "/a"),
        ('{"x": [{"a/b": 1, "~": 2, "a/b": 3}]}', "/x/0/a~1b"),
        ('{"a": NaN}', "/a"),
        ('{"a": [-Infinity]}', "/a/0"),
        ('{"a": 1e999}', "/a"),
    ],
)
def test_what_no_field_can_hold_is_named(body: str, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_json(body)
    assert [problem.pointer for problem in raised.value.errors] == [pointer]


def test_a_large_number_stays_what_it_is() -> None:
    assert read_json("1e300") == 1e300
    assert math.isclose(read_json("0.1"), 0.1)
