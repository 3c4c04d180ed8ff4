"""Documents as strangers write them: what tools take from them, and what is refused before it costs anything."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.openapi import Document, Operation, read_document
from autonomy.kernel.errors import AutonomyError, Invalid
from tests.examples import tried


def document(
    operation: Any, version: str = "3.1.0", path: str = "/things", method: str = "post", **components: Any
) -> Any:
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": {path: {method: {"operationId": "op", **operation}}},
        "components": components,
    }


def body(schema: Any, required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def read(operation: Any, version: str = "3.1.0", **how: Any) -> Operation:
    return Document(document(operation, version, **how)).operation("op")


def code(value: Any, wanted: str = "op") -> str:
    with pytest.raises(Invalid) as caught:
        Document(value).operation(wanted)
    return caught.value.code


OLD: list[tuple[Any, Any]] = [
    ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
    ({"allOf": [{"type": "string"}], "nullable": True}, {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]}),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
    ({"type": "integer", "maximum": 9, "exclusiveMaximum": False}, {"type": "integer", "maximum": 9}),
    ({"type": "integer", "format": "int32"}, {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
    ({"type": "integer", "format": "int64", "maximum": 2**53 - 1}, {"type": "integer"}),
    ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    ({"type": "string", "format": "credit-card", "example": "x", "xml": {}}, {"type": "string"}),
    ({"type": "number", "format": "double", "x-money": "EUR"}, {"type": "number", "x-money": "EUR"}),
]


@pytest.mark.parametrize(("old", "new"), OLD)
def test_schemas_of_3_0_become_2020_12(old: Any, new: Any) -> None:
    found = read(body({"type": "object", "properties": {"a": old}}), "3.0.3")
    assert found.input["properties"]["a"] == new
    jsonschema_rs.Draft202012Validator(dict(found.input))


def test_recursive_schemas_become_definitions() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    found = read(
        body({"type": "object", "properties": {"n": {"$ref": "#/components/schemas/Node"}}}), schemas={"Node": node}
    )
    validator = jsonschema_rs.Draft202012Validator(dict(found.input))
    assert validator.is_valid({"n": {"next": {"next": {}}}}) and not validator.is_valid({"n": {"next": 1}})


def test_two_definitions_of_one_name_stay_apart() -> None:
    properties = {"a": {"$ref": "#/components/schemas/X"}, "b": {"$ref": "#/x-more/X"}}
    value = document(body({"type": "object", "properties": properties}), schemas={"X": {"type": "string"}})
    found = Document(value | {"x-more": {"X": {"type": "integer"}}}).operation("op")
    validator = jsonschema_rs.Draft202012Validator(dict(found.input))
    assert validator.is_valid({"a": "x", "b": 1}) and not validator.is_valid({"a": "x", "b": "x"})


def test_what_only_the_service_sends_is_not_asked_for() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}},
    }
    found = read(body(schema))
    assert set(found.input["properties"]) == {"name"} and found.input["required"] == ["name"]
    inside = read(body({"type": "object", "properties": {"of": schema}})).input["properties"]["of"]
    assert set(inside["properties"]) == {"name"} and inside["required"] == ["name"]


def test_a_body_that_is_no_plain_object_is_one_argument() -> None:
    for schema in (
        {"type": "array", "items": {"type": "string"}},
        {"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"a": {}}, "minProperties": 1},
    ):
        found = read(body(schema))
        assert set(found.input["properties"]) == {"body"} == set(found.arguments)


def test_a_body_that_may_be_left_out_may_not_be_left_out_by_half() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    validator = jsonschema_rs.Draft202012Validator(dict(read(body(schema, required=False)).input))
    assert validator.is_valid({}) and validator.is_valid({"a": "x"}) and not validator.is_valid({"b": "x"})


def test_arguments_of_one_name_are_told_apart() -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "id", "in": "query", "schema": {"type": "string"}},
        {"name": "agent", "in": "query", "schema": {"type": "string"}},
        {"name": "filter[x]", "in": "query", "schema": {"type": "string"}},
    ]
    found = read({"parameters": parameters}, path="/things/{id}", method="get")
    assert found.arguments == {"id", "id_query", "agent_query", "filter_x_"}


def test_headers_that_are_ours_and_optional_cookies_are_left_out() -> None:
    parameters = [
        {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "Host", "in": "header", "schema": {"type": "string"}},
        {"name": "session", "in": "cookie", "schema": {"type": "string"}},
        {"name": "X-Mine", "in": "header", "schema": {"type": "string"}},
    ]
    assert read({"parameters": parameters}).arguments == {"X-Mine"}


def test_an_operation_without_an_id_is_named_by_method_and_path() -> None:
    value = document({})
    del value["paths"]["/things"]["post"]["operationId"]
    assert Document(value).operation("POST /things").method == "POST"


UNUSABLE: list[tuple[Any, str]] = [
    (document({}, version="2.0"), "openapi.version"),
    ({"swagger": "2.0"}, "openapi.version"),
    (document({"parameters": [{"$ref": "https://evil.example/x"}]}), "openapi.external"),
    (document({"parameters": [{"$ref": "other.yaml#/x"}]}), "openapi.external"),
    (document({"parameters": [{"$ref": "#/nowhere"}]}), "openapi.reference"),
    (
        document(
            {"parameters": [{"$ref": "#/components/parameters/a"}]},
            parameters={"a": {"$ref": "#/components/parameters/a"}},
        ),
        "openapi.reference",
    ),
    (document(body({"$ref": "file:///etc/passwd"})), "openapi.external"),
    (
        document(body({"type": "object", "properties": {"a": {"$ref": "#/components/schemas/gone"}}})),
        "openapi.reference",
    ),
    (document(body({"type": "array", "items": {"$id": "https://x"}})), "openapi.schema"),
    (document(body({"type": "array", "items": {"$dynamicRef": "#x"}})), "openapi.schema"),
    (document(body({"type": "array", "items": "strings"})), "openapi.schema"),
    (document({"requestBody": {"required": True, "content": {"multipart/form-data": {}}}}), "openapi.unusable"),
    (document({}, path="/things/{id}"), "openapi.unusable"),
    (document({}, path="/a/../b"), "openapi.unusable"),
    (document({}, path="/a?x=1"), "openapi.unusable"),
    (document({}, path="/a b"), "openapi.unusable"),
    (document({"parameters": [{"name": "s", "in": "cookie", "required": True}]}), "openapi.unusable"),
    (document({"parameters": [{"in": "query"}]}), "openapi.unusable"),
    (document({"parameters": [{"name": "q", "in": "query", "style": "matrix"}]}), "openapi.unusable"),
    (document({"security": [{"nobody": []}]}), "openapi.security"),
    (document({"security": "none"}), "openapi.security"),
]


@pytest.mark.parametrize(("value", "expected"), UNUSABLE)
def test_what_cannot_be_called_is_refused_with_its_code(value: Any, expected: str) -> None:
    assert code(value) == expected


def test_an_unknown_operation_is_told() -> None:
    assert code(document({}), "other") == "openapi.operation"


def test_a_tree_of_references_that_would_grow_for_ever_is_finite() -> None:
    """Each level refers twice to the next: written out it would have 2^60 parts."""
    schemas: dict[str, Any] = {
        f"s{n}": {
            "type": "object",
            "properties": {
                "a": {"$ref": f"#/components/schemas/s{n + 1}"},
                "b": {"$ref": f"#/components/schemas/s{n + 1}"},
            },
        }
        for n in range(60)
    }
    schemas["s60"] = {"type": "string"}
    found = read(body({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/s0"}}}), schemas=schemas)
    assert len(found.input["$defs"]) == 61


def test_merging_that_would_grow_for_ever_ends_within_seconds() -> None:
    """Bodies are merged part by part: parts that name each other, and a tree of parts."""
    began = time.thread_time()
    circle = {"a": {"allOf": [{"$ref": "#/components/schemas/a"}, {"$ref": "#/components/schemas/a"}]}}
    tree: dict[str, Any] = {
        f"s{n}": {"allOf": [{"$ref": f"#/components/schemas/s{n + 1}"}, {"$ref": f"#/components/schemas/s{n + 1}"}]}
        for n in range(30)
    }
    tree["s30"] = {"type": "object", "properties": {"x": {}}}
    for schemas, first in ((circle, "a"), (tree, "s0")):
        found = read(body({"$ref": f"#/components/schemas/{first}"}), schemas=schemas)
        assert found.input["properties"]
    assert time.thread_time() - began < 5, "without what other programs take of the machine"


def test_schemas_without_end_are_bounded() -> None:
    many = {"type": "array", "items": {"anyOf": [{"type": "string", "const": str(n)} for n in range(25_000)]}}
    assert code(document(body(many))) == "openapi.schema"
    arguments = [{"name": f"p{n}", "in": "query", "schema": {"type": "string"}} for n in range(300)]
    assert code(document({"parameters": arguments})) == "openapi.unusable"


def test_descriptions_are_cut_and_hold_nothing_invisible() -> None:
    shown = read(body({"type": "object", "properties": {"a": {"description": "x\u202e\u0000y" + "z" * 5_000}}}))
    text = shown.input["properties"]["a"]["description"]
    assert text.startswith("xyz") and len(text) <= 1_000


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{this}: &{this} [{','.join([f'*{before}'] * 9)}]\n" for before, this in pairwise("abcdefghi")
)
HOSTILE: list[tuple[str, str]] = [
    ("", "openapi.unreadable"),
    ("[]", "openapi.unreadable"),
    ("just words", "openapi.unreadable"),
    ('{"openapi": "3.1.0", "openapi": "3.0.0"}', "openapi.unreadable"),
    ('{"a": NaN}', "openapi.unreadable"),
    ('{"a": ', "openapi.unreadable"),
    ("a: 1\na: 2\n", "openapi.unreadable"),
    ("a: !!python/object/apply:os.system [id]\n", "openapi.unreadable"),
    ("a: 1\n---\nb: 2\n", "openapi.unreadable"),
    ('{"a":' * 50 + "1" + "}" * 50, "json.too_deep"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "openapi.unreadable"),
    ("a: " + "[" * 60 + "]" * 60, "openapi.unreadable"),
    (json.dumps({"a": [0] * 150_000}), "openapi.unreadable"),
    ('{"a": "' + "x" * 1_100_000 + '"}', "openapi.too_large"),
    (BOMB, "openapi.unreadable"),
    ("a: &a\n  b: *a\n", "openapi.unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_quickly(text: str, expected: str) -> None:
    began = time.thread_time()
    with pytest.raises(AutonomyError) as caught:
        read_document(text)
    assert caught.value.code == expected
    assert time.thread_time() - began < 10


def test_numbers_of_64_bits_are_read() -> None:
    for text in (
        '{"maximum": 9223372036854775807, "minimum": -9223372036854775808}',
        "maximum: 9223372036854775807\nminimum: -9223372036854775808\n",
    ):
        assert read_document(text) == {"maximum": 2**53 - 1, "minimum": -(2**53 - 1)}


def test_yaml_and_json_are_one_document() -> None:
    assert read_document(
        "openapi: 3.0.3\npaths: {/a: {get: {responses: {200: {description: ok}}}}}\n"
    ) == read_document('{"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}}}')


LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from(
    ["#/components/schemas/A", "#/components/schemas/B", "object", "string", "array", "query", "path", "3.0.0"]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "type",
        "properties",
        "allOf",
        "anyOf",
        "items",
        "$ref",
        "required",
        "nullable",
        "enum",
        "in",
        "name",
        "schema",
        "style",
        "content",
        "parameters",
        "requestBody",
        "application/json",
        "security",
        "description",
        "readOnly",
        "additionalProperties",
    ]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)


@settings(max_examples=tried(300), deadline=None)
@given(
    operation=st.dictionaries(WORDS, VALUES, max_size=5),
    a=VALUES,
    b=VALUES,
    version=st.sampled_from(["3.0.1", "3.1.0"]),
)
def test_any_document_gives_an_operation_or_one_of_our_errors(operation: Any, a: Any, b: Any, version: str) -> None:
    value = deepcopy(document(operation, version, schemas={"A": a, "B": b}))
    try:
        found = Document(value).operation("op")
    except Invalid as error:
        assert error.code.startswith("openapi.")
    else:
        assert found.arguments == set(found.input["properties"])
        assert len(found.digest) == 64
