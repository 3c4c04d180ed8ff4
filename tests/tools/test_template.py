"""JSON with places for arguments, and what is kept of an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.tools.template import at, fill, keep, names

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@given(JSON)
def test_a_place_alone_becomes_the_argument_whatever_it_is(value: Json) -> None:
    assert fill({"a": ["{x}"]}, {"x": value}) == {"a": [value]}


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_argument_breaks_out_of_its_place(hostile: str, around: str) -> None:
    written = around.replace("{", "{{").replace("}", "}}") + "{x}."
    filled = fill([[written, "=", "{x}"]], {"x": hostile})
    assert filled == [[f"{around}{hostile}.", "=", hostile]]
    assert json.loads(json.dumps(filled)) == filled


def test_a_member_without_its_argument_is_left_out_and_a_place_in_a_list_is_null() -> None:
    assert fill({"a": "{x}", "b": ["{x}"], "c": 1}, {}) == {"b": [None], "c": 1}


def test_within_a_text_only_a_single_value_can_stand() -> None:
    assert fill("{n} of {s}", {"n": 3, "s": "x"}) == "3 of x"
    for value in (None, [1], {"a": 1}):
        with pytest.raises(Invalid):
            fill("is {x}", {"x": value})


def test_names_are_found_wherever_they_stand() -> None:
    assert names({"a": "{x}", "b": [["{y} and {no name}", "{{not}}", 1, None]]}) == {"x", "y", "no name"}


@given(JSON)
def test_the_empty_pointer_is_the_whole(value: Json) -> None:
    assert at(value, "") == value


def test_pointers_are_those_of_rfc_6901() -> None:
    value = {"a/b": {"m~n": [10, {"": 20}]}, "list": [1]}
    assert at(value, "/a~1b/m~0n/0") == 10
    assert at(value, "/a~1b/m~0n/1/") == 20
    for nowhere in ("/x", "/list/1", "/list/-1", "/list/x", "/list/0/y", "/a~1b/m~0n/0/0"):
        assert at(value, nowhere) is None


def test_what_is_kept_of_a_list_are_rows_and_of_an_object_is_one() -> None:
    fields = {"id": "/id", "name": "/party/name"}
    one, two = {"id": 1, "party": {"name": "x"}, "more": True}, {"id": 2}
    assert keep([one, two], None, fields) == {"rows": [{"id": 1, "name": "x"}, {"id": 2, "name": None}]}
    assert keep({"data": one}, "/data", fields) == {"id": 1, "name": "x"}
    assert keep({"data": [one]}, "/data/0", fields) == {"id": 1, "name": "x"}
    assert keep([], "/0", fields) is None
    assert keep({"data": [1]}, "/data", {}) == [1]
    assert keep("as it is", None, {}) == "as it is"
