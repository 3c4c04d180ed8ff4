"""Expressions through their front door: what is refused when declared, what comes out when evaluated, what it costs."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.expressions import ANY, Expression, Type, compile, misfit, of_schema
from autonomy.expressions.types import of_fields
from autonomy.kernel.errors import AutonomyError, Invalid
from tests.examples import tried

QUOTE = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "price": {"type": "number"},
        "currency": {"enum": ["EUR", "USD"]},
        "note": {"type": ["string", "null"]},
        "free": {"type": "object"},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["amount", "lines"],
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"}}}},
}
VARIABLES = {
    "inputs": of_schema({"type": "object", "properties": {"limit": {"type": "integer"}, "vendor": {"type": "string"}}}),
    "steps": of_fields({"quote": of_fields({"output": of_schema(QUOTE)})}),
    "now": Type("timestamp"),
}
VALUES: dict[str, Any] = {
    "inputs": {"limit": 3, "vendor": "acme"},
    "steps": {"quote": {"output": {"amount": 5, "price": 2, "lines": [{"sku": "b-1", "quantity": 2}], "note": None}}},
    "now": 1_700_000_000_123,
}


def refused(text: str, variables: dict[str, Type] = VARIABLES) -> AutonomyError:
    with pytest.raises(AutonomyError) as raised:
        compile(text, variables)
    return raised.value


def evaluated(text: str, values: dict[str, Any] = VALUES, variables: dict[str, Type] = VARIABLES) -> Any:
    return compile(text, variables).evaluate(values)


def test_a_field_that_is_not_there_is_refused_with_its_place_and_the_nearest_name() -> None:
    error = refused("inputs.limit > 1 &&\n  steps.quote.output.amonut > 1")
    assert error.code == "expression.unknown_name"
    assert error.message == "there is no `amonut` at line 2 column 21"
    assert error.hint == "did you mean `amount`?"
    assert error.detail == {"line": 2, "column": 21}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("stepz.quote", "expression.unknown_name", "`steps`"),
        ("steps.qoute.output", "expression.unknown_name", "`quote`"),
        ("steps.quote.output.lines.map(l, l.quantty)", "expression.unknown_name", "`quantity`"),
        ("sizes(inputs.vendor)", "expression.unknown_name", "`sizes` is not known"),
        ("inputs.limit + 'a'", "expression.type", "`+` does not take whole number, text"),
        ("inputs.limit == 1.0", "expression.type", "`==` does not take whole number, number"),
        ("inputs.limit ? 1 : 2", "expression.type", "`? :` does not take"),
        ("inputs.limit.x", "expression.type", "this value has no fields"),
        ("!inputs.vendor", "expression.type", "`!` does not take text"),
        ("inputs.limit +", "expression.syntax", "mismatched input '<EOF>' at column 15"),
        ("if", "expression.syntax", "reserved identifier"),
        ("  ", "expression.syntax", "empty"),
        ("has(inputs)", "expression.syntax", "field selection"),
        ("google.protobuf.Struct{}", "expression.syntax", "write an object as"),
        ("'\ud800'", "expression.syntax", "half a character"),
        ("(" * 40 + "1" + ")" * 40, "expression.too_deep", "nested too deep"),
        ("1 + " * 1_001 + "1", "expression.too_long", "4000 are allowed"),
    ],
)
def test_a_wrong_expression_is_refused_when_it_is_declared(text: str, code: str, said: str) -> None:
    error = refused(text)
    assert (error.code, said in str(error)) == (code, True), str(error)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("inputs.limit * 2", "whole number", 6),
        ("steps.quote.output.price * 2.0", "number", 4.0),
        ("double(inputs.limit) / 2.0", "number", 1.5),
        ("inputs.vendor + '!'", "text", "acme!"),
        ("steps.quote.output.amount > inputs.limit", "true or false", True),
        ("steps.quote.output.note == null", "true or false", True),
        ("steps.quote.output.note", "text or null", None),
        ("has(steps.quote.output.currency) ? steps.quote.output.currency : 'EUR'", "text", "EUR"),
        ("steps.quote.output.lines.map(l, l.quantity)", "list of whole number", [2]),
        ("steps.quote.output.lines.exists(l, l.sku == 'b-1')", "true or false", True),
        ("steps.quote.output.lines[0]", "object", {"sku": "b-1", "quantity": 2}),
        ("{'who': inputs.vendor, 'at': now}", "object", {"who": "acme", "at": "2023-11-14T22:13:20.123Z"}),
        ("now + duration('1h')", "point in time", "2023-11-14T23:13:20.123Z"),
        ("now - timestamp('2023-11-14T22:13:19Z')", "length of time", 1_123),
        ("timestamp('2024-02-29T00:00:00Z').getFullYear()", "whole number", 2024),
        ("null", "null", None),
        ("minor('1200.50 EUR') + minor('0.50', 'EUR')", "whole number", 120_100),
        ("minor('1200 JPY')", "whole number", 1_200),
        ("amount(inputs.limit * 5, 'EUR')", "text", "0.15"),
        ("amount(-120050, 'BHD')", "text", "-120.050"),
        ("[1, 'a']", "list of anything", [1, "a"]),
    ],
)
def test_an_expression_has_the_kind_it_was_said_to_have(text: str, kind: str, value: Any) -> None:
    expression = compile(text, VARIABLES)
    found = expression.evaluate(VALUES)
    assert (str(expression.result), found, type(found)) == (kind, value, type(value))


def test_whole_numbers_stay_whole_and_numbers_of_a_schema_are_numbers_however_they_were_written() -> None:
    values = {"steps": {"quote": {"output": {"amount": 5.0, "price": 7}}}}
    assert evaluated("steps.quote.output.amount / 2", values) == 2
    assert evaluated("steps.quote.output.price / 2.0", values) == 3.5


@pytest.mark.parametrize(
    ("text", "values", "code"),
    [
        ("steps.quote.output.currency", VALUES, "expression.missing"),
        ("inputs.limit", {}, "expression.missing"),
        ("steps.quote.output.lines[7].sku", VALUES, "expression.failed"),
        ("inputs.limit / 0", VALUES, "expression.failed"),
        ("9223372036854775807 + inputs.limit", VALUES, "expression.failed"),
        ("inputs.vendor.matches('(')", VALUES, "expression.failed"),
        ("inputs.limit * 2", {"inputs": {"limit": "three"}}, "expression.failed"),
        ("inputs.limit", {"inputs": {"limit": 2**70}}, "expression.value"),
        ("inputs.limit", {"inputs": {"limit": math.nan}}, "expression.value"),
        ("inputs.vendor", {"inputs": {"vendor": "\ud800"}}, "expression.value"),
        ("inputs.vendor", {"inputs": {"vendor": b"raw"}}, "expression.value"),
        ("now", {"now": 10**18}, "expression.value"),
        ("inputs.vendor", {"inputs": {"vendor": "x" * 300_000}}, "expression.too_large"),
        ("b'raw'", VALUES, "expression.result"),
        ("type(inputs.limit)", VALUES, "expression.result"),
        ("9007199254740993", VALUES, "expression.result"),
        ("1.0 / 0.0", VALUES, "expression.result"),
        ("{1: 2}", VALUES, "expression.result"),
        ("minor('12')", VALUES, "expression.failed"),
        ("minor('12 EUR', 'USD')", VALUES, "expression.failed"),
        ("minor('0.001 EUR')", VALUES, "expression.failed"),
        ("minor('a lot')", VALUES, "expression.failed"),
        ("amount(1, 'euros')", VALUES, "expression.failed"),
    ],
)
def test_what_cannot_be_computed_is_an_error_of_its_own(text: str, values: dict[str, Any], code: str) -> None:
    with pytest.raises(AutonomyError) as raised:
        evaluated(text, values)
    assert raised.value.code == code, raised.value


def test_a_missing_value_is_named_with_its_place() -> None:
    with pytest.raises(AutonomyError) as raised:
        evaluated("inputs.limit > 1 ? steps.quote.output.currency : ''")
    assert raised.value.detail == {"line": 1, "column": 20}
    assert "`currency`" in raised.value.message


def test_only_what_an_expression_reads_has_to_be_there_and_has_to_be_small() -> None:
    huge = {"inputs": {"limit": 1, "vendor": "x" * 10_000_000}}
    assert evaluated("inputs.limit + 1", huge) == 2


def test_references_say_what_is_read_and_what_is_only_asked_for() -> None:
    text = "has(steps.quote.output.note) && steps.quote.output.lines.all(l, l.quantity > inputs.limit)"
    found = [(str(one), one.asked) for one in compile(text, VARIABLES).references]
    assert found == [
        ("steps.quote.output.note", True),
        ("steps.quote.output.lines", False),
        ("inputs.limit", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "items.map(x, items.map(y, 1))",
        "items.map(x, big + big)",
        "items.map(x, big)",
        "items.map(x, items).size() == 3",
        "items.all(x, big.matches('(a*)*b'))",
        "['a'].map(a, [big + big].map(b, [b + b + b + b].map(c, [c + c + c + c].map(d, d + d + d + d + d + d + d))))",
    ],
)
def test_what_would_cost_too_much_is_refused_before_it_costs_anything(text: str) -> None:
    values = {"items": list(range(5_000)), "big": "x" * 100_000}
    expression = compile(text, dict.fromkeys(values, ANY))
    started = time.process_time()
    with pytest.raises(AutonomyError) as raised:
        expression.evaluate(values)
    assert raised.value.code in ("expression.too_costly", "expression.too_large")
    assert time.process_time() - started < 1


def test_a_thousand_order_lines_are_no_trouble() -> None:
    lines = [{"sku": f"sku-{number}", "quantity": number, "text": "a bolt of steel" * 5} for number in range(1_000)]
    text = "lines.filter(l, l.quantity > 990).map(l, 'order ' + l.sku)"
    assert len(evaluated(text, {"lines": lines}, {"lines": ANY})) == 9


def test_loops_inside_one_another_are_bounded() -> None:
    text = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, [1].all(e, [1].all(f, true))))))"
    assert refused(text).code == "expression.too_deep"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("inputs", "steps", "now", "x")
PARTS = st.sampled_from(
    [
        *(
            *NAMES,
            ".",
            ".quote",
            ".output",
            ".amount",
            ".lines",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "'a'",
            "1",
            "2.5",
            "null",
        ),
        *(" + ", " - ", " / ", " == ", " && ", " || ", " ? ", " : ", "!", ".map(x, x)", ".all(x, x > 1)", "has(", ","),
        *(" in ", "timestamp(", "duration('1s')", "string(", "-", "size(", "true", "\n", "é", "'\\u0000'", "b'x'"),
    ]
)


@settings(max_examples=tried(400), deadline=None)
@given(
    text=st.text(max_size=30) | st.lists(PARTS, max_size=12).map("".join),
    values=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4),
)
def test_nothing_but_errors_of_the_house_comes_out(text: str, values: dict[str, Any]) -> None:
    try:
        expression = compile(text, {**VARIABLES, "x": ANY})
        found = expression.evaluate(values)
    except AutonomyError as error:
        assert error.code.startswith("expression."), error
        return
    json.dumps(found, allow_nan=False)
    assert compile(text, {**VARIABLES, "x": ANY}).evaluate(values) == found


def literals(depth: int = 2) -> st.SearchStrategy[tuple[str, Any]]:
    """Texts of typed expressions with values known beforehand."""
    whole = st.integers(-99, 99).map(lambda number: (str(number), number))
    words = st.sampled_from(["a", "b c", "é"]).map(lambda word: (f"'{word}'", word))
    truth = st.booleans().map(lambda value: (str(value).lower(), value))
    plain = whole | words | truth
    if depth == 0:
        return plain
    inner = literals(depth - 1)
    listed = st.lists(inner, max_size=3).map(
        lambda parts: ("[" + ", ".join(text for text, _ in parts) + "]", [value for _, value in parts])
    )
    chosen = st.tuples(st.booleans(), inner).map(
        lambda pair: (f"({str(pair[0]).lower()} ? {pair[1][0]} : {pair[1][0]})", pair[1][1])
    )
    return plain | listed | chosen


@settings(max_examples=tried(150), deadline=None)
@given(literals())
def test_the_result_is_of_the_type_that_was_told(said: tuple[str, Any]) -> None:
    text, value = said
    expression = compile(text, {})
    assert expression.evaluate({}) == value
    assert not misfit(_type_of(value), expression.result), (text, str(expression.result))


def _type_of(value: Any) -> Type:
    if isinstance(value, list):
        kinds = {_type_of(one) for one in value}
        return Type("array", items=kinds.pop() if len(kinds) == 1 else ANY)
    return {bool: Type("boolean"), int: Type("integer"), str: Type("string")}[type(value)]


@settings(max_examples=tried(60), deadline=None)
@given(value=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), max_size=5), seed=st.randoms())
def test_the_order_in_which_an_object_was_written_never_shows(value: dict[str, int], seed: Any) -> None:
    shuffled = list(value.items())
    seed.shuffle(shuffled)
    expression = compile("[x, x.all(name, x[name] > 3), x.exists_one(name, x[name] > 5)]", {"x": ANY})
    assert json.dumps(expression.evaluate({"x": value})) == json.dumps(expression.evaluate({"x": dict(shuffled)}))


def test_a_list_is_never_built_from_an_object_for_its_members_have_no_order() -> None:
    assert refused("steps.quote.output.map(name, name)").code == "expression.type"
    assert refused("steps.quote.output.rates.map(name, name)").detail == {"line": 1, "column": 1}
    assert "not known to be a list" in str(refused("dyn({'a': 1}).map(name, name)"))
    expression = compile("x.lines.map(line, line)", {"x": ANY})
    assert expression.evaluate({"x": {"lines": [3, 1]}}) == [3, 1]
    with pytest.raises(AutonomyError, match="is an object and not a list"):
        expression.evaluate({"x": {"lines": {"a": 1}}})


@pytest.mark.parametrize(
    ("given_", "wanted", "said"),
    [
        ({"type": "integer"}, {"type": "number"}, ""),
        ({"type": "number"}, {"type": "integer"}, "`whole number` is wanted, this is `number`"),
        ({"type": ["string", "null"]}, {"type": "string"}, "null may stand here, and `text` is wanted"),
        ({"type": "string"}, {"type": ["string", "null"]}, ""),
        ({}, {"type": "string"}, ""),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["null", "string"]}, ""),
        (QUOTE, {"type": "object", "properties": {"amount": {"type": "string"}}}, "`amount`: `text` is wanted"),
        (QUOTE, {"type": "object", "properties": {"total": {}}, "required": ["total"]}, "`total`: is missing"),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}}, "`[]`: "),
    ],
)
def test_a_type_that_does_not_fit_another_says_where(given_: Any, wanted: Any, said: str) -> None:
    found = misfit(of_schema(given_), of_schema(wanted))
    assert found.startswith(said) if said else not found, found


@settings(max_examples=tried(200), deadline=None)
@given(JSON)
def test_no_schema_however_odd_is_more_than_refused(schema: Any) -> None:
    kind = of_schema({"type": "object", "properties": {"a": schema, "b-c": schema, "$ref": {"$ref": "#"}}})
    assert isinstance(compile("x", {"x": kind}), Expression)


def test_a_schema_that_names_itself_is_read_to_a_depth() -> None:
    tree = {"type": "object", "properties": {"inner": {"$ref": "#"}, "name": {"type": "string"}}}
    assert str(compile("x.inner.inner.name", {"x": of_schema(tree)}).result) == "text"


def test_an_evaluation_takes_microseconds() -> None:
    expression = compile("steps.quote.output.amount > inputs.limit && inputs.vendor == 'acme'", VARIABLES)
    best = min(_timed(expression) for _ in range(5))
    assert best < 200e-6, f"{best * 1e6:.0f} µs"


def _timed(expression: Expression) -> float:
    started = time.process_time()
    for _ in range(200):
        expression.evaluate(VALUES)
    return (time.process_time() - started) / 200


@given(value=JSON, name=st.sampled_from(NAMES))
def test_a_value_by_itself_is_what_the_engine_makes_of_it(value: Any, name: str) -> None:
    values = {"x": {name: value}}
    alone, engine = (compile(text, {"x": ANY}) for text in (f"x[{json.dumps(name)}]", f"[x[{json.dumps(name)}]][0]"))
    assert _evaluated(alone, values) == _evaluated(engine, values)


@pytest.mark.parametrize("value", ["a\0b", {"a\0b": 1}, [{"a": "\0"}]])
def test_a_text_that_the_engine_would_cut_is_refused(value: Any) -> None:
    for text in ("x", "[x][0]", "x == 'a'"):
        with pytest.raises(Invalid) as refused:
            compile(text, {"x": ANY}).evaluate({"x": value})
        assert refused.value.code == "expression.value"


def _evaluated(expression: Expression, values: dict[str, Any]) -> str:
    try:
        return json.dumps(expression.evaluate(values))
    except AutonomyError as error:
        return error.code
