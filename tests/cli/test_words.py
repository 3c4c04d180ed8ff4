"""Values on their way from a keyboard and to a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.cli.arguments import coerced, read_object, split
from autonomy.cli.ending import Misused
from autonomy.cli.words import cell, moment, plain, span

SCHEMA = {
    "properties": {
        "amount": {"type": "string"},
        "quantity": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "lines": {"type": "array"},
        "note": {"type": ["string", "null"]},
    }
}


@given(st.text())
def test_nothing_steers_a_terminal(text: str) -> None:
    assert all(letter == "\n" or letter.isprintable() for letter in plain(text))


@given(st.text(st.characters(categories=("L", "N", "P")), max_size=40))
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_escapes_and_letters_that_turn_the_line_around_are_shown() -> None:
    assert plain("pay \x1b[2Kbob\u202egpj") == "pay \\x1b[2Kbob\\u202egpj"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("amount=1200.00", {"amount": "1200.00"}),
        ("amount=12", {"amount": "12"}),
        ("quantity=10", {"quantity": 10}),
        ("quantity=ten", {"quantity": "ten"}),
        ("urgent=true", {"urgent": True}),
        ('lines=["a"]', {"lines": ["a"]}),
        ("note=null", {"note": None}),
        ("amount:=12", {"amount": 12}),
        ("other=1.5", {"other": 1.5}),
        ("other=a=b", {"other": "a=b"}),
        ('other={"a":1}', {"other": '{"a":1}'}),
        ('other:={"a":1}', {"other": {"a": 1}}),
        ("other=", {"other": ""}),
    ],
)
def test_an_argument_becomes_what_the_tool_declares(typed: str, expected: dict[str, Any]) -> None:
    assert coerced(split([typed]), SCHEMA) == expected


@pytest.mark.parametrize("typed", [["amount"], ["=1"], [":=1"], ["a=1", "a=2"]])
def test_what_is_no_argument_is_bad_usage(typed: list[str]) -> None:
    with pytest.raises(Misused):
        split(typed)


@pytest.mark.parametrize("typed", ["lines=[", "other:=yes"])
def test_json_that_is_none_is_bad_usage(typed: str) -> None:
    with pytest.raises(Misused):
        coerced(split([typed]), SCHEMA)


@pytest.mark.parametrize(
    "typed", ['{"n": 1, "n": 2}', '{"n": NaN}', '{"n": 1e999}', '{"n":' * 9_000, '{"n": "\udcff"}']
)
def test_json_that_readers_understand_differently_is_bad_usage(typed: str) -> None:
    for read in (read_object, lambda text: coerced(split([f"lines:={text}"]), SCHEMA)):
        with pytest.raises(Misused):
            read(typed)


@pytest.mark.parametrize("typed", ["NaN", "-Infinity", "1e999", "1" * 30, "[" * 9_000])
def test_what_no_number_can_say_is_text(typed: str) -> None:
    assert coerced(split([f"other={typed}"]), SCHEMA) == {"other": typed}


@given(
    st.dictionaries(st.text(min_size=1), st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text())
)
def test_a_json_object_is_read_as_it_is(value: dict[str, Any]) -> None:
    assert read_object(json.dumps(value)) == value


@given(st.integers(0, 10**12))
def test_a_span_is_at_most_two_units(milliseconds: int) -> None:
    words = span(milliseconds)
    assert words == "now" or 1 <= len(words.split()) <= 2


def test_spans_and_moments_read_well() -> None:
    assert [span(at) for at in (0, 999, 1_000, 7_500_000, 86_400_000, 90_000_000, 259_199_000)] == [
        "now",
        "now",
        "1s",
        "2h 5m",
        "1d",
        "1d 1h",
        "2d 23h",
    ]
    assert (moment(0), moment(None)) == ("1970-01-01 00:00:00Z", "-")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        ([], "-"),
        ("", "-"),
        (0, "0"),
        (True, "yes"),
        (["a", "b"], "a, b"),
        ({"a": 1}, '{"a": 1}'),
        ("x", "x"),
    ],
)
def test_a_cell_says_what_is_there(value: Any, expected: str) -> None:
    assert cell(value) == expected
