from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.kernel.money import Currency
from autonomy.policy.shapes import cedar_type, convert, of_schema
from tests.examples import tried

EUR = Currency("EUR", {})


def declared(**properties: Any) -> str:
    return cedar_type(of_schema({"type": "object", "properties": properties, "required": list(properties)}))


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "string"}, '{"x": String}'),
        ({"type": "integer"}, '{"x": Long}'),
        ({"type": "boolean"}, '{"x": Bool}'),
        ({"enum": ["a", "b"]}, '{"x": String}'),
        ({"enum": ["a", None]}, '{"x"?: String}'),
        ({"enum": ["a", 1]}, "{}"),
        ({"type": ["string", "null"]}, '{"x"?: String}'),
        ({"type": ["string", "integer"]}, "{}"),
        ({"type": "number"}, "{}"),
        ({"type": "number", "x-money": "EUR"}, '{"x": Long}'),
        ({"type": "boolean", "x-money": "EUR"}, '{"x": Bool}'),
        ({"type": "array", "items": {"type": "integer"}}, '{"x": Set<Long>}'),
        ({"type": "array", "items": {"type": "number"}}, "{}"),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, "{}"),
        ({"type": "array"}, "{}"),
        ({"type": "object"}, "{}"),
        ({"type": "object", "properties": {"y": {"type": "string"}}}, '{"x": {"y"?: String}}'),
        ({"anyOf": [{"type": "string"}]}, "{}"),
        (True, "{}"),
        ({"type": 5}, "{}"),
        ({"$ref": "http://elsewhere/schema"}, "{}"),
        ({"$ref": "#/properties/x"}, "{}"),
    ],
)
def test_a_json_schema_becomes_a_cedar_type(schema: Any, says: str) -> None:
    assert declared(x=schema) == says


def test_references_within_the_schema_are_followed() -> None:
    schema = {
        "type": "object",
        "required": ["to"],
        "properties": {"to": {"$ref": "#/$defs/a~1b"}},
        "$defs": {"a/b": {"type": "object", "properties": {"to": {"$ref": "#/$defs/a~1b"}, "n": {"type": "integer"}}}},
    }
    assert cedar_type(of_schema(schema)).startswith('{"to": {"to"?: {"to"?: ')


def test_what_is_no_object_has_no_arguments() -> None:
    assert cedar_type(of_schema(True)) == cedar_type(of_schema({"type": "string"})) == "{}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "number"}]),
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(
            lambda properties: {"type": "object", "properties": properties, "required": list(properties)},
            st.dictionaries(NAMES, inner, max_size=3),
        )
    ),
    max_leaves=6,
)


@settings(max_examples=tried(300), deadline=None)
@given(st.dictionaries(NAMES, SCHEMAS, max_size=3))
def test_every_shape_is_a_type_that_cedar_reads(properties: dict[str, Any]) -> None:
    shape = of_schema({"type": "object", "properties": properties})
    cedarpy.Schema.from_str(f"entity E = {cedar_type(shape)};")


@settings(max_examples=tried(300), deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_only_declared_fields_pass(values: dict[str, Any]) -> None:
    shape = of_schema({"type": "object", "properties": {"known": {"type": "string"}}})
    assert convert(shape, {**values, "known": "x"}, EUR) == {"known": "x"}
